"""What stands in the fields of the form: text as somebody types it, and the values it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dotrain.grants import DEFAULT, Grant
from dotrain.pools import Pool
from dotrain.sources import ME
from dotrain.spec import ClusterSpec

SIMPLE_ME = Grant(ME)
"""What the checkbox for this machine stands for; any other grant has a row of its own."""


@dataclass(frozen=True)
class PoolRow:
    """The fields of a pool of nodes.

    Parameters
    ----------
    name, size : str
        As `dotrain.Pool` has them.
    count : int
        Number of nodes, to begin with where the autoscaler chooses it.
    autoscaled : bool
        Whether it does.
    min, max : int
        Between which numbers.
    labels, taints : str
        Each several, with commas between them: ``"team=nlp"`` and
        ``"team=nlp:NoSchedule"``.
    """

    name: str = "train"
    size: str = "s-2vcpu-4gb"
    count: int = 1
    autoscaled: bool = False
    min: int = 1
    max: int = 4
    labels: str = ""
    taints: str = ""


@dataclass(frozen=True)
class SourceRow:
    """The fields of somebody who may enter.

    Parameters
    ----------
    source : str
        ``"me"``, ``"nodes"``, an address or a CIDR.
    to : str
        Services, and protocols with ports, with commas between them.
    label, expires : str
        As `Cluster.allow` has them; an end may also be an instant as
        `dotrain.Grant` has it.
    """

    source: str = ""
    to: str = ", ".join(DEFAULT)
    label: str = ""
    expires: str = ""


@dataclass(frozen=True)
class Values:
    """Everything that stands in the form.

    Parameters
    ----------
    name : str
        The cluster's name.
    region : str
        Where.
    version : str or None
        The Kubernetes version; None is the newest.
    pools : tuple of PoolRow
        The pools of training nodes.
    me : bool
        Whether this machine may enter, by ssh, the Kubernetes API and to the database.
    sources : tuple of SourceRow
        Who else may, and where.
    open_to_world : bool
        Whether that may be everybody.
    egress : str
        What nodes may reach, with commas between the entries.
    engine : str
        The database's engine, empty for no database.
    database_size : str
        The size of its nodes.
    database_nodes : int
        How many.
    database_version : str or None
        Its version; None is the newest.
    max_age, idle, budget : str
        Limits as people write them, empty for none.
    reaper, ha, auto_upgrade : bool
        As `dotrain.up` has them.
    replace : str
        The cluster's name once more, when it may be destroyed.
    drain : bool
        Whether what runs on nodes that go moves first.
    drain_timeout : str
        How long that may take.
    force : bool
        Whether this machine may lose its access.
    """

    name: str = ""
    region: str = "nyc3"
    version: str | None = None
    pools: tuple[PoolRow, ...] = (PoolRow(),)
    me: bool = True
    sources: tuple[SourceRow, ...] = ()
    open_to_world: bool = False
    egress: str = "web"
    engine: str = ""
    database_size: str = "db-s-1vcpu-1gb"
    database_nodes: int = 1
    database_version: str | None = None
    max_age: str = ""
    idle: str = ""
    budget: str = ""
    reaper: bool = False
    ha: bool = False
    auto_upgrade: bool = False
    replace: str = ""
    drain: bool = True
    drain_timeout: str = "10m"
    force: bool = False

    @property
    def empty(self) -> set[str]:
        """The fields that have to be filled in and are not, as errors call them."""
        rows = {f"sources.{n}.source" for n, row in enumerate(self.sources) if not row.source}
        return rows if self.name else rows | {"name"}


def of_spec(spec: ClusterSpec) -> Values:
    """Return what stands in the form for `spec`; reading it again gives the same spec."""
    database = spec.database
    beside: dict[str, Any] = (
        {
            "engine": database.engine,
            "database_size": database.size,
            "database_nodes": database.nodes,
            "database_version": database.version,
        }
        if database
        else {}
    )
    return Values(
        name=spec.name,
        region=spec.region,
        version=spec.version,
        pools=tuple(map(_pool_row, spec.pools)),
        me=SIMPLE_ME in spec.allow,
        sources=tuple(_source_row(one) for one in spec.allow if one != SIMPLE_ME),
        open_to_world=spec.open_to_world,
        egress=", ".join(spec.egress),
        max_age=spec.max_age or "",
        idle=spec.idle or "",
        budget="" if spec.budget is None else f"${spec.budget:.2f}",
        reaper=spec.reaper,
        ha=spec.ha,
        auto_upgrade=spec.auto_upgrade,
        **beside,
    )


def _pool_row(pool: Pool) -> PoolRow:
    scaled: dict[str, Any] = {"min": pool.min, "max": pool.max} if pool.autoscaled else {}
    return PoolRow(
        pool.name,
        pool.size,
        pool.count,
        pool.autoscaled,
        labels=", ".join(f"{key}={value}" for key, value in pool.labels.items()),
        taints=", ".join(pool.taints),
        **scaled,
    )


def _source_row(grant: Grant) -> SourceRow:
    return SourceRow(
        grant.source,
        ", ".join(grant.to),
        grant.label,
        grant.expires,
    )


def parts(text: str) -> tuple[str, ...]:
    """Return what stands between the commas of `text`, nothing for nothing."""
    return tuple(part for part in (one.strip() for one in text.split(",")) if part)

"""What a cluster should be: frozen values, checked when they are made.

A spec is symbolic. ``"me"`` stays ``"me"`` and a version of None means "the
newest", so that a spec means the same on another day and another machine;
`Resolved` holds what these words stood for when they were last applied.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from dotrain import durations, egress, grants, money
from dotrain.checks import check_flag, check_name, check_text, check_whole
from dotrain.errors import SpecError
from dotrain.grants import Grant
from dotrain.pools import SYSTEM_POOL, Pool

_HA_FROM = (1, 36)
ENGINES = ("pg", "mysql", "valkey", "mongodb", "kafka", "opensearch")


@dataclass(frozen=True)
class Database:
    """A managed database beside the cluster.

    Parameters
    ----------
    engine : str
        ``"pg"``, ``"mysql"``, ``"valkey"``, ``"mongodb"``, ``"kafka"`` or ``"opensearch"``.
    size : str
        The size of each node, a DigitalOcean slug such as ``"db-s-1vcpu-1gb"``.
    nodes : int
        Number of nodes, at least 1.
    version : str or None
        The engine's version; None is DigitalOcean's newest.
    """

    engine: str = "pg"
    size: str = "db-s-1vcpu-1gb"
    nodes: int = 1
    version: str | None = None

    def __post_init__(self) -> None:
        check_text(self, "size")
        check_text(self, "version", optional=True)
        if self.engine not in ENGINES:
            raise SpecError(
                f"{self.engine!r} is not a database engine of DigitalOcean.",
                fix=f"Choose one of {', '.join(ENGINES)}.",
            )
        check_whole(self.nodes, 1, "a database", "nodes")


@dataclass(frozen=True)
class ClusterSpec:
    """What a cluster should be.

    Parameters
    ----------
    name : str
        The cluster's name, also that of its Pulumi stack.
    region : str
        A DigitalOcean region such as ``"nyc3"``.
    version : str or None
        The Kubernetes version when the cluster is made; None is the newest.
    pools : tuple of Pool
        The pools of training nodes, at least one, each with a name of its own.
    allow : tuple of Grant
        Who may enter where, and for how long.
    open_to_world : bool
        Whether `allow` may let everybody in.
    egress : tuple of str
        What nodes may reach: presets and rules, as `Cluster.egress` has them.
    database : Database or None
        A managed database beside the cluster.
    ha : bool
        A highly available control plane, which DigitalOcean charges for. From
        Kubernetes 1.36 on it makes no other.
    auto_upgrade : bool
        Patch upgrades in the maintenance window. They restart nodes, and with
        them a training run, so it is off unless asked for.
    system : Pool
        The fixed pool for the cluster's own services.
    max_age : str or None
        How long the cluster may live, from its creation, such as ``"12h"``.
    idle : str or None
        How long nothing may run on it, such as ``"1h"``.
    budget : float or None
        US dollars that it may cost in all, to the cent.
    reaper : bool
        Whether a job in the cluster itself ends what is idle or too old.
    paused : bool
        Whether its training pools are gone until it is resumed.
    """

    name: str
    region: str = "nyc3"
    version: str | None = None
    pools: tuple[Pool, ...] = (Pool(),)
    allow: tuple[Grant, ...] = (Grant("me"),)
    open_to_world: bool = False
    egress: tuple[str, ...] = ("web",)
    database: Database | None = None
    ha: bool = False
    auto_upgrade: bool = False
    system: Pool = SYSTEM_POOL
    max_age: str | None = None
    idle: str | None = None
    budget: float | None = None
    reaper: bool = False
    paused: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "cluster")
        check_text(self, "region")
        check_text(self, "version", optional=True)
        check_flag(self, "open_to_world", "ha", "auto_upgrade", "reaper", "paused")
        for timer in ("max_age", "idle"):
            if getattr(self, timer) is not None:
                object.__setattr__(self, timer, durations.text(getattr(self, timer)))
        if self.budget is not None:
            object.__setattr__(self, "budget", money.budget(self.budget))
        self._check_kinds()
        grants.check(self.allow, open_to_world=self.open_to_world)
        egress.check(self.egress)
        if not self.pools:
            raise SpecError(
                "A cluster without training nodes cannot train.",
                "The list of pools is empty.",
                "Give at least one Pool.",
            )
        names = [pool.name for pool in (self.system, *self.pools)]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise SpecError(
                f"Two node pools are called {repeated[0]!r}.",
                "Pools of one cluster need names of their own; 'system' is taken by the pool that "
                "runs the cluster's own services.",
                "Rename one.",
            )

    @property
    def live_pools(self) -> tuple[Pool, ...]:
        """The pools of training nodes that exist: none while the cluster is paused."""
        return () if self.paused else self.pools

    def highly_available(self, version: str) -> bool:
        """Return whether the control plane is, of a cluster that is made with `version`.

        "For DOKS 1.36.0 and later, the default is true" (DigitalOcean's OpenAPI
        document), and the provider does not send that it should not be.

        Examples
        --------
        >>> bert = ClusterSpec("bert")
        >>> bert.highly_available("1.35.2-do.0"), bert.highly_available("1.36.0-do.0")
        (False, True)
        """
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        return self.ha or numbers >= _HA_FROM

    def without_expired(self, now: dt.datetime) -> ClusterSpec:
        """Return the spec without the grants whose time is over.

        When none of those left is for the Kubernetes API, nobody may enter there
        until that is granted anew. An empty list would say less: its meaning is
        DigitalOcean's to decide.
        """
        rest = tuple(one for one in self.allow if not durations.is_over(one.expires, now))
        if rest == self.allow or any("api" in one.to and ":" not in one.source for one in rest):
            return replace(self, allow=rest)
        return replace(self, allow=(*rest, grants.NOBODY))

    def _check_kinds(self) -> None:
        strangers = [pool for pool in self.pools if not isinstance(pool, Pool)]
        if strangers:
            raise SpecError(
                f"{strangers[0]!r} is not a pool.",
                fix="Give dotrain.Pool('train', size='s-4vcpu-8gb', count=2).",
            )
        if self.database is not None and not isinstance(self.database, Database):
            raise SpecError(
                f"{self.database!r} is not a database.",
                fix="Give dotrain.Database('pg', size='db-s-1vcpu-1gb').",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain JSON values; `from_dict` takes it back unchanged."""
        # JSON has lists and no tuples: what is written should equal what is read.
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ClusterSpec:
        """Return the spec that `to_dict` made `data` of.

        Raises
        ------
        SpecError
            When `data` is not such a dictionary.
        """
        try:
            known = {one.name for one in fields(cls)}
            database = data.get("database")
            return cls(
                **{
                    **{key: value for key, value in data.items() if key in known},
                    "pools": tuple(Pool.from_dict(pool) for pool in data["pools"]),
                    "allow": tuple(
                        Grant(**{**one, "to": tuple(one["to"])}) for one in data["allow"]
                    ),
                    "egress": tuple(data["egress"]),
                    "database": Database(**database) if database else None,
                    "system": Pool.from_dict(data["system"]),
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SpecError(
                "This is not the spec of a cluster.",
                f"Reading it failed at {error}.",
                "It may come from a newer dotrain: update dotrain and try again.",
            ) from error


@dataclass(frozen=True)
class Resolved:
    """What the symbolic words of a spec stood for when it was last applied.

    Parameters
    ----------
    version : str
        The Kubernetes version the cluster was made with.
    me : mapping of str to tuple of str
        The CIDRs that ``"me"`` stands for, by who said it: several people may
        share a cluster, and none takes away another's access by moving.
    database_version : str or None
        The version the database was made with.
    """

    version: str
    me: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    database_version: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` takes them back unchanged."""
        return {**vars(self), "me": {who: list(cidrs) for who, cidrs in self.me.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Resolved:
        """Return what `to_dict` made `data` of."""
        me = {who: tuple(cidrs) for who, cidrs in data["me"].items()}
        return cls(**{**data, "me": me})

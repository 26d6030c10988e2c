"""How far a cluster is: its parts in the order in which they are made, and its pools of nodes.

Everything here is derived: from the steps of the operation that runs or has
failed, from what the API describes, and from what the stack remembers. Where
none of them says anything, a part waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dotrain import names

if TYPE_CHECKING:
    from dotrain.account import Observed
    from dotrain.engine.progress import Step
    from dotrain.pools import Pool
    from dotrain.spec import ClusterSpec

DONE, DOING, FAILED, WAITING = "done", "doing", "failed", "waiting"

_NETWORK = ("network and firewall", ("tag", "VPC", "firewall"))
_CLUSTER = ("cluster", ("cluster",))
_NODES = ("nodes", ("node pool",))
_DATABASE = ("database", ("database", "database firewall"))
# DigitalOcean's words for a cluster that works on itself.
_BUSY = ("provisioning", "upgrading", "deleting")


@dataclass(frozen=True)
class Phase:
    """A part of a cluster, and how far it is.

    Parameters
    ----------
    what : str
        ``"network and firewall"``, ``"cluster"``, ``"nodes"`` or ``"database"``.
    mark : str
        ``"done"``, ``"doing"``, ``"failed"`` or ``"waiting"``.
    detail : str
        What there is to say of it, such as ``"1 of 2 run"``; may be empty.
    """

    what: str
    mark: str
    detail: str = ""


class PoolRow(NamedTuple):
    """A pool of nodes, as it should be and as it is.

    Parameters
    ----------
    name : str
        Its name in the spec, such as ``"train"``.
    size : str
        The size of its nodes.
    running : int
        How many of them run.
    wanted : int
        How many there should be: the spec's count, or what the autoscaler has
        chosen; 0 for a pool that is leaving.
    min, max : int or None
        The autoscaler's range; None without one.
    role : str
        ``"system"``, ``"training"``, or ``"leaving"``.
    """

    name: str
    size: str
    running: int
    wanted: int
    min: int | None
    max: int | None
    role: str


def phases(
    spec: ClusterSpec | None,
    observed: Observed | None,
    steps: Iterable[Step],
    *,
    running: bool,
    made: Collection[str] = (),
    wanted: int = 0,
) -> tuple[Phase, ...]:
    """Return the parts of a cluster with their marks.

    Parameters
    ----------
    spec : ClusterSpec or None
        What it should be, where that is known.
    observed : Observed or None
        What the account has, where it was asked.
    steps : iterable of Step
        Of the operation that runs, or has failed; none after one that did what it should.
    running : bool
        Whether that operation runs.
    made : collection of str
        The names in the program of what the stack remembers.
    wanted : int
        How many nodes there should be.
    """
    steps = list(steps)
    seen = {
        _NETWORK: _network(spec, observed),
        _CLUSTER: _cluster(observed),
        _NODES: _nodes(observed, wanted),
        _DATABASE: _database(observed, made),
    }
    parts = [_NETWORK, _CLUSTER, _NODES, *([_DATABASE] if spec and spec.database else [])]
    return tuple(
        _phase(part[0], [one for one in steps if one.kind in part[1]], seen[part], running=running)
        for part in parts
    )


def _phase(what: str, steps: list[Step], seen: tuple[str, str], *, running: bool) -> Phase:
    """Return a part: a step that runs or failed is news, else what is observed counts."""
    failed = [one for one in steps if one.status == "failed"]
    doing = [one for one in steps if one.status == "running"]
    if failed and not doing:
        return Phase(what, FAILED, _words(failed, "failed"))
    if doing and running:
        return Phase(what, DOING, _words(doing, "runs"))
    mark, detail = seen
    if running and steps and mark == WAITING:
        # Newer than the last look at the account.
        gone = all(one.verb == "delete" for one in steps)
        return Phase(what, DONE, "deleted" if gone else "")
    return Phase(what, mark, detail)


def _words(steps: list[Step], state: str) -> str:
    verbs = list(dict.fromkeys(f"{one.verb} {one.kind}" for one in steps))
    return f"{', '.join(verbs)} {state}"


def _network(spec: ClusterSpec | None, observed: Observed | None) -> tuple[str, str]:
    if observed is None or spec is None:
        return WAITING, ""
    name = names.object_name(spec.name)
    there = any(one.get("name") == name for one in observed.firewalls)
    return (DONE, "") if there else (WAITING, "no firewall")


def _cluster(observed: Observed | None) -> tuple[str, str]:
    cluster = observed.cluster if observed else None
    if cluster is None:
        return WAITING, ""
    state = str(cluster["status"]["state"])
    if state == "running":
        return DONE, ""
    return (DOING if state in _BUSY else FAILED), state


def _nodes(observed: Observed | None, wanted: int) -> tuple[str, str]:
    cluster = observed.cluster if observed else None
    if cluster is None:
        return WAITING, ""
    run = sum(map(running_nodes, cluster["node_pools"]))
    return (DONE if run == wanted else DOING), f"{run} of {wanted} run"


def _database(observed: Observed | None, made: Collection[str]) -> tuple[str, str]:
    database = observed.database if observed else None
    if database is not None:
        state = str(database.get("status") or "")
        return (DONE, "") if state == "online" else (DOING, state)
    return (DONE, "made") if "database" in made else (WAITING, "")


def running_nodes(pool: Mapping[str, Any]) -> int:
    """Return how many nodes of a pool, as the API describes it, run."""
    return sum(node["status"]["state"] == "running" for node in pool.get("nodes") or ())


def pools(spec: ClusterSpec | None, cluster: Mapping[str, Any] | None) -> tuple[PoolRow, ...]:
    """Return the pools of a cluster: those of its spec first, then what is there besides.

    Parameters
    ----------
    spec : ClusterSpec or None
        What it should be, where that is known.
    cluster : mapping or None
        What it is, as the API describes it.
    """
    there = {str(pool["name"]): pool for pool in (cluster or {}).get("node_pools") or ()}
    wanted: list[tuple[str, Pool, str]] = []
    if spec is not None:
        wanted = [(spec.system.name, spec.system, "system")]
        wanted += [(names.pool_name(one), one, "training") for one in spec.live_pools]
    rows = [_row(pool, there.pop(name, None), role) for name, pool, role in wanted]
    return (*rows, *map(_leaving, there.values()))


def _row(pool: Pool, there: Mapping[str, Any] | None, role: str) -> PoolRow:
    wanted = int(there["count"]) if there and pool.autoscaled else pool.count
    running = running_nodes(there) if there else 0
    return PoolRow(pool.name, pool.size, running, wanted, pool.min, pool.max, role)


def _leaving(pool: Mapping[str, Any]) -> PoolRow:
    size = str(pool["size"])
    name = str(pool["name"]).removesuffix(f"-{size}")
    return PoolRow(name, size, running_nodes(pool), 0, None, None, "leaving")

"""The pools of a cluster in words and as a table, for the Nodes tab and its saved copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dotrain import pricing
from dotrain.phases import PoolRow
from dotrain.pools import Pool
from dotrain.snapshot import Snapshot
from dotrain.spec import ClusterSpec
from dotrain.widgets.kit import html
from dotrain.widgets.kit.calls import of_cluster
from dotrain.widgets.nodes import effects, resizing

_HEADERS = ("Pool", "Size", "Nodes", "Autoscaler", "An hour", "For")
_ROLES = {
    "system": "the cluster's own services",
    "training": "training",
    "leaving": "it is leaving",
}
SYSTEM = (
    "The system pool never changes: DigitalOcean would replace the whole cluster with what runs "
    "there, so that is not offered."
)
NOTHING = "There are no nodes to change."


def rows(snapshot: Snapshot) -> list[tuple[str, ...]]:
    """Return the pools as the rows of a table."""
    return [
        (row.name, row.size, nodes(row), scaling(row), cost(row, snapshot), _ROLES[row.role])
        for row in snapshot.pools
    ]


def table(snapshot: Snapshot) -> str:
    """Return the pools as HTML."""
    found = rows(snapshot)
    if not found:
        return html.notice(NOTHING)
    said = html.table(_HEADERS, found, caption="Pools", numeric=(2, 4))
    if snapshot.spec is not None and snapshot.spec.paused:
        said += html.notice(paused(snapshot.spec), "warn")
    return said


def text(snapshot: Snapshot) -> str:
    """Return the pools as lines of text."""
    found = rows(snapshot)
    lines = ["  ".join(filter(None, row)) for row in found] or [NOTHING]
    if snapshot.spec is not None and snapshot.spec.paused:
        lines.append(paused(snapshot.spec))
    return "\n".join(lines)


def nodes(row: PoolRow) -> str:
    """Return how many nodes run, and of how many where that is another number.

    Examples
    --------
    >>> row = PoolRow("train", "s-2vcpu-4gb", 1, 3, None, None, "training")
    >>> nodes(row), nodes(row._replace(running=3))
    ('1 of 3', '3')
    >>> nodes(row._replace(running=3, wanted=0, role="leaving"))
    '3, going'
    """
    if row.role == "leaving":
        return f"{row.running}, going"
    return f"{row.running}" if row.running == row.wanted else f"{row.running} of {row.wanted}"


def scaling(row: PoolRow) -> str:
    """Return between what the autoscaler keeps the number of nodes; empty without one."""
    return "" if row.max is None else f"{row.min} to {row.max}"


def cost(row: PoolRow, snapshot: Snapshot) -> str:
    """Return what a pool costs an hour, as `Cluster.cost` has it."""
    count = billed(snapshot, row.name, row.size)
    count = row.wanted if count is None else count
    line = pricing.pool_line(row.name, row.size, count, snapshot.prices)
    return "unknown" if line.hourly is None else effects.dollars(line.hourly)


def billed(snapshot: Snapshot, name: str, size: str) -> int | None:
    """Return how many nodes of a pool the account has and pays for; None without such a pool."""
    called = (name, f"{name}-{size}")
    pools = (snapshot.cluster or {}).get("node_pools") or ()
    counts = (one["count"] for one in pools if one["size"] == size and one["name"] in called)
    return next(map(int, counts), None)


def present(snapshot: Snapshot, pool: Pool) -> int:
    """Return how many nodes a pool of training nodes has; what it should have without any."""
    count = billed(snapshot, pool.name, pool.size)
    return number(snapshot, pool) if count is None else count


def number(snapshot: Snapshot, pool: Pool) -> int:
    """Return how many nodes a pool of training nodes should have, also when it is resumed."""
    if not pool.autoscaled:
        return pool.count
    found = (row for row in snapshot.pools if row.role == "training" and row.name == pool.name)
    return next((row.wanted for row in found), pool.count)


def paused(spec: ClusterSpec) -> str:
    """Return what a paused cluster will have again."""
    pools = " and ".join(f"{one.count} x {one.size}" for one in spec.pools)
    return f"The cluster is paused. Resume makes its training nodes again: {pools}."


def pausing(snapshot: Snapshot) -> str:
    """Return what a pause does, and what still costs something then."""
    if snapshot.spec is None:
        return ""
    return (
        "All training nodes are deleted until it is resumed, and what is on their disks is lost. "
        "The cluster, its address, its rules and its database stay. It still costs "
        f"{pricing.summary(_kept(snapshot, snapshot.spec))}, and what its load balancers and "
        "volumes cost."
    )


def _kept(snapshot: Snapshot, spec: ClusterSpec) -> list[pricing.Line]:
    system = spec.system
    kept = [pricing.pool_line(system.name, system.size, system.count, snapshot.prices)]
    if snapshot.cluster is not None and snapshot.cluster.get("ha"):
        kept.append(pricing.control_plane())
    if spec.database is not None:
        kept.append(pricing.database(spec.database.nodes, spec.database.size))
    return kept


def without(spec: ClusterSpec, name: str) -> ClusterSpec:
    """Return `spec` without a pool."""
    return replace(spec, pools=tuple(one for one in spec.pools if one.name != name))


def removal(spec: ClusterSpec, name: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Cluster.up` that take a pool away, with what runs there."""
    pools = list(without(spec, name).pools)
    return {"pools": pools, "replace": spec.name, **terms}


def removing(snapshot: Snapshot, name: str) -> str:
    """Return what goes with a pool, in words, and what that saves."""
    if snapshot.spec is None:
        return ""
    pool = resizing.pool_of(snapshot.spec, name)
    if pool is None:
        return ""
    if len(snapshot.spec.pools) == 1:
        return f"{name} is the only pool of training nodes, and stays: pause the cluster instead."
    count = present(snapshot, pool)
    line = pricing.pool_line(name, pool.size, count, snapshot.prices)
    saved = "price unknown" if line.hourly is None else f"-{effects.dollars(line.hourly)}"
    causes = "; ".join(resizing.lost(snapshot.spec, without(snapshot.spec, name)))
    return (
        f"This destroys the pool {name} ({count} x {pool.size}, {saved}) with what runs on it "
        f"({causes})."
    )


def code(name: str, method: str, arguments: Mapping[str, Any]) -> str:
    """Return the call that does it, to copy."""
    return html.code(of_cluster(name, method, **arguments))

"""What a change of a spec may cost: the cluster, its database, pools with what runs on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import names
from dotrain.errors import ReplacementRefused
from dotrain.spec import ClusterSpec


@dataclass(frozen=True)
class Lift:
    """What may be destroyed and made anew, because somebody has named it.

    Parameters
    ----------
    kinds : frozenset of str
        ``"cluster"`` and ``"database"``, where it is known that they are: they
        are made with the version of `Resolved`, and not with their old one.
    inputs : tuple of str
        Inputs of the cluster whose change needs another cluster, although the
        provider would send it: DigitalOcean refuses that.
    """

    kinds: frozenset[str] = frozenset()
    inputs: tuple[str, ...] = ()


def require_named(name: str, given: str | None) -> None:
    """Raise when `given`, which names what may be destroyed, is not the cluster `name`."""
    if given not in (None, name):
        raise ReplacementRefused(
            f"The cluster {name!r} stays as it is.",
            f"What may be replaced was named {given!r}.",
            f"Pass replace={name!r} if you mean this one.",
        )


def suspects(old: ClusterSpec, new: ClusterSpec, known: Collection[str]) -> list[str]:
    """Return what changes from `old` to `new` and may destroy cluster or database, in short.

    Pools are for `dropped`. Whether it does, the engine says: this is to know whether to ask it.

    Parameters
    ----------
    old : ClusterSpec
        What should be until now.
    new : ClusterSpec
        What should be.
    known : collection of str
        The names in the program of what exists.

    Examples
    --------
    >>> old, new = ClusterSpec("bert"), ClusterSpec("bert", region="ams3")
    >>> suspects(old, new, {"cluster"})
    ['region: nyc3 → ams3']
    """
    found = []
    if "cluster" in known:
        found += [
            f"{field}: {getattr(old, field)} → {getattr(new, field)}"
            for field in ("region", "system")
            if getattr(old, field) != getattr(new, field)
        ]
        if old.ha and not new.ha:
            found.append("ha: True → False")
    if "database" in known and old.database:
        if new.database is None:
            found.append(f"database: {old.database.engine} → none")
        elif old.database.engine != new.database.engine:
            found.append(f"database: {old.database.engine} → {new.database.engine}")
    return found


def leaving(spec: ClusterSpec, known: Iterable[str]) -> set[str]:
    """Return the names in the program of the pools that are `known` and that `spec` has not."""
    return {*filter(names.is_pool_key, known)} - {names.pool_key(pool) for pool in spec.live_pools}


def without(old: ClusterSpec, new: ClusterSpec) -> set[str]:
    """Return the names of the pools that `old` has and `new` has not, whatever their size.

    A pool of another size is a new pool, which the old one makes room for when
    that runs; a pause takes all of them, and keeps what they were.
    """
    had = set() if old.paused else {pool.name for pool in old.pools}
    return had - {pool.name for pool in new.pools}


def dropped(
    old: ClusterSpec, new: ClusterSpec, known: Mapping[str, str], cluster: Mapping[str, Any]
) -> dict[str, int]:
    """Return how many nodes there are of the pools that `new` has not, by the pools' names.

    Of one pool there may be several sizes: when a change of it was cut off, the
    nodes are still those of a size that `old` has no more.

    Parameters
    ----------
    old : ClusterSpec
        What should be until now.
    new : ClusterSpec
        What should be.
    known : mapping of str to str
        The ids of what exists, by their names in the program.
    cluster : mapping
        The cluster as the API describes it; empty when there is none.
    """
    gone = without(old, new)
    had = {names.pool_key(pool): pool.name for pool in old.pools}
    keys = {known[key]: key for key in leaving(new, known)} if gone else {}
    nodes: dict[str, int] = {}
    for pool in cluster.get("node_pools") or ():
        key = keys.get(pool["id"])
        if key is None or not pool["count"]:
            continue
        name = (pool.get("labels") or {}).get(names.POOL_LABEL) or had.get(key)
        # One whose label somebody has taken may be any of them.
        if name is None or name in gone:
            name = name or pool["name"]
            nodes[name] = nodes.get(name, 0) + pool["count"]
    return nodes


def causes(pools: Iterable[str]) -> list[str]:
    """Return why the `pools` that are `dropped` go, as `suspects` says it of the rest."""
    return [f"pools: without {name}" for name in sorted(pools)]

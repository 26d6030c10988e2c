"""What a change of a spec may cost: the cluster, its database, pools with what runs on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dotrain.errors import ReplacementRefused
from dotrain.names import pool_key
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
    """Return what changes from `old` to `new` and may destroy something, as sentences' ends.

    Whether it does, the engine says: this is to know whether to ask it.

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
    return [*found, *(f"pools: without {name}" for name in dropped(old, new, known))]


def dropped(old: ClusterSpec, new: ClusterSpec, known: Collection[str]) -> list[str]:
    """Return the names of the pools that exist and `new` has not, whatever their size.

    A pool of another size is a new pool, which the old one makes room for when
    that runs; a pause takes all of them, and keeps what they were.
    """
    kept = {pool.name for pool in new.pools}
    return [p.name for p in old.live_pools if p.name not in kept and pool_key(p) in known]

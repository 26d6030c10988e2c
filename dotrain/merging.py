"""A change of a spec, made on what others have changed of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, TypeVar

from dotrain.pools import Pool
from dotrain.spec import ClusterSpec

_T = TypeVar("_T")
_SCALING = ("count", "min", "max")


def onto(spec: ClusterSpec, before: ClusterSpec, now: ClusterSpec) -> ClusterSpec:
    """Return `spec` with what others have changed since it was asked for.

    An operation that waits for another one was asked for when that had not
    changed anything yet. Only what the two have both changed is as `spec` has it.

    Parameters
    ----------
    spec : ClusterSpec
        What is asked for.
    before : ClusterSpec
        What it was made from.
    now : ClusterSpec
        What should be by now.
    """
    if now == before:
        return spec
    changed = {
        field.name: getattr(spec, field.name)
        for field in fields(spec)
        if getattr(spec, field.name) != getattr(before, field.name)
    }
    if "allow" in changed:
        changed["allow"] = _onto(spec.allow, before.allow, now.allow, lambda grant: grant)
    if "pools" in changed:
        theirs = {pool.name: pool for pool in now.pools}
        old = {pool.name: pool for pool in before.pools}
        ours = (_pool_onto(pool, old.get(pool.name), theirs.get(pool.name)) for pool in spec.pools)
        changed["pools"] = _onto(ours, before.pools, now.pools, lambda pool: pool.name)
    return replace(now, **changed)


def _pool_onto(ours: Pool, before: Pool | None, theirs: Pool | None) -> Pool:
    """Return a pool with what both have changed of it, each another part."""
    if before is None or theirs is None or ours == before:
        return ours
    changed = {
        field.name: getattr(ours, field.name)
        for field in fields(ours)
        if getattr(ours, field.name) != getattr(before, field.name)
    }
    if changed.keys() & set(_SCALING):
        # How many nodes there are is one decision.
        changed |= {name: getattr(ours, name) for name in _SCALING}
    return replace(theirs, **changed)


def _onto(
    ours: Iterable[_T], before: Iterable[_T], theirs: Iterable[_T], key: Callable[[_T], Any]
) -> tuple[_T, ...]:
    mine, old, there = ({key(one): one for one in each} for each in (ours, before, theirs))
    merged = there | {name: one for name, one in mine.items() if one != old.get(name)}
    # What either has taken out stays out, unless the other has changed it.
    return tuple(
        one
        for name, one in merged.items()
        if (name in mine and name in there) or one != old.get(name)
    )

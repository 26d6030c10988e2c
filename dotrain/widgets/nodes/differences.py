"""What a change of a spec changes, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from dotrain.spec import ClusterSpec, Database


def differences(before: ClusterSpec, after: ClusterSpec) -> list[str]:
    """Return what of a spec is another than it was, in words; who may enter is shown as rules."""
    found = _of_pools(before, after)
    for one in fields(after):
        old, new = getattr(before, one.name), getattr(after, one.name)
        if one.name not in ("pools", "allow") and old != new:
            found.append(f"{one.name}: {_word(old)} → {_word(new)}")
    if set(before.allow) != set(after.allow):
        found.append("who may enter")
    return found


def _of_pools(before: ClusterSpec, after: ClusterSpec) -> list[str]:
    old = {pool.name: pool for pool in before.pools}
    new = {pool.name: pool for pool in after.pools}
    found = [f"pool {name}: goes" for name in old if name not in new]
    for name, pool in new.items():
        if name not in old:
            found.append(f"pool {name}: {pool.count} x {pool.size}, new")
        found += [
            f"pool {name}: {one.name} {_word(getattr(old[name], one.name))} → "
            f"{_word(getattr(pool, one.name))}"
            for one in fields(pool)
            if name in old and getattr(old[name], one.name) != getattr(pool, one.name)
        ]
    return found


def _word(value: object) -> str:
    """Return a value of a spec in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in value.items()) or "none"
    if isinstance(value, Database):
        return f"{value.engine}, {value.nodes} x {value.size}"
    return "none" if value is None else str(value)

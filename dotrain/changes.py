"""Changes of a spec, without doing them: grants added and revoked, pools resized."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dotrain import durations, grants
from dotrain.errors import SpecError
from dotrain.grants import NODES, Grant
from dotrain.pools import Pool
from dotrain.sources import ME, parse_network
from dotrain.spec import ClusterSpec

# What is not given stays: this takes a limit off.
NONE = "none"
_TIMERS = ("max_age", "idle")
# What can be asked for. A name is not: that would be another cluster.
_ARGUMENTS = frozenset(
    {"pool", "pools", "region", "version", "allow", "open_to_world", "egress", "database", "ha"}
    | {"auto_upgrade", "max_age", "idle", "budget", "reaper"}
)


def asked(
    before: ClusterSpec | None, arguments: Mapping[str, Any], name: str, now: dt.datetime
) -> ClusterSpec:
    """Return a spec with what is asked for; what is None or not there stays.

    Parameters
    ----------
    before : ClusterSpec or None
        What should be until now; None for a new cluster.
    arguments : mapping
        The arguments of `dotrain.up`.
    name : str
        The name of a new cluster.
    now : datetime.datetime
        The present.

    Raises
    ------
    SpecError
        When something asked for is wrong.
    TypeError
        When nothing like it can be asked for.
    """
    for key in arguments:
        if key not in _ARGUMENTS:
            raise TypeError(f"A cluster cannot be asked for {key!r}; dotrain.up says for what.")
    given = {key: value for key, value in arguments.items() if value is not None}
    if "pool" in given:
        given["pools"] = _one_pool(before, given.pop("pool"), alone="pools" not in given)
    elif "pools" in given:
        given["pools"] = _tuple(given["pools"], "pools=[dotrain.Pool(count=2)]")
    if "allow" in given:
        given["allow"] = grants.parse(given["allow"], now)
        # Said of one list, it does not go on to hold for the next one.
        given.setdefault("open_to_world", False)
    if "egress" in given:
        entries = given["egress"]
        given["egress"] = (entries,) if isinstance(entries, str) else _tuple(entries, "['web']")
    for timer in _TIMERS:
        if given.get(timer) == NONE:
            given[timer] = None
    return replace(before, **given) if before else ClusterSpec(name, **given)


def extended(spec: ClusterSpec, by: object) -> ClusterSpec:
    """Return `spec` with a max age that is longer `by` a span.

    Raises
    ------
    SpecError
        When it has no max age, or `by` is no span.
    """
    span = durations.parse(by)
    if spec.max_age is None:
        raise SpecError(
            f"The cluster {spec.name!r} ends at no time of its own.",
            "It has no max age that could be extended.",
            f"Give it one with dotrain.up({spec.name!r}, max_age='12h'), or leave it as it is.",
        )
    return replace(spec, max_age=durations.text(durations.parse(spec.max_age) + span))


def _one_pool(before: ClusterSpec | None, pool: Pool, *, alone: bool) -> tuple[Pool, ...]:
    if not alone:
        raise SpecError("Which pools?", "Both pool= and pools= were given.", "Give one of them.")
    there = before.pools if before and isinstance(pool, Pool) else ()
    others = [one.name for one in there if one.name != pool.name]
    if others:
        raise SpecError(
            f"The cluster has other pools: {', '.join(others)}.",
            "pool= alone would delete them with what runs on them.",
            "Use resize(pool=...) to change one, or give all that should be with pools=.",
        )
    return (pool,)


def _tuple(value: Iterable[Any], example: str) -> tuple[Any, ...]:
    if not isinstance(value, Iterable):
        raise SpecError(f"{value!r} is not a list.", fix=f"Give a list: {example}.")
    return tuple(value)


def remarks(spec: ClusterSpec) -> list[str]:
    """Return what to say whenever `spec` is what there is."""
    return [f"{spec.name} is paused: resume() makes its training nodes again."] * spec.paused


def granted(spec: ClusterSpec, grant: Grant, *, others: Collection[str] = ()) -> ClusterSpec:
    """Return `spec` with one grant more; the same with another end changes when it ends.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    grant : Grant
        The grant; the same is one of its source, services and label.
    others : collection of str, optional
        Who else says ``"me"`` on this cluster.

    Raises
    ------
    SpecError
        When it cannot stand with the others, or would end the access of `others`.
    """
    same = [one for one in spec.allow if _identity(one) == _identity(grant)]
    if not same:
        return replace(spec, allow=(*spec.allow, grant))
    sooner = grant.expires and any(not one.expires or one.expires > grant.expires for one in same)
    if grant.source == ME and others and sooner:
        raise SpecError(
            f"Nothing was changed about who may enter {spec.name!r}.",
            f"{' and '.join(sorted(others))} may enter by the same grant to 'me', which would end "
            f"at {grant.expires} for them, too.",
            "Allow the address itself for that time, for example allow('203.0.113.7', "
            "expires='8h'), or choose a label.",
        )
    kept = dict.fromkeys(grant if one in same else one for one in spec.allow)
    return replace(spec, allow=tuple(kept))


def _identity(grant: Grant) -> tuple[str, frozenset[str], str]:
    return grant.source, frozenset(grant.to), grant.label


def revoked(
    spec: ClusterSpec, source: str | None, label: str | None, to: Iterable[str] | None
) -> ClusterSpec:
    """Return `spec` without the grants that are named.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    source, label : str or None
        Which grants: those of a source, those of a label, those of both.
    to : iterable of str or None
        Only these services of them; None is all.

    Raises
    ------
    SpecError
        When nothing is named, or nothing like it is granted.
    """
    if source is None and label is None:
        raise SpecError(
            "What should be revoked?",
            "Neither a source nor a label was given.",
            "Give one: revoke('203.0.113.0/24') or revoke(label='office').",
        )
    written = source if source in (ME, NODES, None) else str(parse_network(source))
    services = None if to is None else set(to)
    kept: list[Grant] = []
    for grant in spec.allow:
        named = written in (None, grant.source) and label in (None, grant.label)
        rest = tuple(name for name in grant.to if services and name not in services)
        if not named:
            kept.append(grant)
        elif rest:
            kept.append(replace(grant, to=rest))
    if tuple(kept) == spec.allow:
        raise SpecError(
            f"Nothing like that is granted on {spec.name!r}.",
            f"Its grants are {'; '.join(map(describe, spec.allow))}.",
            "Name one of these.",
        )
    return replace(spec, allow=tuple(kept))


def describe(grant: Grant) -> str:
    """Return a grant in words."""
    label = f" ({grant.label})" if grant.label else ""
    end = f" until {grant.expires}" if grant.expires else ""
    return f"{grant.source} to {', '.join(grant.to)}{label}{end}"


def resized(
    spec: ClusterSpec,
    *,
    count: int | None = None,
    size: str | None = None,
    least: int | None = None,
    most: int | None = None,
    pool: str | None = None,
) -> ClusterSpec:
    """Return `spec` with one pool changed; what is None stays.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    count : int, optional
        The new number of nodes; without `least` and `most` it is fixed from then on.
    size : str, optional
        The new size.
    least, most : int, optional
        Between what DigitalOcean's autoscaler keeps the number of nodes.
    pool : str, optional
        The pool's name; needed when there are several.

    Raises
    ------
    SpecError
        When the pool does not exist, is not named though there are several, or
        the new count is not a count.
    """
    if count is None and size is None and least is None and most is None:
        raise SpecError(
            f"What should change about the nodes of {spec.name!r}?",
            "Neither a count nor a size was given, and no min or max.",
            "Give one, for example resize(count=4).",
        )
    having = [one.name for one in spec.pools]
    name = pool or (having[0] if len(having) == 1 else None)
    if name not in having:
        raise SpecError(
            f"There is no node pool {name!r} in {spec.name!r}."
            if name
            else f"Which node pool of {spec.name!r} should change?",
            f"It has {', '.join(having)}.",
            f"Give one, for example pool={having[0]!r}.",
        )
    old = next(one for one in spec.pools if one.name == name)
    new = _scaled(old if size is None else replace(old, size=size), old, count, least, most)
    return replace(spec, pools=tuple(new if one.name == name else one for one in spec.pools))


def _scaled(
    pool: Pool, before: Pool, count: int | None, least: int | None, most: int | None
) -> Pool:
    """Return `pool` with another number of nodes, fixed or between two."""
    if least is None and most is None:
        return pool if count is None else replace(pool, count=count, min=None, max=None)
    if count is not None and before.autoscaled and pool.size == before.size:
        raise SpecError(
            f"The number of nodes of pool {pool.name!r} is the autoscaler's to choose.",
            "Both a count and a range were given, and the count is only what a new pool begins "
            "with.",
            "Give min= and max= alone, or count= alone to switch the autoscaler off.",
        )
    least = before.min if least is None else least
    most = before.max if most is None else most
    if count is None and isinstance(least, int) and isinstance(most, int):
        # Where it is, or where it has to go: a wrong range is for the pool to refuse.
        count = max(1, least, min(before.count, most))
    return replace(pool, min=least, max=most, count=before.count if count is None else count)

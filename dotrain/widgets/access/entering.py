"""What the Access tab says of rules and grants: tables, ends, and what a revocation is called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from dotrain import changes, durations
from dotrain.errors import SpecError
from dotrain.grants import NOBODY, Grant
from dotrain.rules import Compared, Rule
from dotrain.sources import ME
from dotrain.spec import ClusterSpec, Resolved
from dotrain.widgets.kit import calls

HEADERS = ("Where", "Ports", "Peer", "For", "Ends", "State")
LAYERS = {
    "nodes": "the nodes",
    "control-plane": "the Kubernetes API",
    "database": "the database",
    "doks-managed": "the nodes",
}
_DRIFT = {
    "": "in force",
    "missing": "missing: wanted, and not in force",
    "extra": "extra: in force, and not wanted",
    "expired": "expired: its time is over, and it is still in force",
}
_OWN = tuple(LAYERS)[:3]
ENTERING, LEAVING, MANAGED = (
    "What may enter",
    "What the nodes may reach",
    "DigitalOcean's own rules, which dotrain did not make and nobody can change",
)


def groups(found: Iterable[Compared], now: dt.datetime) -> dict[str, list[tuple[str, ...]]]:
    """Return rules as tables: rows under `HEADERS`, by `ENTERING`, `LEAVING` and `MANAGED`.

    What differs only in its ports, and in what it is for, is one row.

    Parameters
    ----------
    found : iterable of Compared
        Rules wanted and in force.
    now : datetime.datetime
        The present.
    """
    rows: dict[str, dict[tuple[str, ...], list[Rule]]] = {ENTERING: {}, LEAVING: {}, MANAGED: {}}
    for one in sorted(found, key=_place):
        rows[_group(one.rule)].setdefault(_cells(one, now), []).append(one.rule)
    return {
        title: [
            (where, _ports(alike), peer, _labels(alike), *rest)
            for (where, peer, *rest), alike in of_title.items()
        ]
        for title, of_title in rows.items()
        if of_title
    }


def _ports(alike: Iterable[Rule]) -> str:
    return ", ".join(f"{one.protocol} {one.ports}".rstrip() for one in alike)


def _labels(alike: Iterable[Rule]) -> str:
    return ", ".join(dict.fromkeys(filter(None, (one.label for one in alike))))


def _place(one: Compared) -> tuple[int, Rule]:
    return list(LAYERS).index(one.rule.layer), one.rule


def _group(rule: Rule) -> str:
    if rule.layer not in _OWN:
        return MANAGED
    return ENTERING if rule.direction == "inbound" else LEAVING


def _cells(one: Compared, now: dt.datetime) -> tuple[str, ...]:
    """Return a rule as the cells of a row, without its ports and what it is for."""
    rule = one.rule
    way = "into" if rule.direction == "inbound" else "out of"
    state = _DRIFT[one.drift] if rule.layer in _OWN else "DigitalOcean's"
    return f"{way} {LAYERS[rule.layer]}", rule.peer, ends(rule.expires, now), state


def ends(expires: str, now: dt.datetime) -> str:
    """Return when something ends, and in how long; nothing for never.

    Examples
    --------
    >>> ends("2026-01-02T11:00:00Z", dt.datetime(2026, 1, 2, 3, tzinfo=dt.timezone.utc))
    'in 8 h (2026-01-02 11:00 UTC)'
    """
    if not expires:
        return "never"
    moment = durations.moment(expires)
    when = f"{moment:%Y-%m-%d %H:%M} UTC"
    return f"in {durations.rough(moment - now)} ({when})" if moment > now else f"over ({when})"


def title(grant: Grant) -> str:
    """Return which grant it is, in short.

    Examples
    --------
    >>> title(Grant("203.0.113.0/24", label="office"))
    '203.0.113.0/24 (office)'
    """
    return f"{grant.source} ({grant.label})" if grant.label else grant.source


def titles(allowed: Sequence[Grant]) -> list[str]:
    """Return a title of each grant that no other has: with its services, where it has to be."""
    short = [title(one) for one in allowed]
    return [
        text if short.count(text) == 1 else f"{text} to {', '.join(one.to)}"
        for text, one in zip(short, allowed, strict=True)
    ]


def who(grant: Grant, resolved: Resolved | None) -> str:
    """Return who a grant lets in; of ``"me"``, whose addresses that are."""
    if grant.source != ME or resolved is None or not resolved.me:
        return grant.source
    meant = "; ".join(f"{name}: {plain(cidrs)}" for name, cidrs in resolved.me.items())
    return f"{grant.source} ({meant})"


def plain(cidrs: Sequence[str]) -> str:
    """Return addresses in words; one that stands alone has no prefix.

    Examples
    --------
    >>> plain(["203.0.113.7/32", "2001:db8::/64"])
    '203.0.113.7 and 2001:db8::/64'
    """
    return " and ".join(one.removesuffix("/32").removesuffix("/128") for one in cidrs)


def revocation(
    spec: ClusterSpec, grant: Grant, resolved: Resolved | None, who: str
) -> dict[str, Any]:
    """Return the arguments of `Cluster.revoke` that take back `grant` and nothing else.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    grant : Grant
        One of its grants.
    resolved : Resolved or None
        Who says ``"me"`` on the cluster.
    who : str
        Who says it here.

    Examples
    --------
    >>> spec = ClusterSpec("bert", allow=(Grant("me"), Grant("203.0.113.7", label="home")))
    >>> revocation(spec, spec.allow[1], None, "ann")
    {'label': 'home'}
    """
    source = {"source": grant.source}
    if grant.source == ME and not grant.label and shared(resolved, who):
        # What others call "me" stays theirs.
        return source
    ways: list[dict[str, Any]] = [{"label": grant.label}] if grant.label else []
    ways += [source, {**source, "label": grant.label}]
    ways.append({**source, "label": grant.label, "to": list(grant.to)})
    wanted = tuple(one for one in spec.allow if one != grant)
    for way in ways:
        if _left(spec, way) == wanted:
            return way
    return ways[-1]


def shared(resolved: Resolved | None, who: str) -> bool:
    """Return whether others than `who` say ``"me"``, too."""
    return resolved is not None and bool(resolved.me.keys() - {who})


def revoking(name: str, arguments: dict[str, Any]) -> str:
    """Return the call of `Cluster.revoke`, as one would write it in a cell."""
    rest = {key: value for key, value in arguments.items() if key != "source"}
    first = [arguments["source"]] if "source" in arguments else []
    return calls.of_cluster(name, "revoke", *first, **rest)


def summary(found: Iterable[Compared]) -> str:
    """Return in words how many rules are not as they should be; nothing when all are."""
    differ = [one for one in found if one.drift]
    if not differ:
        return ""
    kinds = [one.drift for one in differ]
    parts = [
        f"{kinds.count(kind)} {kind}" for kind in ("missing", "extra", "expired") if kind in kinds
    ]
    noun = "rule differs" if len(differ) == 1 else "rules differ"
    return f"{len(differ)} {noun} from what should be: {', '.join(parts)}."


def covers(found: Iterable[Rule], cidrs: Sequence[str]) -> bool:
    """Return whether the Kubernetes API lets all of `cidrs` in that it can let in (IPv4)."""
    entering = [
        ip_network(rule.peer)
        for rule in found
        if rule.layer == "control-plane" and "/" in rule.peer
    ]
    wanted = [ip_network(one) for one in cidrs if ":" not in one]
    return all(
        any(one.version == wide.version and one.subnet_of(wide) for wide in entering)  # type: ignore[arg-type]
        for one in wanted
    )


def _left(spec: ClusterSpec, way: dict[str, Any]) -> tuple[Grant, ...] | None:
    """Return the grants that are left after a revocation; None when it is refused."""
    # The last grant cannot go: beside one more, to nobody, it can.
    more = () if NOBODY in spec.allow else (NOBODY,)
    beside = replace(spec, allow=(*spec.allow, *more))
    try:
        changed = changes.revoked(beside, way.get("source"), way.get("label"), way.get("to"))
    except SpecError:
        return None
    return tuple(one for one in changed.allow if one not in more)

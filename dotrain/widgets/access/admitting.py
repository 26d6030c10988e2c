"""Who is to be let in, as the fields say it: what is wrong with it, what it opens, which call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from dotrain import changes, durations, grants, rules
from dotrain.errors import InvalidAddress, OpenToWorld, SpecError
from dotrain.grants import DEFAULT, NODES, Grant
from dotrain.sources import ME, parse_network
from dotrain.spec import ClusterSpec, Resolved
from dotrain.widgets.access.entering import LAYERS
from dotrain.widgets.kit import calls

DATABASE = "database"
UNTIL = "Such as 8h or 2d, or an instant such as 2026-01-02T20:00Z; empty is never"


@dataclass(frozen=True)
class Entry:
    """What the fields say.

    Parameters
    ----------
    source : str
        Who.
    to : tuple of str
        Services by name.
    ports : str
        Protocols and ports, with commas between them: ``"tcp 8000-9000, udp 53"``.
    label : str
        What it is for.
    expires : str
        How long, such as ``"8h"``, or until when, such as
        ``"2026-01-02T20:00Z"``; empty for no end.
    """

    source: str
    to: tuple[str, ...] = DEFAULT
    ports: str = ""
    label: str = ""
    expires: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        """All services, those by name first."""
        own = (one.strip() for one in self.ports.split(","))
        return (*self.to, *filter(None, own))


def choices() -> list[tuple[str, str]]:
    """Return each service with what it stands for, and its name."""
    return [(f"{name}: {meaning(name)}", name) for name in grants.SERVICES]


def meaning(name: str) -> str:
    """Return what a service stands for.

    Examples
    --------
    >>> meaning("api"), meaning("torchrun"), meaning("database")
    ('the Kubernetes API', 'the nodes, tcp 29400 and 29500', 'the database')
    """
    service = grants.service(name)
    if service.layer != "nodes":
        return LAYERS[service.layer]
    return f"the nodes, {service.protocol} {' and '.join(service.ports)}".rstrip()


def problems(
    entry: Entry, spec: ClusterSpec, now: dt.datetime, *, others: Collection[str] = ()
) -> dict[str, str]:
    """Return what is wrong with what the fields say, by the field; nothing of an empty source.

    Parameters
    ----------
    entry : Entry
        What the fields say.
    spec : ClusterSpec
        What the cluster should be.
    now : datetime.datetime
        The present.
    others : collection of str, optional
        Who else says ``"me"`` on this cluster.
    """
    found: dict[str, str] = {}
    with _noting(found, "source"):
        if entry.source.strip() and entry.source.strip() not in (ME, NODES):
            parse_network(entry.source)
    with _noting(found, "ports"):
        for name in entry.services:
            grants.service(name)
    with _noting(found, "label"):
        Grant(ME, label=entry.label.strip())
    with _noting(found, "expires"):
        durations.ends(entry.expires.strip(), now)
    if found or not entry.source.strip():
        return found
    with _noting(found, "to"):
        made = grant(entry, now)
    if not found:
        try:
            changes.granted(spec.without_expired(now), made, others=others)
        except (InvalidAddress, OpenToWorld) as error:
            found["source"] = str(error)
        except SpecError as error:
            found["label"] = str(error)
    return found


def grant(entry: Entry, now: dt.datetime) -> Grant:
    """Return the grant that the fields ask for.

    Raises
    ------
    SpecError
        When something of it is wrong.
    """
    return grants.make(
        entry.source.strip(),
        entry.services,
        label=entry.label.strip(),
        expires=entry.expires.strip() or None,
        now=now,
    )


def arguments(entry: Entry) -> dict[str, Any]:
    """Return the arguments of `Cluster.allow`."""
    to = list(entry.services)
    given: dict[str, Any] = {"source": entry.source.strip()}
    if tuple(to) != DEFAULT:
        given["to"] = to[0] if len(to) == 1 else to
    if entry.label.strip():
        given["label"] = entry.label.strip()
    if entry.expires.strip():
        given["expires"] = entry.expires.strip()
    return given


def lasting(one: Grant, expires: str) -> dict[str, Any]:
    """Return the arguments of `Cluster.allow` that change when a grant ends; empty is never."""
    return arguments(Entry(one.source, one.to, label=one.label, expires=expires))


def lasts(expires: str) -> str:
    """Return in words for how long somebody is let in from now on.

    Examples
    --------
    >>> lasts("8h"), lasts("2026-01-02T20:00Z"), lasts("")
    ('ends in 8h', 'ends at 2026-01-02T20:00Z', 'has no end any more')
    """
    if not expires:
        return "has no end any more"
    return f"ends {'at' if expires[:4].isdecimal() and '-' in expires else 'in'} {expires}"


def source(name: str, given: Mapping[str, Any]) -> str:
    """Return the call of `Cluster.allow`, as one would write it in a cell."""
    rest = {key: value for key, value in given.items() if key != "source"}
    return calls.of_cluster(name, "allow", given["source"], **rest)


def opens(one: Grant, spec: ClusterSpec, resolved: Resolved, now: dt.datetime) -> list[str]:
    """Return what a grant opens, in sentences.

    Parameters
    ----------
    one : Grant
        The grant.
    spec : ClusterSpec
        What the cluster should be.
    resolved : Resolved
        What ``"me"`` stands for.
    now : datetime.datetime
        The present.
    """
    alone = replace(spec, allow=(one,), open_to_world=True)
    found = [
        rule
        for rule in rules.desired(alone, resolved)
        if rule.direction == "inbound" and not rule.peer.startswith("k8s:")
    ]
    until = ""
    if one.expires:
        left = durations.rough(durations.moment(one.expires) - now)
        until = f" for {left}, until {one.expires[:16].replace('T', ' ')} UTC"
    said = [f"{peers} may reach {where}{until}." for peers, where in _reached(found)]
    named = DATABASE in one.to and one.to != DEFAULT
    if named and not spec.database:
        said.append("There is no database: to that it applies when there is one.")
    return said


def _reached(found: Iterable[rules.Rule]) -> list[tuple[str, str]]:
    """Return who reaches what, in words: an entry for all who reach the same."""
    doors: dict[str, dict[str, list[str]]] = {}
    for rule in found:
        ports = doors.setdefault(rule.peer, {}).setdefault(rule.layer, [])
        ports.append(f"{rule.protocol} {rule.ports}".rstrip())
    peers: dict[str, list[str]] = {}
    for peer, layers in doors.items():
        where = (
            f"{LAYERS[layer]}{f' on {_joined(ports)}' if layer == 'nodes' else ''}"
            for layer, ports in layers.items()
        )
        peers.setdefault(" and ".join(where), []).append(peer)
    return [(_joined(who), where) for where, who in peers.items()]


def _joined(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


@contextmanager
def _noting(found: dict[str, str], field: str) -> Iterator[None]:
    """Note what is wrong with what is asked for beside its field, where nothing is yet."""
    try:
        yield
    except SpecError as error:
        found.setdefault(field, str(error))

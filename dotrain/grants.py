"""Grants: who may enter where, for how long, in the words that users use.

A grant names a source, the services it may reach, perhaps a label and an end.
A service stands for a layer and its ports:

===========  ===============  =========================================
ssh          nodes            tcp 22
https        nodes            tcp 443
http         nodes            tcp 80
jupyter      nodes            tcp 8888
tensorboard  nodes            tcp 6006
torchrun     nodes            tcp 29400 and 29500 (rendezvous, MASTER_PORT)
nccl         nodes            tcp all: it chooses its ports as it goes
api          control-plane    tcp 443: the Kubernetes API
database     database         the database's own port
===========  ===============  =========================================

Anything else on the nodes is a protocol and ports: ``"tcp 8000-9000"``. Port
6443 may be named so too, but guards nothing: the Kubernetes API of
DigitalOcean is not on the nodes (see `dotrain.rules`). It is ``"api"``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dotrain import durations
from dotrain.errors import InvalidAddress, OpenToWorld, SpecError
from dotrain.ports import parse_ports
from dotrain.sources import ME, Network, collapse, is_world, parse_network

# The nodes of the cluster itself, for what they say to each other.
NODES = "nodes"
DEFAULT = ("ssh", "api", "database")
# DigitalOcean's limit on the entries of one rule's sources.
_MAX_SOURCES = 1000
_LABEL = re.compile(r"[^\W_][\w .:@+-]{0,59}")


@dataclass(frozen=True)
class Service:
    """What a name in `Grant.to` stands for.

    Parameters
    ----------
    layer : str
        ``"nodes"``, ``"control-plane"`` or ``"database"``.
    protocol : str
        ``"tcp"``, ``"udp"`` or ``"icmp"``.
    ports : tuple of str
        Ports and ranges; of a database there are none, it has its own.
    """

    layer: str
    protocol: str
    ports: tuple[str, ...]


SERVICES = {
    "ssh": Service("nodes", "tcp", ("22",)),
    "https": Service("nodes", "tcp", ("443",)),
    "http": Service("nodes", "tcp", ("80",)),
    "jupyter": Service("nodes", "tcp", ("8888",)),
    "tensorboard": Service("nodes", "tcp", ("6006",)),
    "torchrun": Service("nodes", "tcp", ("29400", "29500")),
    "nccl": Service("nodes", "tcp", ("all",)),
    "api": Service("control-plane", "tcp", ("443",)),
    "database": Service("database", "tcp", ()),
}


@dataclass(frozen=True)
class Grant:
    """Who may enter where.

    Parameters
    ----------
    source : str
        ``"me"``, an IP address, a CIDR, or ``"nodes"`` for the cluster's own nodes.
    to : tuple of str
        Services by name, or a protocol and ports such as ``"tcp 8000-9000"``.
    label : str
        What it is for; unique in its cluster, so that it can be revoked by it.
    expires : str
        When it ends, ISO 8601 in UTC; empty for never.

    Raises
    ------
    InvalidAddress
        When the source is none, or has IPv6 where only IPv4 goes.
    SpecError
        When a service, a port, the label or the end is none.

    Examples
    --------
    >>> Grant("203.0.113.0/24", to=("https",), label="office")
    Grant(source='203.0.113.0/24', to=('https',), label='office', expires='')
    """

    source: str
    to: tuple[str, ...] = DEFAULT
    label: str = ""
    expires: str = ""

    def __post_init__(self) -> None:
        services = [service(name) for name in self.to]
        if not services:
            raise SpecError(
                "A grant to nothing lets nobody in.",
                "Its list of services is empty.",
                "Give one, for example to='ssh'.",
            )
        if self.label and not _LABEL.fullmatch(self.label):
            raise SpecError(
                f"{self.label!r} cannot be a label.",
                "A label has at most 60 letters, digits, spaces and . : @ + - _.",
                "Choose another, for example 'office'.",
            )
        if self.source == NODES:
            if any(one.layer != "nodes" for one in services):
                raise SpecError(
                    "The nodes need no grant to the control plane or the database.",
                    "Both let the cluster's own nodes in by themselves.",
                    "Leave 'api' and 'database' out.",
                )
        elif self.source != ME:
            self._check_network(parse_network(self.source), services)

    def _check_network(self, network: Network, services: Sequence[Service]) -> None:
        closed = [one.layer for one in services if one.layer != "nodes"]
        # With everything by default, IPv6 reaches what takes it; who names a
        # layer that does not should know.
        if network.version == 6 and closed and self.to != DEFAULT:  # noqa: PLR2004
            raise InvalidAddress(
                f"{self.source} cannot be let into the {closed[0]}.",
                "DigitalOcean's firewall there takes IPv4 only.",
                "Give an IPv4 address, or grant it to services on the nodes.",
            )


def service(name: str) -> Service:
    """Return what `name` in `Grant.to` stands for.

    Raises
    ------
    SpecError
        When it is neither a service nor a protocol with ports.

    Examples
    --------
    >>> service("tcp 8000-9000")
    Service(layer='nodes', protocol='tcp', ports=('8000-9000',))
    """
    known = SERVICES.get(name) if isinstance(name, str) else None
    if known:
        return known
    protocol, _, ports = str(name).partition(" ")
    if protocol not in ("tcp", "udp", "icmp"):
        raise SpecError(
            f"{name!r} is not a service.",
            f"Services are {', '.join(SERVICES)}.",
            "Choose one, or name a protocol and ports: 'tcp 8000-9000'.",
        )
    return Service("nodes", protocol, (str(parse_ports(ports, protocol)),))


# An address that belongs to nobody (RFC 5737), for when every grant has ended.
NOBODY = Grant("192.0.2.1/32", ("api",), "nobody")


def make(
    source: str,
    to: str | Iterable[str] | None = None,
    *,
    label: str = "",
    expires: str | dt.timedelta | dt.datetime | None = None,
    now: dt.datetime,
) -> Grant:
    """Return a grant from what a user types.

    Parameters
    ----------
    source : str
        As in `Grant`.
    to : str or iterable of str, optional
        As in `Grant`; one service needs no list. By default ssh, api and database.
    label : str
        As in `Grant`.
    expires : str, datetime.timedelta, datetime.datetime or None
        A span from now such as ``"8h"``, an instant (ISO 8601 as text, too), or
        None for never.
    now : datetime.datetime
        The present.
    """
    names = (to,) if isinstance(to, str) else DEFAULT if to is None else tuple(to)
    written = source if source in (ME, NODES) else str(parse_network(source))
    return Grant(written, tuple(dict.fromkeys(names)), label, durations.ends(expires, now))


def parse(allow: str | Grant | Iterable[str | Grant], now: dt.datetime) -> tuple[Grant, ...]:
    """Return the grants that the argument `allow` of `dotrain.up` stands for."""
    if isinstance(allow, (str, Grant)):
        allow = (allow,)
    if not isinstance(allow, Iterable):
        raise SpecError(f"{allow!r} is not a list.", fix="Give a list: allow=['me'].")
    made = [one if isinstance(one, Grant) else make(one, now=now) for one in allow]
    return tuple(dict.fromkeys(made))


def check(grants: Sequence[Grant], *, open_to_world: bool) -> None:
    """Raise unless `grants` may stand together.

    Raises
    ------
    InvalidAddress
        When nobody at all is let in, or too many are.
    OpenToWorld
        When they let everybody in to something, or half the world, and
        `open_to_world` is false. They are added up first: 0.0.0.0/1 and
        128.0.0.0/1 are everybody, too.
    SpecError
        When two have the same label.
    """
    if not grants:
        raise InvalidAddress(
            "Nobody may enter the cluster.",
            "The list of allowed sources is empty.",
            "Give allow='me', or a list of addresses and CIDRs.",
        )
    if len(grants) > _MAX_SOURCES:
        raise InvalidAddress(
            f"{len(grants)} sources are too many.",
            f"A DigitalOcean firewall rule takes {_MAX_SOURCES}.",
            "Summarise them in fewer CIDRs.",
        )
    labels = [grant.label for grant in grants if grant.label]
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    if repeated:
        raise SpecError(
            f"Two grants are labelled {repeated[0]!r}.",
            "A label names one grant, so that it can be revoked.",
            "Choose another label, or revoke the first one.",
        )
    if not open_to_world:
        _refuse_everybody(grants)


def _refuse_everybody(grants: Sequence[Grant]) -> None:
    networks: dict[str, list[Network]] = {}
    for grant in grants:
        if grant.source not in (ME, NODES):
            for name in grant.to:
                networks.setdefault(name, []).append(parse_network(grant.source))
    for name, sources in networks.items():
        if any(is_world(network) for network in collapse(sources)):
            raise OpenToWorld(
                f"The cluster's {name} would be open to the world.",
                f"{' and '.join(map(str, sources))} let in whoever wants to.",
                "Name the addresses that need to enter, or pass open_to_world=True if "
                "everybody does.",
            )

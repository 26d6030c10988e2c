"""What should be, as the histories' own arithmetic has it: nothing here is dotrain's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Rule = tuple[str, str, str, str, str]
"""A layer, a direction, a protocol, ports, and a peer."""

ALL = ("ssh", "api", "database")
NOBODY = "192.0.2.1/32"
_HOURS = 672
_DATABASE_PORT = "25060"
_EVERYWHERE = ("0.0.0.0/0", "::/0")
OPEN_DATABASE = {("database", "inbound", "tcp", _DATABASE_PORT, peer) for peer in _EVERYWHERE}
_SERVICES = {
    "ssh": ("nodes", "22"),
    "jupyter": ("nodes", "8888"),
    "api": ("control-plane", "443"),
    "database": ("database", _DATABASE_PORT),
}
_NAMES = {("udp", "53"), ("tcp", "53"), ("udp", "123")}
_EGRESS = {"locked": _NAMES, "web": _NAMES | {("tcp", "80"), ("tcp", "443")}}
_SYSTEM = ("system", "s-1vcpu-2gb", 1)


@dataclass(frozen=True)
class Grant:
    """Who may enter where."""

    source: str
    to: tuple[str, ...] = ALL


@dataclass(frozen=True)
class Wish:
    """What somebody has asked a cluster to be.

    Parameters
    ----------
    pools : tuple
        A name, a size and a count for each.
    grants : tuple of Grant
        Who may enter.
    egress : str
        What nodes may reach.
    database : str or None
        Which engine it has, if there is one.
    paused : bool
        Whether the pools are gone.
    max_age : str or None
        How long it may live.
    budget : float or None
        What it may cost.
    region : str
        Where it is.
    """

    pools: tuple[tuple[str, str, int], ...]
    grants: tuple[Grant, ...] = (Grant("me"),)
    egress: str = "web"
    database: str | None = None
    paused: bool = False
    max_age: str | None = None
    budget: float | None = None
    region: str = "nyc3"

    @property
    def says_me(self) -> bool:
        """Whether it lets in whoever has asked for it."""
        return any(one.source == "me" for one in self.grants)

    def with_pool(self, name: str, size: str = "", count: int = 0) -> Wish:
        """Return it with another size or count of a pool."""
        pools = [
            (one, size or old, count or number) if one == name else (one, old, number)
            for one, old, number in self.pools
        ]
        return replace(self, pools=tuple(pools))

    def has_pool(self, name: str) -> bool:
        """Return whether it has a pool of that name."""
        return any(one == name for one, *_ in self.pools)

    def with_grant(self, grant: Grant) -> Wish:
        """Return it with one grant more."""
        same = [one for one in self.grants if one.source == grant.source]
        if any(set(one.to) == set(grant.to) for one in same):
            return self
        return replace(self, grants=(*self.grants, grant))

    def without(self, source: str) -> Wish:
        """Return it without what a source was granted."""
        return replace(self, grants=tuple(one for one in self.grants if one.source != source))

    def nodes(self) -> set[tuple[str, str, int]]:
        """Return the pools on DigitalOcean: their names there, sizes, and counts."""
        live = () if self.paused else self.pools
        return {_SYSTEM} | {(f"{name}-{size}", size, count) for name, size, count in live}

    def opens(self, me: str, cluster_id: str) -> set[Rule]:
        """Return every rule of its own, with what "me" stands for."""
        found: set[Rule] = set()
        for grant in self.grants:
            peer = cidr(me if grant.source == "me" else grant.source)
            for service in grant.to:
                layer, ports = _SERVICES[service]
                if layer != "database" or self.database:
                    found.add((layer, "inbound", "tcp", ports, peer))
        if self.database:
            found.add(("database", "inbound", "tcp", _DATABASE_PORT, f"k8s:{cluster_id}"))
        for protocol, ports in _EGRESS[self.egress]:
            found |= {("nodes", "outbound", protocol, ports, peer) for peer in _EVERYWHERE}
        return found

    def reached_by(self, address: str, me: str) -> bool:
        """Return whether an address may reach the Kubernetes API."""
        return any(
            ipaddress.ip_address(address) in ipaddress.ip_network(peer)
            for layer, _, _, _, peer in self.opens(me, "")
            if layer == "control-plane"
        )


def is_another(wish: Wish, objects: Mapping[str, Any], name: str) -> bool:
    """Return whether a cluster, or its database, would have to be destroyed to be as wished."""
    clusters, databases = labelled(objects["clusters"], name), labelled(objects["databases"], name)
    return any(one["region"] != wish.region for one in clusters) or any(
        one["engine"] != wish.database or one["region"] != wish.region for one in databases
    )


def cidr(address: str) -> str:
    """Return an address as a network."""
    return str(ipaddress.ip_network(address))


@dataclass
class Cluster:
    """A cluster that should be.

    Parameters
    ----------
    wish : Wish
        What it should be.
    me : str
        The address that "me" stands for in it.
    may : set of Rule
        What may be open because something was refused half-way, or done by hand.
    failed : bool
        Whether the last thing done to it was refused half-way.
    touched : bool
        Whether somebody has changed it by hand since it was made right.
    known : bool
        Whether this machine has its state.
    alive : bool
        Whether nobody has deleted it by hand.
    going : bool
        Whether a teardown of it has begun.
    old : bool
        Whether it is older than any of its kind may be.
    leaving : set of tuple
        The pools that a change of their sizes has left, when it failed.
    """

    wish: Wish
    me: str
    may: set[Rule] = field(default_factory=set)
    failed: bool = False
    touched: bool = False
    known: bool = True
    alive: bool = True
    going: bool = False
    old: bool = False
    leaving: set[tuple[str, str, int]] = field(default_factory=set)

    @property
    def exact(self) -> bool:
        """Whether it has to be just as it should be."""
        return not (self.failed or self.touched)


def in_force(objects: Mapping[str, Any], name: str) -> set[Rule]:
    """Return the rules of a cluster's own firewalls as the account has them."""
    found: set[Rule] = set()
    for one in objects["firewalls"]:
        if f"dotrain:{name}" in one["tags"]:
            found |= _of_firewall(one)
    for one in labelled(objects["clusters"], name):
        closed = one["control_plane_firewall"]
        allowed = closed["allowed_addresses"] if closed["enabled"] else _EVERYWHERE
        found |= {("control-plane", "inbound", "tcp", "443", cidr(peer)) for peer in allowed}
    for one in labelled(objects["databases"], name):
        if not one["rules"]:
            found |= OPEN_DATABASE
        for rule in one["rules"] or ():
            peer = rule["value"] if rule["type"] == "ip_addr" else f"{rule['type']}:{rule['value']}"
            peer = cidr(peer) if rule["type"] == "ip_addr" else peer
            found.add(("database", "inbound", "tcp", _DATABASE_PORT, peer))
    return found


def _of_firewall(one: Mapping[str, Any]) -> set[Rule]:
    return {
        ("nodes", direction, rule["protocol"], rule["ports"], cidr(peer))
        for direction, side in (("inbound", "sources"), ("outbound", "destinations"))
        for rule in one[f"{direction}_rules"]
        for peer in rule[side]["addresses"]
    }


def labelled(objects: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Return what carries the label of a cluster."""
    return [one for one in objects if f"dotrain:{name}" in one["tags"]]


def hourly(
    objects: Mapping[str, Any], cluster: Mapping[str, Any], prices: Mapping[str, float]
) -> float:
    """Return what a cluster costs an hour with what Kubernetes made for it, but for a database."""
    nodes = sum(prices[pool["size"]] * pool["count"] for pool in cluster["node_pools"])
    balancers = [one for one in objects["load_balancers"] if one["vpc_uuid"] == cluster["vpc_uuid"]]
    mark = f"k8s:{cluster['id']}"
    volumes = [one["size_gigabytes"] for one in objects["volumes"] if mark in one["tags"]]
    beside = 12.0 * len(balancers) + 0.1 * sum(volumes)
    return float(nodes + beside / _HOURS)

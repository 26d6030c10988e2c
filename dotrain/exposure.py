"""Who can reach what in effect: dotrain's rules, DigitalOcean's own, and load balancers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import names, rules
from dotrain.egress import EVERYWHERE

_MANAGED = "made by DigitalOcean, cannot be changed; rules add up, so this is open"
_API = "the Kubernetes API, on DigitalOcean's side; a firewall on the nodes does not reach it"
_PUBLIC = "a load balancer lets everybody in, past the nodes' firewall"


@dataclass(frozen=True)
class Exposed:
    """One way in.

    Parameters
    ----------
    peer : str
        Who: a CIDR, or a kind and an id.
    reaches : str
        What: ``"nodes"``, ``"control-plane"``, ``"database"`` or ``"service"``.
    protocol : str
        ``"tcp"``, ``"udp"`` or ``"icmp"``.
    ports : str
        Which.
    via : str
        The firewall or load balancer that lets them in.
    note : str
        What to know about it.
    """

    peer: str
    reaches: str
    protocol: str
    ports: str
    via: str
    note: str = ""


def of(
    cluster: Mapping[str, Any] | None,
    firewalls: Iterable[Mapping[str, Any]],
    database: Mapping[str, Any] | None,
    trusted: Iterable[Mapping[str, Any]],
    load_balancers: Iterable[Mapping[str, Any]],
) -> list[Exposed]:
    """Return every way in, as the API describes it.

    Parameters
    ----------
    cluster : mapping or None
        The cluster.
    firewalls : iterable of mapping
        The firewalls on its nodes.
    database : mapping or None
        Its database.
    trusted : iterable of mapping
        The database's trusted sources.
    load_balancers : iterable of mapping
        The load balancers in its network.
    """
    found = []
    for firewall in firewalls:
        note = _MANAGED if names.is_managed_by_doks(firewall["name"]) else ""
        found += [
            Exposed(rule.peer, "nodes", rule.protocol, rule.ports, firewall["name"], note)
            for rule in rules.of_firewall(firewall, "nodes")
            if rule.direction == "inbound"
        ]
    if cluster:
        found += [
            Exposed(rule.peer, "control-plane", "tcp", rule.ports, "control plane firewall", _API)
            for rule in rules.of_control_plane(cluster)
        ]
    if database:
        found += [
            Exposed(rule.peer, "database", "tcp", rule.ports, database["name"])
            for rule in rules.of_database(trusted, rules.port_of(database))
        ]
    for balancer in load_balancers:
        found += _of_load_balancer(balancer)
    return found


def _of_load_balancer(balancer: Mapping[str, Any]) -> list[Exposed]:
    if balancer.get("network") == "INTERNAL":
        return []
    allowed = (balancer.get("firewall") or {}).get("allow") or ()
    peers = [
        rules.canonical(entry.partition(":")[2])
        for entry in allowed
        if entry.startswith(("ip:", "cidr:"))
    ]
    return [
        Exposed(
            peer,
            "service",
            "udp" if rule["entry_protocol"] == "udp" else "tcp",
            str(rule["entry_port"]),
            balancer["name"],
            "" if peers else _PUBLIC,
        )
        for rule in balancer.get("forwarding_rules") or ()
        for peer in peers or EVERYWHERE
    ]

"""Rules: who may reach what, as it should be and as the API says it is.

Three layers guard a cluster, each with a firewall of its own:

- ``nodes``: a DigitalOcean Cloud Firewall on the nodes' tag;
- ``control-plane``: the cluster's own control plane firewall. This one guards
  the Kubernetes API. Port 6443 on a Cloud Firewall does not: the API server
  runs on DigitalOcean's side, at port 443 of an address of its own;
- ``database``: the trusted sources of a managed database.

A fourth, ``doks-managed``, is made by DigitalOcean for every cluster and
cannot be changed. Rules are allow-lists that add up, so what it opens is open.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dotrain import egress, grants, names
from dotrain.egress import EVERYWHERE
from dotrain.grants import NODES, Grant
from dotrain.sources import ME, parse_network
from dotrain.spec import ClusterSpec, Resolved

DATABASE_PORT = 25060
"""The port of DigitalOcean's managed databases, where the API does not say it (yet)."""


@dataclass(frozen=True, order=True)
class Rule:
    """One rule of one firewall, for one peer.

    Parameters
    ----------
    layer : str
        ``"nodes"``, ``"control-plane"``, ``"database"`` or ``"doks-managed"``.
    direction : str
        ``"inbound"`` or ``"outbound"``.
    protocol : str
        ``"tcp"``, ``"udp"`` or ``"icmp"``.
    ports : str
        A port, a range such as ``"8000-9000"``, ``"all"``, or empty for ICMP.
    peer : str
        Who is let in, or what is reached: a CIDR, or a kind and an id such as ``"tag:web"``.
    label : str
        What the rule is for; empty when dotrain did not make it.
    expires : str
        When it ends, ISO 8601 in UTC; empty for never.
    """

    layer: str
    direction: str
    protocol: str
    ports: str
    peer: str
    label: str = ""
    expires: str = ""


def desired(
    spec: ClusterSpec,
    resolved: Resolved,
    *,
    cluster_id: str = "",
    database_port: int = DATABASE_PORT,
) -> list[Rule]:
    """Return every rule that `spec` asks for.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    resolved : Resolved
        What its symbolic words stand for.
    cluster_id : str
        The id of the cluster, which its database trusts.
    database_port : int
        The port of the database, which DigitalOcean chooses.
    """
    rules = [rule for grant in spec.allow for rule in _of_grant(spec, grant, resolved)]
    if spec.database:
        port = str(database_port)
        rules = [replace(one, ports=port) if one.layer == "database" else one for one in rules]
        trusted = f"k8s:{cluster_id}"
        rules.append(Rule("database", "inbound", "tcp", port, trusted, "database (cluster)"))
    rules += [
        Rule("nodes", "outbound", way.protocol, way.ports, peer, way.label)
        for way in egress.ways(spec.egress)
        for peer in way.to
    ]
    return list(dict.fromkeys(rules))


def _of_grant(spec: ClusterSpec, grant: Grant, resolved: Resolved) -> Iterator[Rule]:
    for name in grant.to:
        service = grants.service(name)
        if service.layer == "database" and not spec.database:
            continue
        for peer, who in _peers_of(spec, grant, resolved):
            # Only the firewall on the nodes takes IPv6.
            if service.layer != "nodes" and ":" in peer:
                continue
            label = grant.label or (f"{name} ({who})" if who else name)
            for ports in service.ports or ("",):
                yield Rule(
                    service.layer, "inbound", service.protocol, ports, peer, label, grant.expires
                )


def _peers_of(spec: ClusterSpec, grant: Grant, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Yield each peer that a source stands for, and whose "me" it is."""
    if grant.source == NODES:
        yield f"tag:{names.label(spec.name)}", ""
    elif grant.source == ME:
        for who, cidrs in resolved.me.items():
            for cidr in cidrs:
                yield cidr, f"{ME}: {who}"
    else:
        yield str(parse_network(grant.source)), ""


def of_firewall(firewall: Mapping[str, Any], layer: str) -> list[Rule]:
    """Return the rules of a firewall as the API describes it, one for each peer."""
    return [
        Rule(layer, direction, rule["protocol"], _ports(rule), peer)
        for direction, key, side in (
            ("inbound", "inbound_rules", "sources"),
            ("outbound", "outbound_rules", "destinations"),
        )
        for rule in firewall.get(key) or ()
        for peer in _peers(rule.get(side) or {})
    ]


def _ports(rule: Mapping[str, Any]) -> str:
    # The API answers "0" for all ports, and for ICMP, which has none.
    if rule["protocol"] == "icmp":
        return ""
    ports = str(rule.get("ports") or "0")
    return "all" if ports == "0" else ports


def _peers(side: Mapping[str, Any]) -> Iterable[str]:
    for address in side.get("addresses") or ():
        yield canonical(address)
    for key, kind in (
        ("tags", "tag"),
        ("droplet_ids", "droplet"),
        ("load_balancer_uids", "load balancer"),
        ("kubernetes_ids", "cluster"),
    ):
        for identifier in side.get(key) or ():
            yield f"{kind}:{identifier}"


def canonical(address: str) -> str:
    """Return an address as a CIDR without host bits, or as it is when it is none."""
    try:
        return str(ipaddress.ip_network(address, strict=False))
    except ValueError:
        return address


def of_control_plane(cluster: Mapping[str, Any]) -> list[Rule]:
    """Return the rules of a cluster's control plane firewall; without one, everybody enters."""
    firewall = cluster.get("control_plane_firewall") or {}
    allowed: Sequence[str] = firewall.get("allowed_addresses") or ()
    if not firewall.get("enabled"):
        allowed = EVERYWHERE
    return [Rule("control-plane", "inbound", "tcp", "443", canonical(cidr)) for cidr in allowed]


def port_of(database: Mapping[str, Any] | None) -> int:
    """Return the port of a database as the API describes it; the usual one where it does not."""
    connection = (database or {}).get("connection") or {}
    return int(connection.get("port") or DATABASE_PORT)


def of_database(rules: Iterable[Mapping[str, Any]], port: int) -> list[Rule]:
    """Return a database's trusted sources as rules; without any, everybody enters."""
    peers = [
        canonical(rule["value"]) if rule["type"] == "ip_addr" else f"{rule['type']}:{rule['value']}"
        for rule in rules
    ]
    return [
        Rule("database", "inbound", "tcp", str(port), peer) for peer in peers or list(EVERYWHERE)
    ]


def key(rule: Rule) -> tuple[str, ...]:
    """Return what a rule opens, without what it is for."""
    return rule.layer, rule.direction, rule.protocol, rule.ports, rule.peer


@dataclass(frozen=True)
class Compared:
    """A rule, and whether it is both wanted and in force.

    Parameters
    ----------
    rule : Rule
        The rule, with its label if it is wanted.
    source : str
        ``"spec"`` when it is wanted, ``"observed"`` when it is only in force.
    drift : str
        Empty when it is as it should be; ``"missing"`` when it is wanted and not
        in force, ``"extra"`` when it is in force and not wanted, ``"expired"``
        when it is in force and its time is over.
    """

    rule: Rule
    source: str
    drift: str


def compare(wanted: Iterable[Rule], observed: Iterable[Rule], now: str) -> list[Compared]:
    """Return wanted and observed rules side by side.

    Parameters
    ----------
    wanted, observed : iterable of Rule
        What should be, and what is.
    now : str
        The present, as rules have it in `expires`.
    """
    in_force = {key(rule): rule for rule in observed}
    asked = list(wanted)
    over = [rule for rule in asked if rule.expires and rule.expires <= now]
    live = {key(rule) for rule in asked if rule not in over}
    found = []
    for rule in asked:
        there = key(rule) in in_force
        if rule not in over:
            found.append(Compared(rule, "spec", "" if there else "missing"))
        elif there and key(rule) not in live:
            found.append(Compared(rule, "spec", "expired"))
    known = {key(rule) for rule in asked}
    for opened, rule in in_force.items():
        if opened not in known:
            # What DigitalOcean manages nobody asked for, and nobody can change.
            drift = "" if rule.layer == "doks-managed" else "extra"
            found.append(Compared(rule, "observed", drift))
    return found

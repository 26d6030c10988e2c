"""What the audit's tests look at: a healthy cluster, and how to spoil it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dotrain.auditing import Finding, Own, Subject, audit
from dotrain.rules import Rule, desired
from dotrain.spec import ClusterSpec, Database, Resolved

ME = "203.0.113.7/32"
EVERYWHERE = ("0.0.0.0/0", "::/0")
HALVES = ("0.0.0.0/1", "128.0.0.0/1")
CLUSTER_ID = "9f1c2d3e-0000-4000-8000-000000000001"
SPEC = ClusterSpec("bert", database=Database())
RESOLVED = Resolved("1.34.1-do.0", {"ada@laptop": (ME,)})

# Protocol, ports as the API answers them, peers.
Traffic = tuple[str, str, Iterable[str]]
DNS: Traffic = ("udp", "53", ("192.0.2.53",))


def firewall(
    inbound: Iterable[Traffic] = (),
    outbound: Iterable[Traffic] = (DNS,),
    name: str = "fence",
    tags: Iterable[str] = ("web",),
    droplet_ids: Iterable[int] = (),
) -> dict[str, Any]:
    def rules(some: Iterable[Traffic], side: str) -> list[dict[str, Any]]:
        return [
            {"protocol": protocol, "ports": ports, side: {"addresses": list(peers)}}
            for protocol, ports, peers in some
        ]

    return {
        "id": f"id of {name}",
        "name": name,
        "inbound_rules": rules(inbound, "sources"),
        "outbound_rules": rules(outbound, "destinations"),
        "tags": list(tags),
        "droplet_ids": list(droplet_ids),
    }


def droplet(number: int = 1, *tags: str) -> dict[str, Any]:
    return {"id": number, "name": f"machine-{number}", "tags": list(tags or ("web",))}


def cluster(**changes: Any) -> dict[str, Any]:
    return {
        "id": CLUSTER_ID,
        "name": "bert",
        "tags": ["dotrain", "dotrain:bert"],
        "vpc_uuid": "vpc-1",
        "ha": True,
        "auto_upgrade": True,
        "surge_upgrade": True,
        "control_plane_firewall": {"enabled": True, "allowed_addresses": [ME]},
        **changes,
    }


def database(**changes: Any) -> dict[str, Any]:
    return {
        "id": "db-1",
        "name": "dotrain-bert",
        "engine": "pg",
        "tags": ["dotrain", "dotrain:bert"],
        "connection": {"port": 25060},
        **changes,
    }


def source(peer: str) -> dict[str, str]:
    return {"type": "ip_addr", "value": peer}


def balancer(**changes: Any) -> dict[str, Any]:
    return {
        "name": "a1b2",
        "ip": "198.51.100.9",
        "vpc_uuid": "vpc-1",
        "forwarding_rules": [{"entry_protocol": "tcp", "entry_port": 443}],
        **changes,
    }


def managed() -> tuple[dict[str, Any], dict[str, Any]]:
    """The two firewalls that DOKS keeps, with a NodePort service open to everybody."""
    everything = [(protocol, "0", EVERYWHERE) for protocol in ("icmp", "tcp", "udp")]
    inside = [(protocol, "0", ("10.0.0.0/8",)) for protocol in ("icmp", "tcp", "udp")]
    tags = (f"k8s:{CLUSTER_ID}",)
    return (
        firewall(inside, everything, f"k8s-{CLUSTER_ID}-worker", tags),
        firewall([("tcp", "30080", EVERYWHERE)], (), f"k8s-public-access-{CLUSTER_ID}", tags),
    )


def rule(ports: str, peer: str, layer: str = "nodes", label: str = "", way: str = "in") -> Rule:
    return Rule(layer, f"{way}bound", "tcp", ports, peer, label)


def only(**parts: Any) -> Subject:
    """A subject of nothing but `parts`."""
    return Subject(**parts)


def one_firewall(*inbound: Traffic, **rest: Any) -> Subject:
    """A firewall with these rules on one Droplet."""
    return Subject(firewalls=(firewall(inbound, **rest),), droplets=(droplet(),))


def healthy(**changes: Any) -> Subject:
    """A cluster that dotrain made, as dotrain makes it, with all that belongs to it."""
    wanted = tuple(desired(SPEC, RESOLVED, cluster_id=CLUSTER_ID))
    outbound = [
        (one.protocol, one.ports, (one.peer,)) for one in wanted if one.direction == "outbound"
    ]
    own = firewall([("tcp", "22", (ME,))], outbound, "dotrain-bert", ("dotrain:bert",))
    nodes = tuple(
        droplet(number, "k8s", f"k8s:{CLUSTER_ID}", "k8s:worker", "dotrain:bert")
        for number in (1, 2)
    )
    subject = Subject(
        clusters=(cluster(),),
        firewalls=(own, *managed()),
        databases=(database(),),
        droplets=nodes,
        trusted_sources={"db-1": (source(ME), {"type": "k8s", "value": CLUSTER_ID})},
        own={"bert": Own(wanted, (), (ME,))},
        address=(ME,),
    )
    return replace(subject, **changes)


def found(subject: Subject, key: str) -> list[Finding]:
    """Return what one check finds."""
    return [one for one in audit(subject) if one.id == key]

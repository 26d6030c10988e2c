"""Rules as DigitalOcean's three firewalls take them, and the requests that set them.

Pulumi's program and `dotrain.enforce` both build on this, so that what is put
in force directly is what Pulumi would send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain.names import label, object_name
from dotrain.rules import Rule
from dotrain.spec import ClusterSpec


@dataclass(frozen=True)
class Entry:
    """One entry of the nodes' firewall: everybody who shares a protocol and ports.

    Parameters
    ----------
    protocol : str
        ``"tcp"``, ``"udp"`` or ``"icmp"``.
    ports : str
        A port, a range, ``"all"``, or empty for ICMP.
    addresses : tuple of str
        CIDRs.
    tags : tuple of str
        Tags of Droplets.
    """

    protocol: str
    ports: str
    addresses: tuple[str, ...]
    tags: tuple[str, ...]


def entries(wanted: Iterable[Rule], direction: str) -> list[Entry]:
    """Return the entries of the nodes' firewall, ``"inbound"`` or ``"outbound"``."""
    found: dict[tuple[str, str], list[str]] = {}
    for rule in wanted:
        if (rule.layer, rule.direction) == ("nodes", direction):
            found.setdefault((rule.protocol, rule.ports), []).append(rule.peer)
    return [
        Entry(protocol, ports, _addresses(peers), _tags(peers))
        for (protocol, ports), peers in found.items()
    ]


def allowed(wanted: Iterable[Rule]) -> list[str]:
    """Return who may enter the control plane."""
    return list(_addresses(rule.peer for rule in wanted if rule.layer == "control-plane"))


def trusted(wanted: Iterable[Rule]) -> list[str]:
    """Return the addresses that the database trusts: CIDRs, and single ones bare."""
    peers = _addresses(rule.peer for rule in wanted if rule.layer == "database")
    return [peer.removesuffix("/32") for peer in peers]


def requests(
    spec: ClusterSpec, wanted: Iterable[Rule], ids: Mapping[str, str]
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the PUT that sets each layer: its path and its body, by the layer's name.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    wanted : iterable of Rule
        All its rules.
    ids : mapping of str to str
        The ids of the objects, by their names in the program. A layer whose
        object is not there yet is left out.
    """
    rules = list(wanted)
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    if "firewall" in ids:
        found["nodes"] = (f"/v2/firewalls/{ids['firewall']}", _firewall(spec, rules))
    if "cluster" in ids:
        # What a cluster's PUT leaves out stays as it is.
        closed = {"enabled": True, "allowed_addresses": allowed(rules)}
        found["control-plane"] = (
            f"/v2/kubernetes/clusters/{ids['cluster']}",
            {"name": spec.name, "control_plane_firewall": closed},
        )
    if spec.database and "database" in ids:
        sources = [{"type": "ip_addr", "value": value} for value in trusted(rules)]
        if "cluster" in ids:
            sources.append({"type": "k8s", "value": ids["cluster"]})
        if sources:
            # None at all would let everybody in.
            found["database"] = (f"/v2/databases/{ids['database']}/firewall", {"rules": sources})
    return found


def _firewall(spec: ClusterSpec, rules: list[Rule]) -> dict[str, Any]:
    return {
        "name": object_name(spec.name),
        "inbound_rules": [_entry(one, "sources") for one in entries(rules, "inbound")] or None,
        "outbound_rules": [_entry(one, "destinations") for one in entries(rules, "outbound")]
        or None,
        "droplet_ids": None,
        "tags": [label(spec.name)],
    }


def _entry(entry: Entry, side: str) -> dict[str, Any]:
    peers = {"addresses": list(entry.addresses), "tags": list(entry.tags)}
    ports = {"ports": entry.ports} if entry.ports else {}
    named = {key: some for key, some in peers.items() if some}
    return {"protocol": entry.protocol, **ports, side: named}


def _addresses(peers: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(peer for peer in peers if "/" in peer))


def _tags(peers: Iterable[str]) -> tuple[str, ...]:
    kept = (peer.removeprefix("tag:") for peer in peers if peer.startswith("tag:"))
    return tuple(dict.fromkeys(kept))

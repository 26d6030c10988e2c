"""Checks of clusters, their control planes and what stands in front of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dotrain import rules
from dotrain.auditing.estate import Doc, Estate
from dotrain.auditing.finding import Hit, listed
from dotrain.auditing.reach import V4, V6, blocks, everybody

_MOST_PORTS = 5
_MOST_PEERS = 5
_MOST_NAMES = 5


def surge_upgrade_off(estate: Estate) -> Iterator[Hit]:
    """Find clusters whose upgrades take nodes away before they bring new ones.

    Trivy's DIG-0005 and ScoutSuite's kubernetes-kubernetes-surge-upgrade:
    ``surge_upgrade`` is false or missing.
    """
    return _off(
        estate,
        "surge_upgrade",
        "An upgrade takes nodes away before it brings new ones.",
        "Turn surge upgrades on.",
    )


def auto_upgrade_off(estate: Estate) -> Iterator[Hit]:
    """Find clusters that do not get patches by themselves.

    Trivy's DIG-0008 and ScoutSuite's kubernetes-kubernetes-autoupgrade-minor:
    ``auto_upgrade`` is false or missing.
    """
    return _off(
        estate,
        "auto_upgrade",
        "Security patches of Kubernetes are not applied by themselves.",
        "Turn auto-upgrade on, or suppress it where it would end a training run and "
        "somebody upgrades by hand.",
    )


def ha_off(estate: Estate) -> Iterator[Hit]:
    """Find clusters whose control plane is not highly available.

    ScoutSuite's kubernetes-kubernetes-ha-enabled: ``ha`` is false or missing.
    """
    return _off(
        estate,
        "ha",
        "The control plane is a single one; it is away while it is upgraded.",
        "Turn ha on, which costs more and cannot be undone, or suppress it where that is fine.",
    )


def _off(estate: Estate, key: str, what: str, fix: str) -> Iterator[Hit]:
    for cluster in estate.clusters:
        if not cluster.get(key):
            yield Hit("cluster", cluster["name"], what, fix)


def control_plane_open(estate: Estate) -> Iterator[Hit]:
    """Find clusters whose API server everybody may reach.

    The control plane firewall is off, which it is unless asked for, or it
    admits everybody, in one entry or in several. No firewall on the nodes
    changes that. See
    https://docs.digitalocean.com/products/kubernetes/details/managed/
    """
    for cluster in estate.clusters:
        admitted = [rule.peer for rule in rules.of_control_plane(cluster)]
        if not everybody(blocks(admitted), V4):
            continue
        enabled = (cluster.get("control_plane_firewall") or {}).get("enabled")
        why = f"admits {listed(admitted, _MOST_PEERS)}" if enabled else "is off"
        yield Hit(
            "cluster",
            cluster["name"],
            f"Everybody may reach the API server: the control plane firewall {why}.",
            "Turn the control plane firewall on and list the addresses that use kubectl.",
        )


def public_load_balancer(estate: Estate) -> Iterator[Hit]:
    """Find load balancers in a cluster's network that everybody may reach.

    DOKS makes one for each service of the type LoadBalancer, past all
    firewalls of the nodes. One is no finding when ``network`` is INTERNAL, or
    when its own allow-list is not everybody. See
    https://docs.digitalocean.com/products/kubernetes/how-to/configure-load-balancers/
    """
    networks: dict[str, list[str]] = defaultdict(list)
    for cluster in estate.clusters:
        if cluster.get("vpc_uuid"):
            networks[cluster["vpc_uuid"]].append(cluster["name"])
    for balancer in estate.load_balancers:
        clusters = networks.get(balancer.get("vpc_uuid") or "")
        if not clusters or balancer.get("network") == "INTERNAL" or _restricted(balancer):
            continue
        ports = (
            f"{rule['entry_protocol']} {rule['entry_port']}"
            for rule in balancer.get("forwarding_rules") or ()
        )
        yield Hit(
            "load balancer",
            balancer["name"],
            f"Everybody may reach {listed(ports, _MOST_PORTS) or 'it'} at "
            f"{balancer.get('ip') or 'its public address'}; it is in the network of cluster "
            f"{listed(clusters, _MOST_NAMES)}.",
            "Make it internal, give it an allow-list, or make the service a ClusterIP.",
        )


def _restricted(balancer: Doc) -> bool:
    # Entries read "ip:192.0.2.7" and "cidr:192.0.2.0/24". Without any, everybody enters.
    entries = (balancer.get("firewall") or {}).get("allow") or ()
    allowed = blocks(entry.partition(":")[2] for entry in entries)
    return bool(entries) and not any(everybody(allowed, bits) for bits in (V4, V6))

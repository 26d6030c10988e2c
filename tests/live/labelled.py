"""Clusters as dotrain makes them, on the account alone: no state knows them."""

from __future__ import annotations

from typing import Any

from tests.live.conftest import Sandbox

CLUSTERS = "/v2/kubernetes/clusters"
_OUT = {"protocol": "tcp", "ports": "443", "destinations": {"addresses": ["0.0.0.0/0"]}}
_FORWARDING = {
    "entry_protocol": "tcp",
    "entry_port": 80,
    "target_protocol": "tcp",
    "target_port": 30080,
}


def guard(sandbox: Sandbox, name: str) -> str:
    """Make what stands around a cluster, and return the id of its network."""
    sandbox.call("POST", "/v2/tags", name=f"dotrain:{name}")
    around = {"inbound_rules": [], "outbound_rules": [_OUT], "tags": [f"dotrain:{name}"]}
    sandbox.call("POST", "/v2/firewalls", name=f"dotrain-{name}", **around)
    network = sandbox.call("POST", "/v2/vpcs", name=f"dotrain-{name}", region="nyc3")
    return str(network["vpc"]["id"])


def bare(
    sandbox: Sandbox, name: str, *tags: str, size: str = "s-2vcpu-4gb", **fields: Any
) -> dict[str, Any]:
    """Make a cluster with two pools, and nothing around it."""
    label = ["dotrain", f"dotrain:{name}"]
    sizes = {"system": "s-1vcpu-2gb", f"train-{size}": size}
    made: dict[str, Any] = sandbox.call(
        "POST",
        CLUSTERS,
        name=name,
        region="nyc3",
        version="1.34.1-do.0",
        tags=[*label, *tags],
        node_pools=[
            {"name": pool, "size": size, "count": 1, "tags": label} for pool, size in sizes.items()
        ],
        **fields,
    )
    return dict(made["kubernetes_cluster"])


def whole(sandbox: Sandbox, name: str, *tags: str) -> dict[str, Any]:
    """Make a cluster with what stands around it."""
    return bare(sandbox, name, *tags, vpc_uuid=guard(sandbox, name))


def storage(sandbox: Sandbox, name: str, *tags: str) -> None:
    """Make a volume and a snapshot of it."""
    body = {"name": name, "region": "nyc3", "size_gigabytes": 10, "tags": list(tags)}
    volume = sandbox.call("POST", "/v2/volumes", **body)["volume"]
    sandbox.call("POST", f"/v2/volumes/{volume['id']}/snapshots", name=f"{name}-copy")


def balancer(
    sandbox: Sandbox, network: str, *tags: str, name: str = "k8s-service", region: str = "nyc3"
) -> str:
    """Make a load balancer in a network, as Kubernetes does for a Service, and return its id."""
    body = {"name": name, "region": region, "vpc_uuid": network, "tags": list(tags)}
    made = sandbox.call("POST", "/v2/load_balancers", **body, forwarding_rules=[_FORWARDING])
    return str(made["load_balancer"]["id"])


def retag(sandbox: Sandbox, name: str, *tags: str) -> None:
    """Let a cluster carry these tags beside its label, whatever any state says."""
    (one,) = [one for one in sandbox.objects("clusters") if one["name"] == name]
    label = ["dotrain", f"dotrain:{name}"]
    sandbox.call("PUT", f"{CLUSTERS}/{one['id']}", name=name, tags=[*label, *tags])


def left_of(sandbox: Sandbox, name: str) -> list[str]:
    """Return what there is of a cluster, but for what carries its id alone."""
    kinds = ("clusters", "firewalls", "vpcs", "load_balancers", "tags", "databases")
    found = [one["name"] for kind in kinds for one in sandbox.objects(kind)]
    return [one for one in found if one in (name, f"dotrain-{name}", f"dotrain:{name}")]


def fail(sandbox: Sandbox, method: str = "", path: str = "", status: int = 409) -> None:
    """Have all such requests refused; without a path none is."""
    fault = {"method": method, "path": path, "status": status, "times": 1000}
    sandbox.call("POST", "/__sandbox__/faults", faults=[fault] if path else [])

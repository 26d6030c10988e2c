"""An account with one of each thing, by requests that are right, and no network in between."""

import json

from dotrain.sandbox.core import Request

from .conftest import BALANCER, DATABASE, FIREWALL

TOKEN = "t"
HEADERS = {"host": "127.0.0.1", "authorization": f"Bearer {TOKEN}"}
POOL = {"name": "p", "size": "s-1vcpu-2gb", "count": 1, "taints": [], "labels": {}, "tags": []}
GOOD = {
    "clusters": {
        "name": "c",
        "region": "nyc3",
        "version": "latest",
        "vpc_uuid": "",
        "tags": [],
        "node_pools": [POOL],
        "maintenance_policy": {"day": "any", "start_time": "00:00"},
        "control_plane_firewall": {"enabled": True, "allowed_addresses": ["192.0.2.1"]},
        "cluster_autoscaler_configuration": {"scale_down_utilization_threshold": 0.5},
        "routing_agent": {"enabled": True},
    },
    "node_pools": {**POOL, "auto_scale": False, "min_nodes": 0, "max_nodes": 0},
    "firewalls": FIREWALL,
    "rules": {"inbound_rules": FIREWALL["inbound_rules"]},
    "databases": {**DATABASE, "rules": [{"type": "ip_addr", "value": "192.0.2.1"}]},
    "vpcs": {"name": "v", "region": "nyc3", "ip_range": "", "description": "", "default": False},
    "load_balancers": {**BALANCER, "tag": "", "droplet_ids": [], "vpc_uuid": ""},
    "volumes": {"name": "v", "region": "nyc3", "size_gigabytes": 1, "tags": []},
    "projects": {"name": "p", "purpose": "x", "environment": "Staging", "is_default": False},
    "resources": {"resources": [{"resource_id": "1", "resource_type": "droplet"}]},
}


def send(sandbox, method, path, body=None):
    """Return the sandbox's answer."""
    content = b"" if body is None else json.dumps(body).encode()
    return sandbox.answer(Request(method, path, "", HEADERS, content))


def make_all(sandbox):
    """Make one of each thing and return their ids by their places in a path."""
    made = send(sandbox, "POST", "/v2/kubernetes/clusters", GOOD["clusters"])
    cluster = made.body["kubernetes_cluster"]
    found = {"cluster_id": cluster["id"], "pool_id": cluster["node_pools"][0]["id"], "tag": "t"}
    send(sandbox, "POST", "/v2/tags", {"name": "t"})
    for key, kind, noun in (
        ("firewall_id", "firewalls", "firewall"),
        ("database_id", "databases", "database"),
        ("vpc_id", "vpcs", "vpc"),
        ("lb_id", "load_balancers", "load_balancer"),
        ("volume_id", "volumes", "volume"),
        ("project_id", "projects", "project"),
    ):
        found[key] = send(sandbox, "POST", f"/v2/{kind}", GOOD[kind]).body[noun]["id"]
    return found


def with_more(sandbox, found):
    """Return these ids under the names that DigitalOcean's document has, with a machine's."""
    pools = f"/v2/kubernetes/clusters/{found['cluster_id']}/node_pools"
    # Two nodes and another pool, so that one of each can go.
    sent = {**GOOD["node_pools"], "name": "two", "count": 2}
    pool = send(sandbox, "POST", pools, sent).body["node_pool"]
    (node, *_) = send(sandbox, "GET", f"{pools}/{pool['id']}").body["node_pool"]["nodes"]
    return {
        **found,
        "database_cluster_uuid": found["database_id"],
        "tag_id": found["tag"],
        "node_pool_id": pool["id"],
        "node_id": node["id"],
        "droplet_id": node["droplet_id"],
    }

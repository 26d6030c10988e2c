"""Every call there is, answered in the shape that DigitalOcean's document describes.

The client checks each answer it sees; here is a tour that leaves no route out.
"""

import re

import pytest

from dotrain.sandbox import routes

from . import openapi
from .conftest import BALANCER, DATABASE, FIREWALL

CLUSTERS = "/v2/kubernetes/clusters"


@openapi.needs_document
def test_a_wrong_shape_is_noticed():
    with pytest.raises(AssertionError, match="droplet_limit"):
        openapi.check("GET", "/v2/account", 200, {"account": {}})
    with pytest.raises(AssertionError, match="204"):
        openapi.check("GET", "/v2/account", 204, None)


def _kubernetes(server):
    cluster = server.running_cluster("tour", tags=["mine"])
    path = f"{CLUSTERS}/{cluster['id']}"
    server.get(CLUSTERS)
    server("PUT", path, {"name": "tour", "ha": True}, 202)
    for what in ("credentials", "upgrades", "user", "status_messages"):
        server.get(f"{path}/{what}")
    assert server.client.get(f"{path}/kubeconfig").status_code == 200
    server("POST", f"{path}/node_pools", {"name": "b", "size": "c-2", "count": 2}, 201)
    pool = server.get(f"{path}/node_pools")["node_pools"][1]
    pool_path = f"{path}/node_pools/{pool['id']}"
    server("PUT", pool_path, {"name": "b", "count": 3, "taints": [], "labels": {"a": "b"}}, 202)
    node = server.get(pool_path)["node_pool"]["nodes"][0]
    server("DELETE", f"{pool_path}/nodes/{node['id']}?replace=1", status=202)
    server("POST", f"{pool_path}/recycle", {"nodes": None}, 202)
    droplet = server.get("/v2/droplets?tag_name=mine&per_page=1")
    assert droplet["droplets"] == []
    droplet = server.get(f"/v2/droplets?tag_name=k8s:{cluster['id']}")["droplets"][0]
    server.get(f"/v2/droplets/{droplet['id']}")
    server("DELETE", pool_path, status=202)
    return cluster, droplet


def _firewall(server, droplet):
    server("POST", "/v2/tags", {"name": "tour"}, 201)
    made = server("POST", "/v2/firewalls", {**FIREWALL, "tags": ["tour"]}, 202)["firewall"]
    path = f"/v2/firewalls/{made['id']}"
    for method in ("POST", "DELETE"):
        rules = {"inbound_rules": [{**FIREWALL["inbound_rules"][0], "ports": "80"}]}
        server(method, f"{path}/rules", rules, 204)
        server(method, f"{path}/tags", {"tags": ["mine"]}, 204)
        server(method, f"{path}/droplets", {"droplet_ids": [droplet["id"]]}, 204)
    after = server.get(path)["firewall"]
    for key in ("inbound_rules", "outbound_rules", "tags", "droplet_ids"):
        assert after[key] == made[key]
    server.get("/v2/firewalls")
    server("PUT", path, FIREWALL, 200)
    server("DELETE", path, status=204)


def _database(server, cluster):
    server.get("/v2/databases/options")
    made = server("POST", "/v2/databases", {**DATABASE, "tags": ["data"]}, 201)["database"]
    path = f"/v2/databases/{made['id']}"
    server.until(path, lambda answer: answer.json()["database"]["status"] == "online")
    assert server.get("/v2/databases?tag_name=data")["databases"][0]["id"] == made["id"]
    server("PUT", f"{path}/resize", {"size": "db-s-2vcpu-4gb", "num_nodes": 2}, 202)
    server("PUT", f"{path}/migrate", {"region": "ams3"}, 202)
    server("PUT", f"{path}/maintenance", {"day": "tuesday", "hour": "04:00"}, 204)
    server("PUT", f"{path}/upgrade", {"version": "17"}, 204)
    rules = [{"type": "k8s", "value": cluster["id"]}, {"type": "ip_addr", "value": "192.0.2.1"}]
    server("PUT", f"{path}/firewall", {"rules": rules}, 204)
    assert len(server.get(f"{path}/firewall")["rules"]) == 2
    server.get(f"{path}/ca")
    database = server.get(path)["database"]
    changed = ("size", "num_nodes", "region", "version")
    assert [database[key] for key in changed] == ["db-s-2vcpu-4gb", 2, "ams3", "17"]
    server("DELETE", path, status=204)


def _storage(server):
    body = {"name": "disk", "region": "nyc3", "size_gigabytes": 10, "tags": ["kept"]}
    volume = server("POST", "/v2/volumes", body, 201)["volume"]
    path = f"/v2/volumes/{volume['id']}"
    server("POST", "/v2/volumes", body, 409)
    assert server.get("/v2/volumes?name=disk&region=nyc3")["meta"]["total"] == 1
    assert server.get("/v2/volumes?name=other")["meta"]["total"] == 0
    server.get(path)
    made = server("POST", f"{path}/snapshots", {"name": "copy", "tags": ["kept"]}, 201)
    snapshot = f"/v2/snapshots/{made['snapshot']['id']}"
    server.get(f"{path}/snapshots")
    server.get("/v2/snapshots?resource_type=volume")
    server.get(snapshot)
    tagged = {"resources": [{"resource_id": volume["id"], "resource_type": "volume"}]}
    server("POST", "/v2/tags/tour/resources", tagged, 204)
    assert server.get("/v2/tags/tour")["tag"]["resources"]["volumes"]["count"] == 1
    server("DELETE", "/v2/tags/tour/resources", tagged, 204)
    server("DELETE", snapshot, status=204)
    server("DELETE", path, status=204)
    server("POST", "/v2/volumes", body, 201)
    server("DELETE", "/v2/volumes?name=disk&region=nyc3", status=204)
    server.get("/v2/tags")
    server("DELETE", "/v2/tags/tour", status=204)


def _network(server):
    body = {"name": "net", "region": "nyc3", "ip_range": "10.9.0.0/24"}
    vpc = server("POST", "/v2/vpcs", body, 201)["vpc"]
    path = f"/v2/vpcs/{vpc['id']}"
    server("PUT", path, {"name": "net2", "description": "d"}, 200)
    server("PATCH", path, {"name": "net3"}, 200)
    balancer = server("POST", "/v2/load_balancers", {**BALANCER, "vpc_uuid": vpc["id"]}, 202)
    lb_path = f"/v2/load_balancers/{balancer['load_balancer']['id']}"
    server("PUT", lb_path, {**BALANCER, "name": "lb2"}, 200)
    server.get("/v2/load_balancers")
    server.get(lb_path)
    server("DELETE", lb_path, status=204)
    server.get("/v2/vpcs")
    server.get(path)
    server.get(f"{path}/members")
    server("DELETE", path, status=204)


def _projects(server, cluster):
    project = server("POST", "/v2/projects", {"name": "p", "purpose": "train"}, 201)["project"]
    path = f"/v2/projects/{project['id']}"
    server.get("/v2/projects")
    server.get("/v2/projects/default")
    whole = {"name": "p", "description": "", "purpose": "x", "environment": "Staging"}
    server("PUT", path, {**whole, "is_default": False}, 200)
    server("PATCH", path, {"name": "p2"}, 200)
    server("PUT", "/v2/projects/default", {**whole, "name": "d", "is_default": True}, 200)
    server("PATCH", "/v2/projects/default", {"purpose": "all else"}, 200)
    urns = {"resources": [f"do:kubernetes:{cluster['id']}"]}
    server("POST", f"{path}/resources", urns, 200)
    assert server.get(f"{path}/resources")["resources"][0]["urn"] == urns["resources"][0]
    server("DELETE", path, status=412)
    server("POST", "/v2/projects/default/resources", urns, 200)
    server.get("/v2/projects/default/resources")
    server("DELETE", path, status=204)
    server("DELETE", "/v2/projects/default", status=403)


def _end(server, cluster):
    path = f"{CLUSTERS}/{cluster['id']}"
    associated = f"{path}/destroy_with_associated_resources"
    server.get(associated)
    server("DELETE", f"{associated}/selective", {"volumes": []}, 204)
    server("DELETE", f"{associated}/dangerous", status=204)
    server("DELETE", path, status=204)
    server.until_gone(path)


def test_tour(fresh):
    server = fresh
    for path in ("account", "customers/my/balance", "regions", "sizes", "kubernetes/options"):
        server.get(f"/v2/{path}")
    cluster, droplet = _kubernetes(server)
    _firewall(server, droplet)
    _database(server, cluster)
    _storage(server)
    _network(server)
    _projects(server, cluster)
    older = server.cluster("old", version="1.33.4-do.0")
    path = f"{CLUSTERS}/{older['id']}"
    server("POST", f"{path}/upgrade", {"version": "1.34.1-do.0"}, 202)
    _end(server, cluster)
    asked = server.get("/__sandbox__/requests")["requests"]
    answered = {
        (pattern.pattern, method)
        for entry in asked
        for method, pattern, _ in routes._TABLE
        if method == entry["method"]
        and entry["status"] < 300
        and pattern.fullmatch(re.sub(r"\?.*", "", entry["path"]))
    }
    everything = {(pattern.pattern, method) for method, pattern, _ in routes._TABLE}
    refused = {("/v2/projects/default", "DELETE")}
    assert everything - answered == refused

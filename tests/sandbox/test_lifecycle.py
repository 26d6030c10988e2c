"""Things become ready, change and go as time passes."""

import pytest

from dotrain.sandbox import lifecycle

from .conftest import BALANCER, DATABASE, FIREWALL, state

pytestmark = pytest.mark.long(20)

CLUSTERS = "/v2/kubernetes/clusters"


@pytest.mark.parametrize(
    ("now", "upgraded", "deleted", "expected"),
    [
        (0, None, None, "provisioning"),
        (9.9, None, None, "provisioning"),
        (10, None, None, "running"),
        (22, 20, None, "upgrading"),
        (25, 20, None, "running"),
        (1, None, 1, "deleting"),
    ],
)
def test_a_clusters_state_follows_from_the_time(now, upgraded, deleted, expected):
    assert lifecycle.cluster_state(0, upgraded, deleted, now, 10) == expected


def test_without_delay_all_is_ready_and_gone_at_once():
    assert lifecycle.cluster_state(5, None, None, 5, 0) == "running"
    assert lifecycle.database_state(5, "resizing", 5, 5, 0) == "online"
    assert lifecycle.firewall_state(5, 5, 0) == "succeeded"
    assert lifecycle.gone(5, 5, 0)


def test_a_cluster_is_provisioned_then_runs(fresh):
    # Long enough for what is asked of it before it runs.
    fresh("POST", "/__sandbox__/settings", {"delay": 2}, 200)
    made = fresh.cluster("c")
    assert (made["status"]["state"], made["endpoint"]) == ("provisioning", "")
    assert made["node_pools"][0]["nodes"][0]["status"] == {"state": "provisioning"}
    path = f"{CLUSTERS}/{made['id']}"
    fresh("GET", f"{path}/kubeconfig", status=404)
    up = fresh.until(path, lambda answer: state(answer) == "running")["kubernetes_cluster"]
    assert up["endpoint"] == f"https://{made['id']}.k8s.ondigitalocean.com"
    assert up["node_pools"][0]["nodes"][0]["status"] == {"state": "running"}


def test_a_deleted_cluster_goes_and_takes_its_own_along(fresh):
    vpc = fresh("POST", "/v2/vpcs", {"name": "v", "region": "nyc3"}, 201)["vpc"]
    cluster = fresh.running_cluster("c", vpc_uuid=vpc["id"])
    path = f"{CLUSTERS}/{cluster['id']}"
    assert len(fresh.get("/v2/firewalls")["firewalls"]) == 2
    # Long enough for all that is asked of it while it goes.
    fresh("POST", "/__sandbox__/settings", {"delay": 3}, 200)
    fresh("DELETE", path, status=204)
    deleting = fresh.get(path)["kubernetes_cluster"]
    assert deleting["status"]["state"] == "deleting"
    assert deleting["node_pools"][0]["nodes"][0]["status"]["state"] == "deleting"
    answer = fresh("DELETE", f"/v2/vpcs/{vpc['id']}", status=409)
    assert "members" in answer["message"]
    fresh("PUT", path, {"name": "c"}, 422)
    fresh("DELETE", path, status=204)
    fresh.until_gone(path)
    assert fresh.get("/v2/firewalls")["firewalls"] == []
    assert fresh.get("/v2/droplets")["droplets"] == []
    assert fresh.get(f"/v2/vpcs/{vpc['id']}/members")["members"] == []
    fresh("DELETE", f"/v2/vpcs/{vpc['id']}", status=204)
    fresh.cluster("c")


def test_a_new_cluster_may_have_the_name_of_one_that_is_going(fresh):
    fresh("DELETE", f"{CLUSTERS}/{fresh.cluster('c')['id']}", status=204)
    fresh.cluster("c")


def test_pools_come_grow_shrink_and_go(fresh):
    path = f"{CLUSTERS}/{fresh.running_cluster('c')['id']}"
    taints = [{"Key": "gpu", "Value": "yes", "Effect": "NoSchedule"}]
    body = {"name": "train", "size": "s-2vcpu-2gb", "count": 2, "tags": ["t"], "taints": taints}
    made = fresh("POST", f"{path}/node_pools", body, 201)["node_pool"]
    assert made["taints"] == [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    pool = f"{path}/node_pools/{made['id']}"
    fresh.until(pool, lambda answer: states(answer.json()) == ["running"] * 2)
    grown = fresh("PUT", pool, {"name": "train", "count": 3}, 202)
    assert states(grown) == ["running", "running", "provisioning"]
    assert [node["id"] for node in grown["node_pool"]["nodes"][:2]] == [
        node["id"] for node in made["nodes"]
    ]
    assert grown["node_pool"]["taints"] == made["taints"]
    assert len(fresh.get("/v2/droplets?tag_name=t")["droplets"]) == 3
    shrunk = fresh("PUT", pool, {"name": "train", "count": 1}, 202)["node_pool"]
    assert shrunk["count"] == len(shrunk["nodes"]) == 1
    fresh("DELETE", pool, status=202)
    assert states(fresh.get(pool)) == ["deleting"]
    fresh.until_gone(pool)
    assert [pool["name"] for pool in fresh.get(path)["kubernetes_cluster"]["node_pools"]] == [
        "default"
    ]


def states(body):
    return [node["status"]["state"] for node in body["node_pool"]["nodes"]]


def test_the_last_pool_stays(fresh):
    cluster = fresh.cluster("c")
    pool = cluster["node_pools"][0]["id"]
    fresh("DELETE", f"{CLUSTERS}/{cluster['id']}/node_pools/{pool}", status=422)


def test_autoscaling_is_kept_and_bounds_the_count(fresh):
    pool = {"name": "p", "size": "s-1vcpu-2gb", "auto_scale": True, "min_nodes": 2, "max_nodes": 4}
    made = fresh.cluster("c", node_pools=[pool])["node_pools"][0]
    assert {key: made[key] for key in pool} == pool
    assert made["count"] == 2


def test_tags_of_kubernetes_itself_come_first(fresh):
    pool = {"name": "p", "size": "s-1vcpu-2gb", "count": 1, "tags": ["b", "a"]}
    made = fresh.cluster("c", tags=["mine"], node_pools=[pool])
    own = ["k8s", f"k8s:{made['id']}"]
    assert made["tags"] == [*own, "mine"]
    assert made["node_pools"][0]["tags"] == [*own, "k8s:worker", "b", "a"]
    assert fresh.get("/v2/droplets")["droplets"][0]["tags"] == made["node_pools"][0]["tags"]
    for tag in ("mine", "a", own[1]):
        fresh.get(f"/v2/tags/{tag}")


def test_null_changes_nothing_and_the_control_plane_is_replaced(fresh):
    closed = {"enabled": True, "allowed_addresses": ["203.0.113.7/32", "192.0.2.0/24"]}
    made = fresh.running_cluster("c", control_plane_firewall=closed, ha=True, tags=["mine"])
    path = f"{CLUSTERS}/{made['id']}"
    empty = {"enabled": None}
    body = {"name": "c", "control_plane_firewall": empty, "routing_agent": empty, "tags": None}
    after = fresh("PUT", path, {**body, "maintenance_policy": None, "ha": None}, 202)
    assert {**after["kubernetes_cluster"], "updated_at": ""} == {**made, "updated_at": ""}
    other = {"enabled": True, "allowed_addresses": ["198.51.100.4"]}
    after = fresh("PUT", path, {"name": "c", "control_plane_firewall": other}, 202)
    assert after["kubernetes_cluster"]["control_plane_firewall"] == other


def test_managed_firewalls_take_no_edit(fresh):
    cluster = fresh.running_cluster("c")
    managed = fresh.get("/v2/firewalls")["firewalls"]
    names = [f"k8s-{cluster['id']}-worker", f"k8s-public-access-{cluster['id']}"]
    assert [firewall["name"] for firewall in managed] == names
    assert {tuple(firewall["tags"]) for firewall in managed} == {(f"k8s:{cluster['id']}",)}
    for firewall in managed:
        path = f"/v2/firewalls/{firewall['id']}"
        shown = fresh("PUT", path, {**FIREWALL, "name": firewall["name"]}, 200)["firewall"]
        rules = {"inbound_rules": FIREWALL["inbound_rules"]}
        fresh("POST", f"{path}/rules", rules, 204)
        fresh("DELETE", path, status=204)
        assert fresh.get(path)["firewall"] == shown == firewall


def test_a_firewall_waits_then_succeeds(fresh):
    made = fresh("POST", "/v2/firewalls", FIREWALL, 202)["firewall"]
    assert made["status"] == "waiting"
    path = f"/v2/firewalls/{made['id']}"
    fresh.until(path, lambda answer: answer.json()["firewall"]["status"] == "succeeded")


def test_a_database_is_created_then_online_then_resizing(fresh):
    made = fresh("POST", "/v2/databases", DATABASE, 201)["database"]
    assert made["status"] == "creating"
    path = f"/v2/databases/{made['id']}"
    fresh.until(path, lambda answer: answer.json()["database"]["status"] == "online")
    fresh("PUT", f"{path}/resize", {"size": "db-s-2vcpu-4gb", "num_nodes": 1}, 202)
    assert fresh.get(path)["database"]["status"] == "resizing"


def test_database_rules_keep_their_ids(fresh):
    path = f"/v2/databases/{fresh('POST', '/v2/databases', DATABASE, 201)['database']['id']}"
    first = {"type": "ip_addr", "value": "192.0.2.1"}
    fresh("PUT", f"{path}/firewall", {"rules": [first]}, 204)
    before = fresh.get(f"{path}/firewall")["rules"]
    fresh("PUT", f"{path}/firewall", {"rules": [{**first, "value": "192.0.2.0/24"}, first]}, 204)
    after = fresh.get(f"{path}/firewall")["rules"]
    assert after[1:] == before
    fresh("PUT", f"{path}/firewall", {"rules": []}, 204)
    assert fresh.get(f"{path}/firewall")["rules"] == []


def leave_behind(server, cluster):
    tags = [f"k8s:{cluster['id']}"]
    volume = {"name": "pvc-1", "region": "nyc3", "size_gigabytes": 5, "tags": tags}
    made = server("POST", "/v2/volumes", volume, 201)["volume"]
    snapshots = f"/v2/volumes/{made['id']}/snapshots"
    return {
        "load_balancers": server("POST", "/v2/load_balancers", {**BALANCER, "tags": tags}, 202)[
            "load_balancer"
        ]["id"],
        "volumes": made["id"],
        "volume_snapshots": server("POST", snapshots, {"name": "s", "tags": tags}, 201)["snapshot"][
            "id"
        ],
    }


def remaining(server):
    found = server.get("/__sandbox__/objects")
    return [len(found[kind]) for kind in ("load_balancers", "volumes", "snapshots")]


def test_a_plain_delete_leaves_what_the_cluster_made(fresh):
    cluster = fresh.cluster("c")
    leave_behind(fresh, cluster)
    fresh("DELETE", f"{CLUSTERS}/{cluster['id']}", status=204)
    fresh.until_gone(f"{CLUSTERS}/{cluster['id']}")
    assert remaining(fresh) == [1, 1, 1]


def test_a_dangerous_delete_leaves_nothing(fresh):
    cluster = fresh.cluster("c")
    left = leave_behind(fresh, cluster)
    path = f"{CLUSTERS}/{cluster['id']}/destroy_with_associated_resources"
    listed = fresh.get(path)
    assert {kind: items[0]["id"] for kind, items in listed.items()} == left
    fresh("DELETE", f"{path}/dangerous", status=204)
    assert remaining(fresh) == [0, 0, 0]


def test_a_selective_delete_takes_what_was_named(fresh):
    cluster = fresh.cluster("c")
    left = leave_behind(fresh, cluster)
    path = f"{CLUSTERS}/{cluster['id']}/destroy_with_associated_resources"
    fresh("DELETE", f"{path}/selective", {"volumes": ["another"]}, 422)
    fresh("DELETE", f"{path}/selective", {"volumes": [left["volumes"]]}, 204)
    assert remaining(fresh) == [1, 0, 1]


def test_a_firewall_forgets_droplets_and_tags_that_are_gone(fresh):
    cluster = fresh.running_cluster("c")
    number = fresh.get("/v2/droplets")["droplets"][0]["id"]
    fresh("POST", "/v2/tags", {"name": "t"}, 201)
    body = {**FIREWALL, "droplet_ids": [number], "tags": ["t"]}
    path = f"/v2/firewalls/{fresh('POST', '/v2/firewalls', body, 202)['firewall']['id']}"
    fresh("DELETE", "/v2/tags/t", status=204)
    fresh("DELETE", f"{CLUSTERS}/{cluster['id']}", status=204)
    fresh.until_gone(f"{CLUSTERS}/{cluster['id']}")
    after = fresh.get(path)["firewall"]
    assert (after["droplet_ids"], after["tags"]) == ([], [])


def test_two_hundred_networks_have_a_range_each(fresh):
    for number in range(200):
        fresh.client.post("/v2/vpcs", json={"name": f"net-{number}", "region": "nyc3"})
    found = fresh.client.get("/v2/vpcs?per_page=200").json()["vpcs"]
    assert len({one["ip_range"] for one in found}) == len(found) == 200


def test_a_default_vpc_appears_when_needed_and_stays(fresh):
    assert fresh.get("/v2/vpcs")["vpcs"] == []
    used = fresh.cluster("c")["vpc_uuid"]
    (vpc,) = fresh.get("/v2/vpcs")["vpcs"]
    assert (vpc["id"], vpc["default"]) == (used, True)
    answer = fresh("DELETE", f"/v2/vpcs/{used}", status=403)
    assert answer["id"] == "forbidden"


def test_upgrades_go_up_only(fresh):
    path = f"{CLUSTERS}/{fresh.running_cluster('c', version='1.33')['id']}"
    (newer,) = fresh.get(f"{path}/upgrades")["available_upgrade_versions"]
    fresh("POST", f"{path}/upgrade", {"version": "1.32.8-do.0"}, 422)
    fresh("POST", f"{path}/upgrade", {"version": newer["slug"]}, 202)
    after = fresh.get(path)["kubernetes_cluster"]
    assert (after["version"], after["status"]["state"]) == (newer["slug"], "upgrading")
    assert fresh.get(f"{path}/upgrades")["available_upgrade_versions"] is None

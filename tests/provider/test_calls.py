"""Which calls a change comes to, and what an id leads to, beyond the recorded scenario."""

import pytest

from dotrain.sandbox.provider.cluster import Cluster
from dotrain.sandbox.provider.database import Database
from dotrain.sandbox.provider.database_firewall import DatabaseFirewall
from dotrain.sandbox.provider.errors import NotImportable
from dotrain.sandbox.provider.node_pool import NodePool
from dotrain.sandbox.provider.pools import DEFAULT_TAG
from dotrain.sandbox.provider.vpc import Vpc
from tests.provider.replay import NEVER, Exchange

CLUSTERS, C1, D1 = "/v2/kubernetes/clusters", "/v2/kubernetes/clusters/c1", "/v2/databases/d1"
NODE = {"id": "n1", "name": "n", "status": {"state": "running"}}
DATABASE = {
    "name": "d",
    "engine": "pg",
    "version": "16",
    "size": "s",
    "region": "nyc3",
    "nodeCount": 1,
    "tags": ["old", "both"],
}


def pool(id_="p1", *tags):
    found = {"id": id_, "name": "p", "size": "s", "count": 1, "nodes": [NODE]}
    return {**found, "tags": ["k8s", *tags]}


def cluster(*pools):
    found = {"id": "c1", "name": "x", "region": "nyc3", "version": "1.34.1-do.0"}
    policy = {"day": "any", "start_time": "00:00"}
    status = {"state": "running"}
    return {**found, "maintenance_policy": policy, "status": status, "node_pools": list(pools)}


def answers(*pools):
    credentials = dict.fromkeys(("server", "certificate_authority_data", "token"), "x")
    credentials["expires_at"] = NEVER
    return [
        Exchange("GET", C1, response={"kubernetes_cluster": cluster(*pools)}),
        Exchange("GET", f"{C1}/credentials?expiry_seconds=0", response=credentials),
    ]


def asked(replay):
    return [(request.method, request.path) for request in replay.requests]


def test_the_clusters_own_pool_and_version_have_calls_of_their_own(replay, api_for):
    path = f"{C1}/node_pools/p1"
    replay.load(
        [
            *answers(pool("p1", DEFAULT_TAG)),
            Exchange("PUT", path, status=202, response={}),
            Exchange("GET", path, response={"node_pool": pool()}),
            Exchange("POST", f"{C1}/upgrade", status=202),
        ]
    )
    api = api_for(replay.url)
    _, state = Cluster().read(api, "c1", {"name": "x"})
    replay.requests.clear()
    inputs = {
        **{name: state[name] for name in ("name", "region")},
        "version": "1.34.1-do.1",
        "nodePool": {"name": "p", "size": "s", "nodeCount": 2},
    }
    Cluster().update(api, "c1", state, inputs, 5.0)
    assert asked(replay) == [
        ("PUT", path),
        ("GET", path),
        ("POST", f"{C1}/upgrade"),
        ("GET", C1),
    ]
    assert replay.requests[0].request["tags"] == [DEFAULT_TAG]
    assert replay.requests[2].request == {"version": "1.34.1-do.1"}


def test_expired_credentials_are_fetched_again(replay, api_for):
    replay.load(answers(pool("p1", DEFAULT_TAG)))
    old = {"kubeConfigs": [{"expiresAt": "2001-01-01T00:00:00Z", "token": "old"}]}
    _, state = Cluster().read(api_for(replay.url), "c1", old)
    assert state["kubeConfigs"][0]["token"] == "x"
    _, again = Cluster().read(api_for(replay.url), "c1", state)
    assert again["kubeConfigs"] == state["kubeConfigs"]
    assert len([path for _, path in asked(replay) if "credentials" in path]) == 1


def test_the_only_pool_of_an_imported_cluster_becomes_its_own(replay, api_for):
    replay.load([*answers(pool()), Exchange("PUT", f"{C1}/node_pools/p1", status=202, response={})])
    Cluster().read(api_for(replay.url), "c1", {})
    (put,) = [request for request in replay.requests if request.method == "PUT"]
    assert put.request == {"tags": ["k8s", DEFAULT_TAG]}


@pytest.mark.parametrize("marks", [(), (DEFAULT_TAG,)])
def test_a_cluster_of_which_no_one_pool_is_its_own_is_not_imported(replay, api_for, marks):
    replay.load(answers(pool("p1", *marks), pool("p2", *marks)))
    with pytest.raises(NotImportable, match="Exactly one node pool"):
        Cluster().read(api_for(replay.url), "c1", {})


def test_a_pool_is_imported_from_whichever_cluster_has_it(replay, api_for):
    first = {"kubernetes_clusters": [], "links": {"pages": {"next": "more"}}}
    second = {"kubernetes_clusters": [cluster(pool("p1", DEFAULT_TAG), pool("p2"))]}
    replay.load(
        [
            Exchange("GET", CLUSTERS, response=first),
            Exchange("GET", f"{CLUSTERS}?page=2", response=second),
            Exchange("GET", f"{C1}/node_pools/p2", response={"node_pool": pool("p2")}),
        ]
    )
    api = api_for(replay.url)
    assert NodePool().read(api, "p2", {})[1]["clusterId"] == "c1"
    with pytest.raises(NotImportable, match="import the owning cluster"):
        NodePool().read(api, "p1", {})
    with pytest.raises(NotImportable, match="Did not find the cluster"):
        NodePool().read(api, "p3", {})


def test_a_database_is_changed_one_thing_at_a_time(replay, api_for):
    online = {
        "id": "d1",
        "status": "online",
        **dict.fromkeys(("name", "engine", "version", "size", "region"), "x"),
        "num_nodes": 2,
        "maintenance_window": {"day": "monday", "hour": "13:00:00"},
    }
    tags = [("POST", "/v2/tags/new/resources"), ("DELETE", "/v2/tags/old/resources")]
    replay.load(
        [
            Exchange("GET", D1, response={"database": online}),
            *(Exchange("PUT", f"{D1}/{what}") for what in ("resize", "migrate")),
            *(Exchange("PUT", f"{D1}/{what}") for what in ("maintenance", "upgrade")),
            Exchange("POST", "/v2/tags", status=201),
            *(Exchange(*call, status=204) for call in tags),
        ]
    )
    inputs = DATABASE | {
        "nodeCount": 2,
        "region": "ams3",
        "version": "17",
        "tags": ["both", "new"],
        "maintenanceWindows": [{"day": "monday", "hour": "13:00"}],
    }
    Database().update(api_for(replay.url), "d1", DATABASE, inputs, 5.0)
    assert asked(replay) == [
        ("PUT", f"{D1}/resize"),
        ("GET", D1),
        ("PUT", f"{D1}/migrate"),
        ("GET", D1),
        ("PUT", f"{D1}/maintenance"),
        ("PUT", f"{D1}/upgrade"),
        tags[1],
        ("POST", "/v2/tags"),
        tags[0],
        ("GET", D1),
    ]
    assert replay.requests[0].request == {"size": "s", "num_nodes": 2}
    who = {"resources": [{"resource_id": "d1", "resource_type": "database"}]}
    assert replay.requests[6].request == replay.requests[8].request == who


def test_a_database_firewall_is_imported_by_the_database(replay, api_for):
    rule = {"uuid": "u", "type": "k8s", "value": "c1", "created_at": "2026-01-01T00:00:00Z"}
    replay.load([Exchange("GET", f"{D1}/firewall", response={"rules": [rule]})])
    id_, state = DatabaseFirewall().read(api_for(replay.url), "d1", {})
    assert id_.startswith("d1-")
    assert state["clusterId"] == "d1"


def test_a_vpc_is_renamed_in_place(replay, api_for):
    answer = {
        "name": "w",
        "region": "r",
        "ip_range": "10.0.0.0/20",
        "urn": "do:vpc:v1",
        "default": False,
        "created_at": "2026-01-01T00:00:00Z",
    }
    replay.load(
        [
            Exchange("PUT", "/v2/vpcs/v1", response={"vpc": answer}),
            Exchange("GET", "/v2/vpcs/v1", response={"vpc": answer}),
        ]
    )
    inputs = {"name": "w", "region": "r", "description": "d"}
    state = Vpc().update(api_for(replay.url), "v1", {"default": False}, inputs, 5.0)
    assert replay.requests[0].request == {"name": "w", "default": False, "description": "d"}
    assert state["createdAt"] == "2026-01-01 00:00:00 +0000 UTC"

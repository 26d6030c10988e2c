"""Waits end when something is ready, has failed, or takes too long."""

import pytest

from dotrain.sandbox.provider.cluster import Cluster
from dotrain.sandbox.provider.database import Database
from dotrain.sandbox.provider.errors import ApiError, WaitFailed
from dotrain.sandbox.provider.node_pool import NodePool
from dotrain.sandbox.provider.pools import all_running
from tests.provider.replay import Exchange

CLUSTERS, POOLS = "/v2/kubernetes/clusters", "/v2/kubernetes/clusters/c1/node_pools"
POOL = {"name": "p", "size": "s", "nodeCount": 1}
CLUSTER = {"name": "x", "region": "nyc3", "version": "1.34.1-do.0", "nodePool": POOL}
DATABASE = {"name": "d", "engine": "pg", "size": "s", "region": "nyc3", "nodeCount": 1}


def cluster(method, path, state, message=""):
    status = {"state": state, "message": message}
    return Exchange(method, path, response={"kubernetes_cluster": {"id": "c1", "status": status}})


def pool(method, path, *states, count):
    nodes = [{"status": {"state": state}} for state in states]
    answer = {"node_pool": {"id": "p1", "count": count, "nodes": nodes}}
    return Exchange(method, path, response=answer)


def test_a_cluster_that_fails_says_why(replay, api_for):
    replay.load(
        [
            cluster("POST", CLUSTERS, "provisioning"),
            cluster("GET", f"{CLUSTERS}/c1", "provisioning"),
            cluster("GET", f"{CLUSTERS}/c1", "error", "no capacity in this region"),
        ]
    )
    with pytest.raises(WaitFailed, match="no capacity in this region"):
        Cluster().create(api_for(replay.url), CLUSTER, 5.0)


def test_a_cluster_that_takes_too_long(replay, api_for):
    replay.load(
        [
            cluster("POST", CLUSTERS, "provisioning"),
            cluster("GET", f"{CLUSTERS}/c1", "provisioning"),
        ]
    )
    with pytest.raises(WaitFailed, match="Timeout waiting to create cluster"):
        Cluster().create(api_for(replay.url), CLUSTER, 0.05)


def test_a_pool_is_ready_when_all_its_nodes_are_there_and_run():
    def running(*states):
        nodes = [{"status": {"state": state}} for state in states]
        return all_running({"count": 2, "nodes": nodes})

    assert running("running", "running")
    assert not running("running")
    assert not running("running", "provisioning")
    assert not running()


def test_a_pool_that_takes_too_long_to_come_or_go(replay, api_for):
    replay.load(
        [
            pool("POST", POOLS, count=1),
            pool("GET", f"{POOLS}/p1", "provisioning", count=1),
            Exchange("DELETE", f"{POOLS}/p1", status=202),
        ]
    )
    with pytest.raises(WaitFailed, match="Timeout waiting to create nodepool"):
        NodePool().create(api_for(replay.url), {"clusterId": "c1", **POOL}, 0.05)
    with pytest.raises(WaitFailed, match="Timeout waiting to delete nodepool"):
        NodePool().delete(api_for(replay.url), "p1", {"clusterId": "c1"}, 0.05)


def test_a_database_may_answer_not_found_at_first(replay, api_for):
    created = {"database": {"id": "d1"}}
    online = {
        "database": {
            "id": "d1",
            "status": "online",
            **dict.fromkeys(("name", "engine", "version", "size", "region"), "x"),
            "num_nodes": 1,
        }
    }
    replay.load(
        [
            Exchange("POST", "/v2/databases", response=created),
            Exchange("GET", "/v2/databases/d1", status=404, response={"message": "not found"}),
            Exchange("GET", "/v2/databases/d1", response=online),
        ]
    )
    id_, _ = Database().create(api_for(replay.url), DATABASE, 5.0)
    assert id_ == "d1"


def test_an_error_while_waiting_ends_the_wait(replay, api_for):
    gone = Exchange("GET", f"{CLUSTERS}/c1", status=404, response={"message": "not found"})
    replay.load([cluster("POST", CLUSTERS, "provisioning"), gone])
    with pytest.raises(ApiError, match="404 not found"):
        Cluster().create(api_for(replay.url), CLUSTER, 5.0)

"""What a cluster still lacks until it is ready, and why."""

from __future__ import annotations

import pytest

from dotrain import readiness
from tests.unit.kubernetes import a_node, a_pod, an_event


def a_cluster(*names: str, count: int | None = None) -> dict:
    nodes = [{"name": name, "status": {"state": "provisioning"}} for name in names]
    pool = {"name": "train-x", "count": len(names) if count is None else count, "nodes": nodes}
    return {"node_pools": [pool]}


def missing(cluster: dict, nodes: list, pods: list) -> list[str]:
    return list(readiness.missing(cluster, nodes, pods).values())


def test_nothing_is_missing_when_all_are_ready() -> None:
    pods = [a_pod(namespace="kube-system"), a_pod("done", "kube-system", phase="Succeeded")]
    assert missing(a_cluster("gpu-0"), [a_node(), a_node("left-over", ready="False")], pods) == []


@pytest.mark.parametrize(
    ("cluster", "nodes", "said"),
    [
        (a_cluster("gpu-0", count=2), [a_node()], "the pool train-x has 1 of 2 nodes"),
        (
            a_cluster("gpu-0"),
            [],
            "the node gpu-0 of train-x has not joined (DigitalOcean: provisioning)",
        ),
        (a_cluster("gpu-0"), [a_node(ready="False")], "the node gpu-0 of train-x is not ready (by"),
        (a_cluster("gpu-0"), [a_node(spec={"unschedulable": True})], "takes no Pods"),
    ],
    ids=["not made", "not joined", "not ready", "cordoned"],
)
def test_a_node_is_missing_that_is(cluster, nodes, said) -> None:
    (found,) = missing(cluster, nodes, [])
    assert said in found


@pytest.mark.parametrize("state", ["draining", "deleting"])
def test_a_node_that_digitalocean_takes_away_is_not_waited_for(state) -> None:
    cluster = a_cluster("gpu-0", "gpu-1", count=1)
    cluster["node_pools"][0]["nodes"][1]["status"]["state"] = state
    assert missing(cluster, [a_node()], []) == []
    cluster["node_pools"][0]["count"] = 2
    (found,) = missing(cluster, [a_node(), a_node("gpu-1")], [])
    assert found == "the pool train-x has 1 of 2 nodes"


def test_a_system_pod_is_missing_that_does_not_run() -> None:
    pod = a_pod("coredns", "kube-system", phase="Pending", status={"reason": "Evicted"})
    (found,) = missing(a_cluster(), [], [pod])
    assert found == "the Pod kube-system/coredns is Pending Evicted"


def test_each_is_said_with_its_last_warning() -> None:
    found = {"Pod/kube-system/coredns": "the Pod waits", "Node/gpu-0": "the node is lost"}
    events = [
        an_event("Pod/kube-system/coredns", message="second.", lastTimestamp="2026-01-02T09:00Z"),
        an_event("Pod/kube-system/coredns", message="first", lastTimestamp="2026-01-02T08:00Z"),
        an_event("Node/gpu-0", message="no kubelet"),
        an_event("Node/gpu-9", message="of another"),
    ]
    assert readiness.explained(found, events) == [
        "the Pod waits: second",
        "the node is lost: no kubelet",
    ]


def test_the_error_has_all_in_a_list_and_some_in_words() -> None:
    found = [f"the node gpu-{number} has not joined" for number in range(9)]
    error = readiness.failure("bert", 600, found)
    assert error.causes == tuple(found)
    assert "The node gpu-0 has not joined" in str(error)
    assert "and 4 more" in str(error)

"""What counts as working on a cluster, and since when nothing does."""

from __future__ import annotations

import datetime as dt

import pytest

from dotrain import idleness, objects
from tests.unit.kubernetes import a_node, a_pod, an_event

MADE = objects.instant("2026-01-01T00:00:00Z")
NOW = objects.instant("2026-01-03T00:00:00Z")


def at(hour: int, minute: int = 0) -> str:
    return f"2026-01-02T{hour:02}:{minute:02}:00Z"


def ended(hour: int, **changes: object) -> dict:
    state = {"terminated": {"finishedAt": at(hour), "exitCode": 0}}
    return a_pod(phase="Succeeded", status={"containerStatuses": [{"state": state}]}, **changes)


WORKING = {
    "a Pod that runs": a_pod(),
    "one that waits for a node": a_pod(phase="Pending", node=None),
    "one that is restarted again and again": a_pod(
        status={"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}
    ),
    "one whose node is lost": a_pod(phase="Unknown"),
    "one that is ending": a_pod(metadata={"deletionTimestamp": at(1)}),
    "a bare one": a_pod(metadata={"ownerReferences": None}),
}
IDLE = {
    "nothing": [],
    "the system's": [a_pod(namespace="kube-system", owner="ReplicaSet")],
    "dotrain's reaper": [a_pod(namespace="dotrain-system")],
    "a DaemonSet's": [a_pod(owner="DaemonSet")],
    "an operator's": [a_pod(metadata={"annotations": {"dotrain/operator": "kuberay-operator"}})],
    "a finished one": [ended(1)],
    "a failed one": [a_pod(phase="Failed")],
}


@pytest.mark.parametrize("pod", WORKING.values(), ids=WORKING.keys())
def test_that_is_working(pod) -> None:
    assert idleness.is_working([*IDLE["a DaemonSet's"], pod])


@pytest.mark.parametrize("pods", IDLE.values(), ids=IDLE.keys())
def test_that_is_not_working(pods) -> None:
    assert not idleness.is_working(pods)


def since(pods=(), nodes=(), events=()) -> dt.datetime:
    return idleness.since(pods, nodes, events, MADE, NOW)


def test_an_empty_cluster_is_idle_since_it_was_made() -> None:
    assert since() == MADE


@pytest.mark.parametrize(
    ("what", "hour"),
    [
        ({"pods": [ended(4), ended(7), ended(5)]}, 7),
        ({"pods": [a_pod(phase="Failed", status={"startTime": at(6), "conditions": []})]}, 6),
        ({"nodes": [a_node(created=at(3)), a_node(created=at(9))]}, 9),
        ({"events": [an_event("Job/default/a", lastTimestamp=at(8))]}, 8),
        ({"pods": [ended(4)], "nodes": [a_node(created=at(2))]}, 4),
    ],
    ids=["the last Pod ended", "it failed at once", "a node came", "a job was deleted", "later"],
)
def test_it_is_idle_since_the_last_of_what_happened(what, hour) -> None:
    assert since(**what) == objects.instant(at(hour))


def test_what_the_system_does_is_no_work() -> None:
    events = [
        an_event("Pod/kube-system/coredns", lastTimestamp=at(8)),
        an_event("Node/gpu-0", lastTimestamp=at(8)),
    ]
    assert since([ended(9, namespace="kube-system")], events=events) == MADE


def test_a_clock_that_is_ahead_is_not_believed() -> None:
    assert since(nodes=[a_node(created="2027-01-01T00:00:00Z")]) == NOW

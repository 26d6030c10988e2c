"""Nodes, Pods and events as frames: the same columns and types whatever there is to show."""

from __future__ import annotations

import pandas as pd
import pytest

from dotrain import kubeframes, objects
from tests.unit.kubernetes import MADE, a_node, a_pod, an_event

STR = pd.Series(["x"]).astype("str").dtype
TIME = pd.DatetimeTZDtype("ns", "UTC")
BOOL, INT = pd.Series([True]).dtype, pd.Series([1]).dtype
COLUMNS = {
    "nodes": {
        "name": STR,
        "pool": STR,
        "size": STR,
        "ready": BOOL,
        "schedulable": BOOL,
        "gpus": INT,
        "pods": INT,
        "version": STR,
        "created": TIME,
    },
    "pods": {
        "namespace": STR,
        "name": STR,
        "phase": STR,
        "ready": BOOL,
        "reason": STR,
        "node": STR,
        "restarts": INT,
        "gpus": INT,
        "started": TIME,
    },
    "events": {
        "time": TIME,
        "type": STR,
        "reason": STR,
        "object": STR,
        "message": STR,
        "count": INT,
    },
}
FRAMES = {
    "nodes": lambda full: kubeframes.nodes([a_node()] * full, [a_pod()]),
    "pods": lambda full: kubeframes.pods([a_pod()] * full),
    "events": lambda full: kubeframes.events([an_event()] * full),
}


@pytest.mark.parametrize("full", [0, 1], ids=["empty", "one row"])
@pytest.mark.parametrize("kind", FRAMES)
def test_columns_and_types_are_always_the_same(kind, full) -> None:
    assert FRAMES[kind](full).dtypes.to_dict() == COLUMNS[kind]


def test_a_node_says_its_pool_size_gpus_and_how_many_pods_work_on_it() -> None:
    node = a_node(labels={"dotrain/pool": "train"}, allocatable={"nvidia.com/gpu": "8"})
    pods = [a_pod("a"), a_pod("b"), a_pod("c", phase="Succeeded"), a_pod("d", node="gpu-1")]
    (row,) = kubeframes.nodes([node], pods).to_dict("records")
    assert (row["pool"], row["size"], row["gpus"], row["pods"]) == ("train", "s-4vcpu-8gb", 8, 2)
    assert row["ready"]
    assert row["schedulable"]


def test_the_first_pool_has_digitaloceans_name() -> None:
    assert kubeframes.nodes([a_node(pool="system")], []).pool.tolist() == ["system"]


@pytest.mark.parametrize(
    ("node", "ready", "schedulable"),
    [
        (a_node(ready="Unknown"), False, True),
        (a_node(spec={"unschedulable": True}), True, False),
        (a_node(spec={"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}), True, True),
        (
            a_node(spec={"taints": [{"key": "node.kubernetes.io/x", "effect": "NoExecute"}]}),
            True,
            False,
        ),
    ],
    ids=["lost", "cordoned", "for GPU jobs alone", "not ready for Pods"],
)
def test_a_node_says_whether_pods_may_come(node, ready, schedulable) -> None:
    frame = kubeframes.nodes([node], [])
    assert (frame.ready[0], frame.schedulable[0]) == (ready, schedulable)


def container(**state: object) -> dict:
    return {"containerStatuses": [{"restartCount": 3, "state": state}]}


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (a_pod(), ""),
        (a_pod(status=container(waiting={"reason": "CrashLoopBackOff"})), "CrashLoopBackOff"),
        (
            a_pod(status=container(terminated={"exitCode": 137, "reason": "OOMKilled"})),
            "OOMKilled",
        ),
        (a_pod(status=container(terminated={"exitCode": 2})), "exit code 2"),
        (a_pod(phase="Failed", status={"reason": "Evicted"}), "Evicted"),
        (
            a_pod(
                phase="Pending",
                status={"conditions": [{"type": "PodScheduled", "reason": "Unschedulable"}]},
            ),
            "Unschedulable",
        ),
    ],
)
def test_a_pod_says_why_it_is_not_as_it_should_be(pod, reason) -> None:
    assert kubeframes.pods([pod]).reason.tolist() == [reason]


def test_a_pod_counts_restarts_of_all_its_containers_and_the_gpus_it_asked_for() -> None:
    limits = {"resources": {"limits": {"nvidia.com/gpu": "4"}}}
    statuses = {"initContainerStatuses": [{"restartCount": 1}], **container()}
    pod = a_pod(containers=[limits, limits, {"name": "log"}], status=statuses)
    frame = kubeframes.pods([pod])
    assert (frame.restarts[0], frame.gpus[0]) == (4, 8)


def test_a_pod_that_has_not_started_has_no_start_and_no_node() -> None:
    frame = kubeframes.pods([a_pod(node=None, phase="Pending", status={"startTime": None})])
    assert pd.isna(frame.started[0])
    assert frame.node[0] == ""


def test_events_come_in_the_order_in_which_they_happened_last() -> None:
    late = {"lastTimestamp": "2026-01-02T09:00:00Z", "count": 7}
    newest = {"series": {"lastObservedTime": "2026-01-02T10:00:00.123456Z", "count": 9}}
    frame = kubeframes.events(
        [
            an_event("Job/default/a", **newest),
            an_event("Pod/default/b", **late),
            an_event("Node/c", eventTime="2026-01-02T08:00:00.000001Z"),
        ]
    )
    assert frame.object.tolist() == ["Node/c", "Pod/default/b", "Job/default/a"]
    assert frame["count"].tolist() == [1, 7, 9]
    assert frame.message[0] == "Back-off restarting failed container"


def test_an_instant_is_read_with_and_without_fractions() -> None:
    assert objects.instant(MADE).isoformat() == "2026-01-02T03:04:05+00:00"
    assert objects.instant("2026-01-02T03:04:05.000007Z").microsecond == 7

"""Which Pods have to leave a node, and what is said about those that do not."""

from __future__ import annotations

import pytest

from dotrain import draining
from tests.unit.kubernetes import a_pod

STAYS = {
    "on another node": a_pod(node="gpu-9"),
    "not yet on a node": a_pod(node=None, phase="Pending"),
    "of a DaemonSet": a_pod(owner="DaemonSet"),
    "a mirror of what the node runs": a_pod(
        metadata={"annotations": {"kubernetes.io/config.mirror": "x"}}
    ),
    "finished": a_pod(phase="Succeeded"),
    "failed": a_pod(phase="Failed"),
}
GOES = {
    "a job's": a_pod(),
    "the system's": a_pod(namespace="kube-system", owner="ReplicaSet"),
    "a bare one": a_pod(metadata={"ownerReferences": None}),
    "with an emptyDir": a_pod(spec={"volumes": [{"emptyDir": {}}]}),
    "ending already": a_pod(metadata={"deletionTimestamp": "2026-01-02T03:04:05Z"}),
}


@pytest.mark.parametrize("pod", STAYS.values(), ids=STAYS.keys())
def test_a_pod_stays_that_is(pod) -> None:
    assert draining.to_evict([pod], {"gpu-0"}) == []


@pytest.mark.parametrize("pod", GOES.values(), ids=GOES.keys())
def test_a_pod_goes_that_is(pod) -> None:
    assert draining.to_evict([pod], {"gpu-0"}) == [pod]


def test_the_error_names_pods_their_budget_and_what_to_do() -> None:
    held = a_pod("held")
    ending = a_pod("slow", metadata={"deletionTimestamp": "x", "deletionGracePeriodSeconds": 300})
    said = {held["metadata"]["uid"]: "The disruption budget web needs 3 healthy pods and has 3."}
    error = draining.failure([held, ending], said, 60)
    assert error.objects == ("default/held", "default/slow")
    for part in (
        "Pods are still on gpu-0 after 60 s",
        "default/held: The disruption budget web",
        "slow is ending (it may take 300 s",
        "relax the PodDisruptionBudget",
    ):
        assert part in str(error)


def test_a_budget_is_named_only_where_one_stands_in_the_way() -> None:
    pod = a_pod("held")
    error = draining.failure([pod], {pod["metadata"]["uid"]: "It answered 500: no leader."}, 60)
    assert "default/held: It answered 500: no leader" in str(error)
    assert "Budget" not in str(error)
    assert "Mend what Kubernetes says" in error.fix


def test_of_many_pods_some_are_named_and_all_are_kept() -> None:
    error = draining.failure([a_pod(f"train-{number}") for number in range(40)], {}, 1)
    assert len(error.objects) == 40
    assert "and 35 more" in str(error)
    assert "delete them" in error.fix

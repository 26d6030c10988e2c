"""Jobs that are cut off, raced or in somebody's way come whole, or leave nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from kr8s import objects as kinds

import dotrain
from dotrain.errors import JobNameTaken, JobUncertain, KubernetesNotFound, KubernetesUnreachable
from dotrain.jobs import isolation, manifests, submitting
from dotrain.jobs.fitting import Place
from dotrain.jobs.task import Task
from dotrain.kube import Kube
from tests.kubernetes import work
from tests.kubernetes.submitted import clear, content_of, found, left, pods_of, run

pytestmark = pytest.mark.long(30)

IMAGE = "python:3.13-slim"
KEY = "wandb-5ecre7-value"
PLACE = Place("train", 100, 2**27)


@pytest.fixture(autouse=True)
def nothing_left(cluster) -> Iterator[None]:
    """Let no job take the nodes of the next test."""
    yield
    clear(cluster)


@pytest.mark.parametrize("method", ["create", "patch"])
def test_an_interrupt_leaves_nothing_whether_it_has_started_or_not(
    cluster, monkeypatch, method
) -> None:
    real = getattr(Kube, method)

    def interrupted(self: Kube, *given: Any, **named: Any) -> Any:
        made = real(self, *given, **named)
        # After the Job itself.
        if method == "patch" or given[0]["kind"] == "Service":
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(Kube, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(cluster, "cut")
    monkeypatch.undo()
    work.until(lambda: not left(cluster, "cut"))
    with pytest.raises(KubernetesNotFound):
        cluster._kube().read("/apis/batch/v1/namespaces/training/jobs/cut")


def test_an_answer_that_is_lost_is_asked_for(cluster, monkeypatch) -> None:
    sent = answers_lost(monkeypatch)
    job = run(cluster, "heard")
    assert len(sent) == 3
    monkeypatch.undo()
    assert found(cluster, "jobs", "heard")[0]["metadata"]["uid"] == job._record.uid
    pods_of(cluster, "heard", 1)


def test_a_job_of_which_nothing_is_known_any_more_may_run_and_is_left(cluster, monkeypatch) -> None:
    answers_lost(monkeypatch, "read", "delete")
    with pytest.raises(JobUncertain, match="The job 'lost' may run, or not") as caught:
        run(cluster, "lost", secrets={"A_KEY": KEY})
    assert caught.value.name == "lost"
    monkeypatch.undo()
    assert cluster.job("lost").name == "lost"
    pods_of(cluster, "lost", 1)


def answers_lost(monkeypatch: pytest.MonkeyPatch, *then: str) -> list[None]:
    """Let each answer to a start be lost on its way, and after that no other request be sent."""
    real, sent = Kube.patch, []

    def lost(self: Kube, *given: Any, **named: Any) -> Any:
        real(self, *given, **named)
        sent.append(None)
        for method in then:
            monkeypatch.setattr(Kube, method, unreachable)
        unreachable()

    def unreachable(*_: Any, **__: Any) -> Any:
        raise KubernetesUnreachable("No answer.")

    monkeypatch.setattr(Kube, "patch", lost)
    return sent


def test_of_two_submissions_at_once_one_is_refused_and_the_other_is_whole(
    cluster, monkeypatch
) -> None:
    real, raced = manifests.start, []

    def meanwhile(uid: str) -> Any:
        monkeypatch.setattr(manifests, "start", real)
        with pytest.raises(JobNameTaken, match="is being submitted"):
            run(cluster, "twice")
        # The same, by somebody who takes the first for given up.
        monkeypatch.setattr(submitting, "_YOUNG", dt.timedelta(0))
        raced.append(run(cluster, "twice", secrets={"B_KEY": KEY}))
        return real(uid)

    monkeypatch.setattr(manifests, "start", meanwhile)
    with pytest.raises(JobNameTaken, match="was deleted before it started"):
        run(cluster, "twice", secrets={"A_KEY": KEY})
    (made,) = found(cluster, "jobs", "twice")
    assert made["metadata"]["uid"] == raced[0]._record.uid
    assert made["spec"]["suspend"] is False
    assert set(found(cluster, "secrets", "twice")[0]["data"]) == {"B_KEY"}


def test_what_a_killed_kernel_left_never_ran_and_is_replaced(cluster, monkeypatch) -> None:
    monkeypatch.setattr(submitting, "_YOUNG", dt.timedelta(0))
    kube, task = cluster._kube(), Task("sleep 60", image=IMAGE)
    content = content_of(task)
    kube.apply("/api/v1/namespaces/training", isolation.namespace("restricted"))
    left_over, _ = kube.create(manifests.job(task, "again", PLACE, content, "dead"))
    uid = left_over["metadata"]["uid"]
    for one in manifests.owned(task, "again", content, uid):
        kube.create(one)
    assert not found(cluster, "pods", "again")
    run(cluster, "again")
    (made,) = found(cluster, "jobs", "again")
    assert made["metadata"]["uid"] != uid
    assert made["spec"]["suspend"] is False
    (service,) = found(cluster, "services", "again")
    assert service["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]


def test_a_request_that_is_repeated_makes_one_job(cluster) -> None:
    kube, task = cluster._kube(), Task("sleep 60", image=IMAGE)
    kube.apply("/api/v1/namespaces/training", isolation.namespace("restricted"))
    wanted = manifests.job(task, "once", PLACE, content_of(task), "5ab")
    first, again = (submitting._create(kube, wanted) for _ in range(2))
    assert first["metadata"]["uid"] == again["metadata"]["uid"]


def test_a_namespace_of_somebody_else_is_not_taken_over(cluster) -> None:
    kube, key = cluster._kube(), "app.kubernetes.io/managed-by"
    kube.apply("/api/v1/namespaces/training", isolation.namespace("restricted"))

    def label(value: str) -> None:
        kube.patch(kinds.Namespace, "training", {"metadata": {"labels": {key: value}}})

    label("helm")
    try:
        with pytest.raises(JobNameTaken, match="namespace 'training' already"):
            run(cluster, "guest")
    finally:
        label("dotrain")
    assert not left(cluster, "guest")


def test_a_function_pulls_its_image_as_everybody_in_the_namespace_does(cluster) -> None:
    kube = cluster._kube()
    kube.apply("/api/v1/namespaces/training", isolation.namespace("restricted"))
    account = "/api/v1/namespaces/training/serviceaccounts/default"
    work.until(lambda: any(one["metadata"]["name"] == "default" for one in accounts(cluster)))
    kube.apply(
        account,
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": "training"},
            "imagePullSecrets": [{"name": "registry"}],
        },
    )
    cluster.run(max, name="pulls", args=(1, 2))
    (own,) = found(cluster, "serviceaccounts", "pulls")
    assert own["imagePullSecrets"] == [{"name": "registry"}]


def accounts(cluster: dotrain.Cluster) -> list[Any]:
    return list(cluster.kube().get("serviceaccounts", namespace="training", raw=True))


def test_a_job_of_two_has_a_part_until_a_node_is_free(cluster) -> None:
    run(cluster, "before")
    pods_of(cluster, "before", 1)
    job = run(cluster, "pair", nodes=2)
    first, second = sorted(
        pods_of(cluster, "pair", 2), key=lambda one: "nodeName" not in one["spec"]
    )
    assert "nodeName" in first["spec"]
    assert "nodeName" not in second["spec"]
    status = job.status
    assert (status.phase, "1 Pod waits for a node" in status.reason) == ("waiting", True), status
    cluster.job("before").delete()
    work.until(lambda: all("nodeName" in one["spec"] for one in found(cluster, "pods", "pair")))

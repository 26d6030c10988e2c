"""Following what a job writes: what is said meanwhile, and when it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dotrain.errors import (
    ClusterNotFound,
    ImageNotPulled,
    JobFailed,
    KubernetesNotFound,
    KubernetesUnreachable,
    NotFinished,
    SpecError,
)
from dotrain.jobs import failing, following, keeping, watching
from dotrain.jobs.gone import Gone
from dotrain.jobs.records import JobRecord
from dotrain.jobs.status import JobStatus, PodStatus
from dotrain.target import Target
from dotrain.within import within
from tests.unit.jobs import a_job, a_rank

PODS = (PodStatus(0),)
WAITING = JobStatus("waiting", "1 Pod waits for a node", PODS)
RUNNING, DONE = JobStatus("running", pods=PODS), JobStatus("succeeded", pods=PODS)
LACKING = JobStatus("starting", "Rank 0: its image cannot be pulled", PODS, unpulled="no/such:1")


class Cluster:
    """A Kubernetes API with one Pod, whose log nobody ever ends."""

    def __init__(self) -> None:
        self.cluster = {"name": "bert"}
        self.over = threading.Event()

    def list(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [a_rank(metadata={"uid": "1"})]

    def run(self, _call: Any) -> None:
        self.over.wait(30)


class Record:
    """A job that is, look after look, what a test says; the last of it for ever."""

    name, namespace = "train", "training"

    def __init__(self, *states: JobStatus | BaseException) -> None:
        self.states = list(states)

    def read(self) -> JobStatus:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, BaseException):
            raise state
        return state


@pytest.fixture
def kube(monkeypatch) -> Iterator[Cluster]:
    monkeypatch.setattr(watching, "_FIRST", 0.001)
    monkeypatch.setattr(watching, "_LAST", 0.001)
    monkeypatch.setattr(following, "_REST", 0.1)
    one = Cluster()
    yield one
    one.over.set()


def test_it_ends_with_the_job_though_a_node_does_not_end_its_log(kube) -> None:
    assert within(10, lambda: following.follow(kube, Record(RUNNING, RUNNING, DONE)), None) == []


def test_it_says_how_a_job_is_that_does_not_run(kube, capsys) -> None:
    away = KubernetesUnreachable("It does not answer.")
    failed = JobStatus("failed", "Rank 0: exit code 3", PODS)
    following.follow(kube, Record(WAITING, WAITING, WAITING, away, RUNNING, RUNNING, failed))
    assert capsys.readouterr().out.splitlines() == [
        "(train is waiting. 1 Pod waits for a node.)",
        "(train is failed. Rank 0: exit code 3.)",
    ]


def test_an_image_that_cannot_be_pulled_is_not_followed_for_ever(kube, monkeypatch) -> None:
    monkeypatch.setattr(watching, "_PULLING", 0.01)
    with pytest.raises(ImageNotPulled, match="cannot be pulled") as caught:
        within(10, lambda: following.follow(kube, Record(LACKING)), None)
    assert caught.value.status is LACKING


def test_an_interrupt_ends_the_cell_and_not_the_job(kube, capsys, monkeypatch) -> None:
    record = Record(RUNNING)
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(NotFinished, match=r"it is running.*interrupted.*goes on") as caught:
        following.follow(kube, record)
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert capsys.readouterr().out == "(The job goes on.)\n"


def test_a_rank_that_there_is_not_is_not_followed(kube) -> None:
    with pytest.raises(SpecError, match=r"no rank 1\. It has 1 node,"):
        following.follow(kube, Record(RUNNING), rank=1)


@pytest.mark.parametrize("gone", [KubernetesNotFound("No.", status=404), ClusterNotFound("No.")])
def test_a_job_that_goes_before_it_has_written_anything_is_gone(kube, gone) -> None:
    with pytest.raises(type(gone)):
        within(10, lambda: following.follow(kube, Record(RUNNING, RUNNING, gone)), None)


def test_a_job_that_failed_says_so_also_when_its_cluster_is_gone(tmp_path) -> None:
    target = Target("digitalocean", "http://127.0.0.1:1", "token", tmp_path)
    kube = Gone("bert", "")
    record = JobRecord(kube, a_job(nodes=2))
    kept = keeping.of(target, "bert", "training", "train", record.uid)
    kept.save_log(0, "1970-01-01T00:00:01Z fell with it\n")
    kept.save_log(1, "1970-01-01T00:00:01Z begun\n1970-01-01T00:00:02Z it broke\n")
    pods = (PodStatus(0, phase="stopped"), PodStatus(1, phase="failed"))
    status = JobStatus("failed", "Rank 1: exit code 3", pods)
    error = failing.failure(kube, record, status, kept)
    assert isinstance(error, JobFailed)
    assert error.log == ("begun", "it broke")
    assert "Rank 1: exit code 3" in str(error)

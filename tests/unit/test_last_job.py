"""A job after which its cluster goes: how it ended, and how what follows it is."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from dotrain import staying
from dotrain.engine import journal
from dotrain.engine.exclusive import exclusive, held
from dotrain.errors import ApiError, ClusterNotFound, FinisherKilled, StorageError
from dotrain.jobs import again, beside, gone, keeping, last, takedown
from dotrain.jobs.again import Again
from dotrain.jobs.status import JobStatus, PodStatus
from dotrain.jobs.takedown import Takedown
from dotrain.target import Target

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)


def test_a_status_is_read_as_it_was_written() -> None:
    pods = (PodStatus(0, "a-0-x", "succeeded", "node-1", 2), PodStatus(1))
    status = JobStatus("failed", "It has failed", pods, NOON, NOON + HOUR, HOUR)
    assert last.read(json.loads(json.dumps(last.written(status)))) == status


def test_a_job_that_never_started_has_no_times() -> None:
    assert last.read(last.written(JobStatus("cancelled"))) == JobStatus("cancelled")


JOB = {
    "cluster": "bert",
    "cluster_id": "id-1",
    "namespace": "training",
    "name": "train",
    "uid": "uid-1",
}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    # Nobody answers there, for seconds.
    monkeypatch.setattr(staying, "costs", lambda *_: "It costs $1 an hour.")
    return Target("sandbox", "http://127.0.0.1:1", "none", tmp_path / "data")


def noted(target: Target, host: str = "", **lines: Any) -> Path:
    """Write the journal of what follows the job: that of a process that is gone."""
    place = (JOB[key] for key in ("cluster", "namespace", "name", "uid"))
    path = keeping.of(target, *place).directory / keeping.AFTER
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = journal.Writer(path)
    writer.write("asked", JOB)
    if host:
        card = {"id": "1", "kind": "after", "title": "after train", "pid": os.getpid()}
        writer.write("card", {**card, "born": 1.0, "user": "ada", "host": host, "started": ""})
    for key, value in lines.items():
        writer.write(key, value)
    writer.close()
    return path


@pytest.mark.parametrize(
    ("phase", "finished", "spoils"),
    [
        ("succeeded", NOON, False),
        ("failed", NOON - HOUR, False),
        ("failed", NOON, True),
        ("cancelled", NOON + HOUR, True),
        ("failed", None, True),
    ],
)
def test_what_fails_once_the_job_has_ended_keeps_the_cluster(phase, finished, spoils) -> None:
    assert beside.spoils(JobStatus(phase, finished=finished), NOON) is spoils


def test_a_process_elsewhere_is_there_as_long_as_it_holds_its_lock(target) -> None:
    path = noted(target, host="another-name")
    found = Takedown(target, JOB)
    assert found.state == "killed"
    with exclusive(path.with_suffix(".lock"), lambda *_: None):
        assert held(path.with_suffix(".lock"))
        assert (found.state, found.over) == ("elsewhere", False)
    assert found.follow()


def test_nothing_waits_for_what_never_began(target) -> None:
    found = Takedown(target, JOB)
    assert not found.wait_until_kept(60)
    assert found.follow()
    assert "did not begin" in str(found.error)


def test_nobody_waits_longer_than_it_was_given_for_what_is_to_be_kept(target) -> None:
    with exclusive(noted(target, host="another").with_suffix(".lock"), lambda *_: None):
        assert not Takedown(target, JOB).wait_until_kept(0.1)


def test_a_job_is_followed_here_also_under_another_name_of_this_machine(
    target, monkeypatch
) -> None:
    noted(target, host=socket.gethostname())
    monkeypatch.setenv("DOTRAIN_ME", "ada@before")
    job = gone.job(target, "bert", "train")
    monkeypatch.setenv("DOTRAIN_ME", "ada@after")
    assert isinstance(job, last.LastJob)
    takedown = last.LastJob(job._record, job._kube, target)._takedown
    assert takedown is not None
    assert takedown.state == "killed"


@pytest.mark.parametrize(
    ("host", "lines", "said"),
    [
        ("", {}, "did not begin"),
        (socket.gethostname(), {}, "was killed"),
        (
            socket.gethostname(),
            {"end": {"error": {"type": "ConfigError", "said": ["Full.", "", ""]}}},
            "Full.",
        ),
    ],
)
def test_what_does_not_follow_a_job_any_more_is_warned_of(target, host, lines, said) -> None:
    for end in lines.values():
        end["error"] |= {"attributes": {}, "causes": []}
    noted(target, host=host, **lines)
    takedown.warn(target, "bert", "another-cluster-of-the-name")
    with pytest.warns(FinisherKilled, match=rf"{said}.*job\('train'\)\.wait\(\).*keep_cluster"):
        takedown.warn(target, "bert", "id-1")


def test_what_was_killed_is_called_off_for_good(target) -> None:
    noted(target, host=socket.gethostname())
    found = Takedown(target, JOB)
    found.call_off()
    assert (found.state, found.result["outcome"]) == ("ended", "kept")
    found.begin()
    assert found.state == "ended"
    takedown.warn(target, "bert", "id-1")


def test_what_is_down_cannot_be_called_off(target) -> None:
    noted(target, socket.gethostname(), end={"result": {"outcome": "down", "said": "It is down."}})
    with pytest.raises(ClusterNotFound, match="It is down"):
        Takedown(target, JOB).call_off()


def test_what_may_pass_is_tried_again_and_said_once(monkeypatch) -> None:
    monkeypatch.setattr(again, "_FIRST_LOOK", 0.0)
    fails = [ApiError("Busy.", request_id=number) for number in "ab"] + [StorageError("Busy.")]
    said: list[str] = []

    def call() -> str:
        if fails:
            raise fails.pop()
        return "done"

    assert Again(60, lambda: None, said.append).until(call) == "done"
    assert set(said) == {"Trying again: Busy."}


def test_what_does_not_pass_within_its_time_is_raised() -> None:
    def call() -> None:
        raise StorageError("Busy.")

    with pytest.raises(StorageError):
        Again(0, lambda: None, lambda _: None).until(call)

"""Waiting for a job: what is borne, what is not, and when it ends."""

from __future__ import annotations

import pytest

from dotrain import display
from dotrain.errors import (
    AddressMoved,
    DotrainError,
    ImageNotPulled,
    KubernetesError,
    KubernetesForbidden,
    KubernetesUnreachable,
    NotFinished,
)
from dotrain.jobs import watching
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus
from dotrain.jobs.waiting import Wait
from dotrain.jobs.watching import Patience

RUNNING, DONE = JobStatus("running"), JobStatus("succeeded")
AWAY = KubernetesUnreachable("It does not answer.")


class Job:
    """A job that is, look after look, what a test says; the last of it for ever."""

    def __init__(self, *states: JobStatus | BaseException) -> None:
        self.states = list(states)
        self.said: list[str] = []

    def read(self) -> JobStatus:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, BaseException):
            raise state
        return state

    def picture(self, status: JobStatus | None, note: str) -> Picture:
        return Picture("train", "bert", status, note=note)

    def wait(self, seconds: float | None = None) -> JobStatus:
        with display.using(lambda: display.Lines(self.said.append)):
            return Wait("train", "bert", self.read, self.picture, seconds).run()


@pytest.fixture(autouse=True)
def fast(monkeypatch) -> None:
    monkeypatch.setattr(watching, "_FIRST", 0.001)
    monkeypatch.setattr(watching, "_LAST", 0.001)


def test_it_says_what_has_changed_and_returns_how_it_ended() -> None:
    waits = JobStatus("waiting", "1 Pod waits for a node")
    job = Job(waits, waits, RUNNING, DONE)
    assert job.wait() is DONE
    assert job.said == [
        "train is waiting. 1 Pod waits for a node.",
        "train is running.",
        "train is succeeded.",
    ]


def test_what_may_pass_is_waited_out_and_said() -> None:
    busy = KubernetesError("It is busy.", status=503)
    job = Job(RUNNING, AWAY, busy, RUNNING, DONE)
    assert job.wait() is DONE
    assert "train is running. Not reachable, waiting: It does not answer." in job.said


def test_what_does_not_pass_by_waiting_is_raised_at_once() -> None:
    for error in (
        AddressMoved("It moved."),
        KubernetesForbidden("It may not.", status=403),
        DotrainError("Something else."),
    ):
        with pytest.raises(type(error)) as caught:
            Job(RUNNING, error, DONE).wait()
        assert caught.value is error


def test_patience_ends_and_begins_anew_when_all_was_well(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    patience = Patience(300)
    assert patience.bears(AWAY)
    now[0] = 299
    assert patience.bears(AWAY)
    patience.rest()
    now[0] = 301
    assert patience.bears(AWAY)
    now[0] = 601
    assert not patience.bears(AWAY)


def test_after_the_time_it_was_given_it_says_that_the_job_goes_on() -> None:
    with pytest.raises(NotFinished, match="it is running") as caught:
        Job(RUNNING).wait(0.02)
    assert caught.value.status is RUNNING


def test_an_interrupt_is_no_end_of_the_job() -> None:
    job = Job(RUNNING, KeyboardInterrupt())
    with pytest.raises(NotFinished, match=r"interrupted.*goes on") as caught:
        job.wait()
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert "Nobody waits for it here any more" in job.said[-1]


def test_an_image_that_cannot_be_pulled_for_long_ends_the_waiting(monkeypatch) -> None:
    lacking = JobStatus("starting", "Rank 0: its image cannot be pulled", unpulled="no/such:1")
    assert Job(lacking, lacking, RUNNING, DONE).wait() is DONE
    monkeypatch.setattr(watching, "_PULLING", 0.01)
    with pytest.raises(ImageNotPulled, match="cannot be pulled") as caught:
        Job(lacking).wait()
    assert caught.value.status is lacking


def test_a_job_that_nobody_goes_on_submitting_ends_the_waiting(monkeypatch) -> None:
    half = JobStatus("incomplete", "It was not submitted as a whole")
    assert Job(half, RUNNING, DONE).wait() is DONE
    monkeypatch.setattr(watching, "_SUBMITTING", 0.01)
    with pytest.raises(NotFinished, match="not submitted as a whole"):
        Job(half).wait()

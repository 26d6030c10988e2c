"""What jobs on a real control plane write: as it comes, when they end, and after that."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dotrain.errors import ImageNotPulled, JobFailed, JobNotFound, NotFinished, SpecError
from dotrain.jobs import watching
from tests.kubernetes import work

STALE = "sandbox_kube_that-has-expired"
FOR_EVER = "echo begun; while :; do sleep 0.1; done"

pytestmark = [pytest.mark.long(30), pytest.mark.usefixtures("impatient")]


def test_what_a_job_writes_is_followed_while_it_does(run, capsys) -> None:
    job = run("for i in 1 2 3; do echo line $i; sleep 0.4; done; printf end")
    found = job.logs(follow=True)
    written = capsys.readouterr().out.splitlines()
    assert list(found) == ["line 1", "line 2", "line 3", "end"]
    # Before it runs it is said, in brackets, what it waits for.
    assert [line for line in written if not line.startswith("(")] == list(found)
    assert job.status.phase == "succeeded"
    assert list(job.logs(follow=True, tail=1)) == ["end"]
    with pytest.raises(SpecError, match="no rank 1"):
        job.logs(follow=True, rank=1)


def test_a_log_is_followed_past_a_token_that_has_expired_and_connections_that_break(
    run, cluster, sandbox
) -> None:
    job = work.started(run("for i in $(seq 9); do echo line $i; sleep 0.2; done"))
    kube = cluster.kube()
    kube._bearer.credentials = replace(kube._bearer.credentials, token=STALE)
    found: list[str] = []
    follower = threading.Thread(target=lambda: found.extend(job.logs(follow=True)))
    follower.start()
    time.sleep(0.5)
    kube._bearer.credentials = replace(kube._bearer.credentials, token=STALE)
    cluster._kube().close()
    follower.join(20)
    assert found == [f"line {number}" for number in range(1, 10)]
    assert kube._bearer.credentials.token != STALE


def test_waiting_ends_in_time_or_by_an_interrupt_and_the_job_goes_on(run, capsys) -> None:
    job = work.started(run("echo begun; sleep 60"))
    with pytest.raises(NotFinished, match="waited for 1 s") as caught:
        job.wait("1s")
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.status.phase == "running"
    with interrupted(), pytest.raises(NotFinished, match="interrupted"):
        job.wait()
    # Long enough for the first line to come.
    with interrupted(3), pytest.raises(NotFinished, match="interrupted"):
        job.logs(follow=True)
    assert capsys.readouterr().out.endswith("begun\n(The job goes on.)\n")
    assert job.status.phase == "running"


@contextlib.contextmanager
def interrupted(seconds: float = 0.5) -> Iterator[None]:
    """Interrupt what goes on in here, as a notebook does."""
    timer = threading.Timer(seconds, signal.raise_signal, [signal.SIGINT])
    timer.start()
    yield
    timer.join()


def test_a_job_that_is_cancelled_may_say_a_last_word_and_it_is_kept(run) -> None:
    job = work.started(run(f"trap 'echo caught; exit 0' TERM; {FOR_EVER}"))
    work.until(lambda: len(job.logs()) == 1)
    job.cancel()
    assert job.status.phase == "cancelled"
    assert set(job.pods().phase) == {"stopped"}
    # Its shell may say a word, too.
    assert job.logs()[0] == "begun"
    assert "caught" in job.logs()
    with pytest.raises(JobFailed, match="was cancelled"):
        job.wait()
    job.cancel()


def test_a_job_that_somebody_cancels_has_not_ended_while_it_has_its_grace(cluster, run) -> None:
    job = run(f"trap 'sleep 2; exit 0' TERM; {FOR_EVER}", name="graced")
    seen = cluster.job("graced")
    work.started(seen)
    work.until(lambda: len(job.logs()) == 1)
    job._record.cancel()
    work.until(lambda: seen.status.phase == "stopping")
    assert "told to end, since it was cancelled" in seen.status.reason
    with pytest.raises(JobFailed, match="was cancelled") as caught:
        seen.wait("30s")
    assert caught.value.status.phase == "cancelled"
    # Its Pod went with what it wrote.
    assert list(seen.logs()) == ["(The Pod of this rank was gone before its log was kept.)"]
    # Who saw it run knows its node.
    assert seen.cost() is not None
    assert cluster.job("graced").cost() is None


def test_deleting_a_job_leaves_nothing_of_it_but_what_it_wrote(cluster, run, monkeypatch) -> None:
    monkeypatch.setenv("TOKEN_OF_MINE", "5ecre7")
    job = run("echo begun; sleep 60", name="gone", nodes=2, secrets=["TOKEN_OF_MINE"])
    work.started(job)
    job.delete()
    kube = cluster.kube()
    for kind in ("jobs", "pods", "services", "secrets", "networkpolicies", "configmaps"):
        found = kube.get(kind, namespace="training", label_selector="dotrain/job=gone")
        assert [one.name for one in found] == [], kind
    # Their shells may say a word, too.
    assert {"[0] begun", "[1] begun"} <= set(job.logs())
    with pytest.raises(JobNotFound, match="no job 'gone'"):
        cluster.job("gone")
    job.delete()


def test_what_a_function_returns_outlives_its_job(cluster, run) -> None:
    def doubled(number: int) -> int:
        print("asked for", number)  # noqa: T201 - its log
        return 2 * number

    job = run(doubled, args=(21,))
    assert job.result() == 42
    job.delete()
    assert job.result() == 42
    assert list(job.logs()) == list(job.logs(follow=True)) == ["asked for 21"]


def test_an_image_that_is_not_there_is_said_and_not_waited_for(run, monkeypatch) -> None:
    monkeypatch.setattr(watching, "_PULLING", 0.5)
    job = run("true", image="registry.example/does-not-exist:1")
    with pytest.raises(ImageNotPulled, match="does-not-exist:1' cannot be pulled") as caught:
        job.wait("30s")
    assert caught.value.status.phase == "starting"
    assert list(job.logs()) == []
    with pytest.raises(ImageNotPulled, match="does-not-exist:1' cannot be pulled"):
        job.logs(follow=True)

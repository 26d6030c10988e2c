"""Jobs on a real control plane, whose Pods are processes of this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import cli, idleness
from dotrain.errors import (
    AddressMoved,
    ForwardFailed,
    JobFailed,
    JobNotFound,
    SpecError,
)
from scripts import notebooks
from tests.kubernetes import work

IMAGE = "python:3.13-slim"
HELLO = 'echo "hello from $RANK"; echo "bye from $RANK"; sleep 0.1; echo "trouble on $RANK" >&2'
# Kubernetes waits for ten seconds before it tries again: the other tests run meanwhile.
MOVED = (
    """trap 'touch "{0}"; exit 143' TERM; test -e "{0}" && exit 0; while :; do sleep 0.1; done"""
)
ONCE = 'test -e "{0}" || {{ touch "{0}"; echo first; exit 5; }}; echo second'
pytestmark = [pytest.mark.long(100), pytest.mark.usefixtures("impatient")]


class Moved(NamedTuple):
    lost: dotrain.Job
    drained: dotrain.Job


@pytest.fixture(scope="module")
def moved(cluster: dotrain.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Jobs that have lost their nodes: one to a failure, the other to a change of size."""
    home, asked = tmp_path_factory.mktemp("moved"), {"image": IMAGE, "cpus": 0.2, "grace": "5s"}
    lost, drained = (
        work.started(cluster.run(MOVED.format(home / name), name=name, **asked))
        for name in ("lost", "drained")
    )
    was = lost.pods().iloc[0]
    # What a node gets that is known to have failed.
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "x", "effect": "NoExecute"}
    cluster._kube().patch(work.Node, was.node, {"spec": {"taints": [taint]}})
    work.until(lambda: was["name"] not in set(cluster.pods("training").name))
    cluster._kube().patch(work.Node, was.node, {"spec": {"taints": []}})
    cluster.resize(size="s-4vcpu-8gb")
    yield Moved(lost, drained)
    for job in (lost, drained):
        job.delete()


@pytest.fixture(scope="module")
def retried(
    cluster: dotrain.Cluster, moved: Moved, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dotrain.Job]:
    """A job that fails the first time."""
    marker = tmp_path_factory.mktemp("retried") / "tried"
    job = cluster.run(ONCE.format(marker), name="retried", image=IMAGE, retries=1, cpus=0.1)
    yield job
    job.delete()


@pytest.fixture(scope="module")
def hello(cluster: dotrain.Cluster, retried: dotrain.Job) -> Iterator[dotrain.Job]:
    """A job on two nodes that has succeeded."""
    # Kubernetes says to the second when a job was made.
    time.sleep(1)
    job = cluster.run(HELLO, name="hello", image=IMAGE, nodes=2, cpus=0.2).wait("30s")
    yield job
    job.delete()


def test_two_nodes_run_and_succeed(cluster, hello) -> None:
    status = hello.status
    assert (status.phase, status.reason, status.restarts) == ("succeeded", "", 0)
    assert status.elapsed is not None
    frame = hello.pods()
    assert frame.phase.tolist() == ["succeeded"] * 2
    assert sorted(frame.node) == work.training_nodes(cluster)
    assert (frame.finished >= frame.started).all()
    cost = hello.cost()
    assert cost is not None
    assert cost < 0.01
    assert "hello: succeeded after" in repr(hello)


def test_logs_are_those_of_all_ranks_or_of_one(hello) -> None:
    lines = list(hello.logs())
    for rank in (0, 1):
        mine = [line for line in lines if line.startswith(f"[{rank}] ")]
        said = [f"{what} {rank}" for what in ("hello from", "bye from", "trouble on")]
        assert mine == [f"[{rank}] {text}" for text in said]
    assert str(hello.logs(rank=1)).splitlines()[0] == "hello from 1"
    assert list(hello.logs(rank=0, tail=1)) == ["trouble on 0"]
    assert len(hello.logs(tail=2)) == 4
    assert repr(hello.logs(rank=0)) == "hello from 0\nbye from 0\ntrouble on 0"
    for asked in ({"tail": -1}, {"tail": True}, {"rank": -1}):
        with pytest.raises(SpecError, match="no whole number"):
            hello.logs(**asked)
    with pytest.raises(SpecError, match=r"no rank 2\. It has 2 nodes"):
        hello.logs(rank=2)


def test_a_job_is_found_again_by_its_name_or_as_the_newest(cluster, hello) -> None:
    again = dotrain.get(cluster.name).job("hello")
    # Kubernetes says a moment after the last Pod's end when the job's was.
    assert replace(again.status, finished=None, elapsed=None) == replace(
        hello.status, finished=None, elapsed=None
    )
    assert (again.name, again.namespace, again.cluster) == ("hello", "training", "bert")
    assert cluster.job().name == "hello"
    with pytest.raises(JobNotFound, match="nearest are 'hello'") as caught:
        cluster.job("helo")
    assert caught.value.nearest[0] == "hello"


def test_jobs_are_listed_the_newest_last(cluster, hello) -> None:
    frame = cluster.jobs()
    assert frame.name.tolist()[-1] == "hello"
    row = frame.iloc[-1]
    assert (row.phase, row.nodes, row.gpus, row.restarts) == ("succeeded", 2, 0, 0)
    assert row.elapsed == cluster.job("hello").status.elapsed


def test_jobs_are_seen_from_a_shell(cluster, hello) -> None:
    def said(*words: str) -> str:
        found = CliRunner().invoke(cli.main, words)
        assert found.exit_code == 0, found.output
        return found.stdout

    assert json.loads(said("jobs", "bert", "--format", "json"))[-1]["name"] == "hello"
    assert said("logs", "bert", "hello", "--rank", "0", "--tail", "1") == "trouble on 0\n"
    assert said("logs", "bert", "--follow").count("hello from") == 2
    assert said("cancel", "bert", "hello") == "hello is succeeded.\n"
    missing = CliRunner().invoke(cli.main, ["logs", "bert", "helo"])
    assert missing.exit_code == 1
    assert "The nearest are 'hello'" in missing.output


def test_a_job_that_fails_says_how_with_the_last_that_it_wrote(run) -> None:
    job = run("seq 30; echo it broke >&2; exit 3")
    with pytest.raises(JobFailed, match=r"failed.*Rank 0: exit code 3") as caught:
        job.wait("30s")
    error = caught.value
    assert error.log[-1] == "it broke"
    assert len(error.log) == 20
    assert str(error).endswith("30\nit broke")
    assert error.status.phase == job.status.phase == "failed"


def test_a_job_that_takes_too_long_is_ended(run) -> None:
    with pytest.raises(JobFailed, match="longer than timeout=1s"):
        run("sleep 60", timeout="1s", grace="1s").wait("30s")


def test_what_a_function_raises_is_the_cause_and_a_command_has_no_result(
    cluster, run, hello
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("of mine")

    job = run(broken)
    for call in (job.wait, job.result):
        with pytest.raises(JobFailed, match="ZeroDivisionError: of mine") as caught:
            call()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert "in broken" in caught.value.traceback
        assert caught.value.status.phase == "failed"
    with pytest.raises(JobFailed, match="ran no function"):
        hello.result()


def test_a_job_that_is_deleted_by_somebody_else_is_gone(run) -> None:
    job = work.started(run("sleep 60"))
    job._record.delete()
    work.until(lambda: "There is no job" in repr(job))
    with pytest.raises(JobNotFound, match="was deleted"):
        job.wait("20s")


def test_what_finds_no_free_node_says_so(run) -> None:
    holding = work.started(run("sleep 60", nodes=2, cpus=2.2))
    job = run("true", cpus=2.2)
    work.until(lambda: "No node of train is free" in job.status.reason)
    assert job.status.phase == "waiting"
    assert "2 have too few free vCPUs" in job.status.reason
    holding.cancel()
    job.wait("30s")


def test_a_cluster_is_at_work_while_a_job_runs_or_waits_and_no_longer(cluster, run) -> None:
    def pods() -> list[dict[str, Any]]:
        return cluster._kube().list(work.Pod, labels=f"dotrain/job={job.name}")

    job = work.started(run("sleep 0.5"))
    assert idleness.is_working(pods())
    job.wait("20s")
    assert pods()
    assert not idleness.is_working(pods())


def test_a_port_of_a_rank_is_forwarded(run) -> None:
    import httpx

    job = work.started(run("echo here > page; python -m http.server 18765 --bind 127.0.0.1"))
    with job.forward(18765) as opened:
        work.until(lambda: _answers(opened.url))
        with closing(httpx.Client(base_url=opened.url)) as http:
            assert http.get("/page").text == "here\n"
    with pytest.raises(ForwardFailed, match="no Pod of rank 1"):
        job.forward(18765, rank=1)


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/page").status_code == 200
    except httpx.HTTPError:
        return False


def test_who_has_moved_while_waiting_is_told_at_once(cluster, run) -> None:
    job = work.started(run("sleep 60"))

    def move() -> None:
        time.sleep(0.7)
        dotrain.use_sandbox(address="198.51.100.4")
        cluster._kube().close()

    mover = threading.Thread(target=move)
    mover.start()
    try:
        began = time.monotonic()
        with pytest.raises(AddressMoved, match="allow_me"):
            job.wait("30s")
        assert time.monotonic() - began < 15
        assert "Not reachable" in repr(job)
    finally:
        mover.join()
        dotrain.use_sandbox()
        cluster._kube().close()
    assert job.status.phase == "running"


def test_a_job_that_fails_once_succeeds_by_its_second_try(retried) -> None:
    retried.wait("30s")
    assert retried.status.restarts == 1
    assert list(retried.logs()) == ["first", "second"]


def test_a_job_whose_node_does_not_answer_starts_again_and_that_is_no_failure(moved) -> None:
    assert moved.lost.wait("30s").status.restarts == 1


def test_a_job_outlives_a_change_of_size(cluster, moved) -> None:
    assert moved.drained.wait("30s").status.restarts == 1
    assert moved.drained.pods().node[0] in work.training_nodes(cluster)
    assert cluster.spec.pools[0].size == "s-4vcpu-8gb"


NOTEBOOK = (
    "import dotrain, threading, time\nsandbox = dotrain.use_sandbox()",
    "job = dotrain.get('bert').run('sleep 2; echo done', image='python:3.13-slim', cpus=0.2)\njob",
    "job",
    "job.wait()\nprint(job.logs())",
    "job.wait()",
    """deadline = time.monotonic() + 10
while any(one.name == 'dotrain job' for one in threading.enumerate()):
    assert time.monotonic() < deadline
    time.sleep(0.1)
job.delete()""",
)


def test_cells_that_show_a_job_are_kept_up_to_date_until_it_ends(cluster) -> None:
    notebook = notebooks.of(*NOTEBOOK)
    notebooks.client(notebook, timeout=60).execute()
    for number in (1, 2):
        (shown,) = notebook.cells[number].outputs
        assert "succeeded after" in shown.data["text/plain"]
        assert "<table>" in shown.data["text/html"]
    waited, printed = notebook.cells[3].outputs
    assert "succeeded after" in waited.data["text/plain"]
    assert printed.text == "done\n"
    # What was waited for is shown already.
    assert len(notebook.cells[4].outputs) == 1

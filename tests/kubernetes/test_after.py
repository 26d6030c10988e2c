"""A cluster that goes after its job: what the job left is kept first, and no kernel is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

import dotrain
from dotrain import connections, operations, target
from dotrain.cli import main
from dotrain.engine import journal, workspace
from dotrain.engine.exclusive import exclusive
from dotrain.errors import (
    ClusterNotFound,
    ConfigError,
    ConfirmationRequired,
    FinisherKilled,
    JobFailed,
    JobNameTaken,
    JobNotFound,
    SpecError,
)
from dotrain.jobs import keeping
from dotrain.turn import journals
from tests.kubernetes import work
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(90)

IMAGE = "python:3.13-slim"
NODES = dotrain.Pool(size="s-2vcpu-4gb", count=2)
FAILING = dotrain.Task("echo out of luck; exit 3", name="unlucky", image=IMAGE, down_after=True)

# A kernel that asks for both and then does something else, until it is killed. One of the two ends
# when it is told to.
KERNEL = """
import dotrain, time
dotrain.use_sandbox()
def train():
    import pathlib, time
    while not pathlib.Path(GO).exists():
        time.sleep(0.1)
    print("trained")
    return {"loss": 0.25}
cluster = dotrain.get("brief")
small = {"cpus": 0.1, "memory": "64Mi"}
cluster.run("sleep 4; echo beside", name="beside", image="python:3.13-slim", **small)
job = cluster.run(train, name="train", down_after=True, **small)
print("begun", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def brief(sandbox: Sandbox) -> dotrain.Cluster:
    """A cluster that was made for a job that fails, and that has a max age."""
    return dotrain.up("brief", pool=NODES, max_age="12h", then=FAILING)


def begin_and_die(go: Path) -> None:
    """Have a kernel that begins both, and is killed; one ends when `go` is there."""
    code = KERNEL.replace("GO", repr(str(go)))
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert kernel.stdout is not None
    with kernel, kernel.stdout:
        assert kernel.stdout.readline() == b"begun\n"
        kernel.kill()


def finisher() -> psutil.Process:
    """Return the one process that waits for a job."""
    (found,) = finishers()
    return found


def finishers() -> list[psutil.Process]:
    return list(filter(_is_finisher, psutil.process_iter()))


def _is_finisher(one: psutil.Process) -> bool:
    try:
        return (
            one.status() != psutil.STATUS_ZOMBIE
            and "dotrain.finisher" in one.cmdline()
            and one.environ().get("DOTRAIN_HOME") == os.environ["DOTRAIN_HOME"]
        )
    except psutil.NoSuchProcess:
        return False


def kept(job: str) -> keeping.Kept:
    every = keeping.every(target.current(), "brief")
    return next(one for one in every if one.name == job)


def turn() -> Path:
    """Return the lock that whoever changes the cluster holds."""
    return workspace.directory(target.current(), "brief") / "operation.lock"


def clusters(sandbox: Sandbox) -> list[str]:
    return [one["name"] for one in sandbox.objects("clusters")]


def test_what_can_never_run_is_refused_before_a_cluster_is_paid_for(sandbox) -> None:
    before = sandbox.last_request()
    for then, said in (
        (dotrain.Task("a", image=IMAGE, gpus_per_node=1), "GPU"),
        (dotrain.Task("a", image=IMAGE, nodes=9), "9"),
        (dotrain.Task("a", image=IMAGE, files="nothing-there"), "nothing-there"),
        ("python train.py", "no task"),
    ):
        with pytest.raises(SpecError, match=said):
            dotrain.up("unmade", pool=NODES, then=then)
    with pytest.raises(SpecError, match="wait=True"):
        dotrain.up("unmade", pool=NODES, then=FAILING, wait=False)
    assert sandbox.changes(before) == []


def test_a_job_that_fails_keeps_the_cluster_and_says_until_when_and_what_it_costs(
    brief, sandbox
) -> None:
    job = brief.job()
    with pytest.raises(JobFailed) as failure:
        job.wait("60s")
    assert failure.value.log == ("out of luck",)
    said = failure.value.fix
    assert "The cluster 'brief' stays until 20" in said
    assert "when a sweep ends it (max age 12h), and costs $0." in said
    assert "until then" in said
    assert "stays until 20" in repr(job)
    assert "brief" in clusters(sandbox)
    assert "out of luck" in (kept("unlucky").load_log(0) or "")
    work.until(lambda: finishers() == [])


def test_a_job_that_cannot_be_submitted_says_what_the_cluster_costs(brief) -> None:
    with pytest.raises(JobNameTaken, match=r"The cluster 'brief' stays until .* until then"):
        dotrain.up("brief", then=FAILING)


def test_who_is_asked_about_a_teardown_is_told_which_jobs_are_lost(brief, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "no")
    job = brief.run("sleep 60", name="lost", image=IMAGE, grace="1s")
    with pytest.raises(ConfirmationRequired):
        brief.down()
    assert "These jobs are lost: lost (" in asked[0]
    # Where nobody gets an answer, nobody waits for one.
    brief._kube().close()
    dotrain.use_sandbox(address="198.51.100.9")
    try:
        with pytest.raises(ConfirmationRequired):
            dotrain.down("brief")
    finally:
        dotrain.use_sandbox()
    assert "Which jobs run on it is not known" in asked[1]
    job.delete()


def test_what_ended_jobs_left_is_kept_before_a_teardown(brief) -> None:
    brief.run("echo worth it", name="worth", image=IMAGE)
    work.until(lambda: brief.job("worth").status.ended)
    assert "worth" not in keeping.names(target.current(), "brief")
    brief._keep_what_ended()
    assert "worth it" in (kept("worth").load_log(0) or "")


def test_a_shell_runs_a_job_and_follows_it(brief) -> None:
    options = ["--job", "shell", "--image", IMAGE, "--env", "WHOM=world", "--wait"]
    command = ["--sandbox", "run", "brief", *options, "--", "echo hello $WHOM"]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "hello world" in result.stdout.splitlines()
    assert "shell: succeeded" in result.stdout
    result = CliRunner().invoke(main, ["run", "brief", "--image", IMAGE, "--env", "WHOM", "ls"])
    assert "it takes NAME=VALUE" in result.output


def test_what_cannot_be_kept_keeps_the_cluster(brief, sandbox) -> None:
    job = brief.run("sleep 1; echo done", name="full", image=IMAGE, down_after=True)
    in_the_way = kept("full").directory / "log-0.txt"
    in_the_way.mkdir()
    with pytest.raises(ConfigError, match=r"log-0\.txt cannot be written"):
        job.wait("60s")
    assert job.status.phase == "succeeded"
    assert "wait() tries again" in repr(job)
    assert "brief" in clusters(sandbox)
    in_the_way.rmdir()
    job.delete()


def test_jobs_beside_it_keep_the_cluster_when_they_fail_and_what_they_left_is_kept(
    brief, tmp_path
) -> None:
    small = {"image": IMAGE, "cpus": 0.1, "memory": "64Mi"}
    until = "while ! test -e {}; do sleep 0.05; done; {}"
    fail, end = tmp_path / "fail", tmp_path / "end"

    def leave() -> None:
        os._exit(0)

    # One that has no result, though it succeeds, has nothing to lose.
    brief.run(leave, name="silent", cpus=0.1, memory="64Mi")
    # Another one of its name is another one.
    brief.run("echo twin", name="main", pod_security="baseline", **small)
    brief.run(until.format(end, "echo longer"), name="longer", **small)
    luckless = brief.run(until.format(fail, "exit 3"), name="luckless", **small)
    job = brief.run("true", name="main", down_after=True, **small)
    work.until(lambda: job.status.ended)
    # Nobody looks at it when it fails: the longer one is waited for.
    fail.touch()
    work.until(lambda: luckless.status.ended)
    end.touch()
    with pytest.raises(JobFailed, match=r"succeeded.*'luckless' has failed\. The cluster 'brief'"):
        job.wait("60s")
    work.until(lambda: finishers() == [])
    spaces = {one.namespace: one for one in keeping.every(target.current(), "brief")}
    assert spaces["training-baseline"].load_log(0).endswith("twin\n")
    assert "longer" in (kept("longer").load_log(0) or "")
    assert brief.job("main").namespace == "training"


def test_a_cluster_is_kept_by_who_thinks_better_of_it(brief, sandbox) -> None:
    job = brief.run("sleep 60", name="rethought", image=IMAGE, grace="1s", down_after=True)
    finisher()
    job.keep_cluster()
    work.until(lambda: finishers() == [])
    assert "It was called off. The cluster 'brief' stays" in repr(job)
    job.begin()
    assert finishers() == []
    job.delete()
    assert "brief" in clusters(sandbox)


def test_no_job_is_run_on_a_cluster_that_is_being_taken_down(brief) -> None:
    path = journal.new_path(journals(workspace.directory(target.current(), "brief")))
    writer = journal.Writer(path)
    writer.open("down", "down brief", "id-1")
    writer.write("turn", None)
    try:
        with pytest.raises(ClusterNotFound, match="is being taken down"):
            brief.run("true", name="too-late", image=IMAGE)
        with pytest.raises(JobNotFound):
            brief.job("too-late")
    finally:
        path.unlink()


def test_a_cluster_that_is_gone_is_no_trouble_of_the_api(sandbox) -> None:
    with pytest.raises(ClusterNotFound):
        connections.shared(target.current(), "00000000-0000-4000-8000-000000000000")


def test_the_cluster_goes_when_all_is_kept_whoever_is_killed_meanwhile(
    brief, sandbox, tmp_path
) -> None:
    go = tmp_path / "go"
    begin_and_die(go)
    first = finisher()
    first.kill()
    work.until(lambda: first not in finishers())
    job = brief.job("train")
    assert "its process was killed, and wait() takes it up" in repr(job)
    with pytest.warns(FinisherKilled, match=r"'train'.*was killed.*\$0\.\d+ an hour"):
        dotrain.get("brief")
    assert finishers() == []
    job.begin()
    # It holds nobody up meanwhile, and is no operation.
    second = finisher()
    assert brief.resize(count=3).spec.pools[0].count == 3
    assert brief.operation.title == "resize brief"
    # While it waits for its turn, another job is begun.
    with exclusive(turn(), lambda *_: None):
        go.touch()
        work.until(lambda: operations.running(target.current(), "brief") is not None)
        brief.run("echo late", name="late", image=IMAGE, cpus=0.1, memory="64Mi")
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            dotrain.get("brief", wait=False).job("train").wait("60s")
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    other = threading.Thread(target=wait)
    other.start()
    job.wait("60s")
    other.join()
    assert failures == []
    work.until(lambda: finishers() == [])
    assert second.pid != first.pid
    assert "was taken down, and nothing of it is left" in repr(job)
    assert job.status.phase == "succeeded"
    assert "brief" not in clusters(sandbox)
    assert dotrain.leaks().empty
    with pytest.raises(ClusterNotFound, match=r"dotrain\.job\('brief'"):
        dotrain.get("brief")
    # All of it is here, and nothing that lets anybody in.
    assert list(job.logs()) == ["trained"]
    assert job.result() == {"loss": 0.25}
    # And so it is for a kernel that knows nothing of it.
    code = (
        "import dotrain; dotrain.use_sandbox(); job = dotrain.job('brief', 'train').wait(); "
        "print(job.result(), list(job.logs()), job)"
    )
    later = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert later.stdout.startswith("{'loss': 0.25} ['trained'] train: succeeded")
    assert "was taken down" in later.stdout
    assert list(dotrain.job("brief", "worth").logs()) == ["worth it"]
    assert "late" in (kept("late").load_log(0) or "")
    assert "beside" in (kept("beside").load_log(0) or "")
    written = kept("train").directory / keeping.AFTER
    assert sandbox.token not in written.read_text()

"""An operation has a process of its own: who asked for it may go, wait, stop it or come back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import dotrain
from dotrain import display, errors
from dotrain.engine import journal
from dotrain.engine.progress import Progress
from tests.live.conftest import Sandbox, engine, frozen, host_of, processes

pytestmark = pytest.mark.long(170)

UP = """
import dotrain
from dotrain import display
dotrain.use_sandbox()
with display.using(lambda: display.Lines(lambda line: print(line, flush=True))):
    {call}
"""


@pytest.fixture(autouse=True)
def slow(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=0.5)
    sandbox.call("POST", "/__sandbox__/faults", faults=[])


def start(call: str) -> subprocess.Popen[str]:
    """Start a kernel of its own that makes one call."""
    return subprocess.Popen(
        [sys.executable, "-c", UP.format(call=call)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def commands() -> list[list[str]]:
    """Return the command lines of the engines that run for this home."""
    found = []
    for one in processes(leading=True):
        # One that ends just now has none.
        with contextlib.suppress(psutil.Error):
            found.append(one.cmdline())
    return found


def posted(sandbox: Sandbox, after: int) -> Callable[[], bool]:
    """Return a question: whether the cluster has been asked for since the request `after`."""
    return lambda: ("POST", "/v2/kubernetes/clusters") in sandbox.changes(after)


def clusters(sandbox: Sandbox, name: str) -> list[str]:
    return [one["id"] for one in sandbox.objects("clusters") if one["name"] == name]


def assert_whole(sandbox: Sandbox, name: str) -> None:
    """There is one of each, and a further `up` has nothing to do."""
    assert len(clusters(sandbox, name)) == 1
    assert len([o for o in sandbox.objects("firewalls") if o["name"] == f"dotrain-{name}"]) == 1
    before = sandbox.last_request()
    dotrain.up(name)
    assert sandbox.changes(before) == []


class Shown:
    """A view that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: set[str] = set()
        self.threads: set[str] = set()

    def refresh(self, progress: Progress) -> None:
        self.notes = list(progress.notes)
        self.steps |= {f"{one.verb} {one.kind} {one.status}" for one in progress.steps.values()}
        self.threads.add(threading.current_thread().name)


@pytest.fixture
def shown():
    view = Shown()
    with display.using(lambda: view):
        yield view


def test_an_operation_is_shown_while_it_runs_on_the_callers_thread(
    sandbox: Sandbox, shown: Shown
) -> None:
    dotrain.up("shown")
    assert "create cluster running" in shown.steps
    assert "create cluster done" in shown.steps
    assert any("an hour" in note for note in shown.notes)
    assert shown.threads == {threading.current_thread().name}


def test_up_need_not_be_waited_for_and_get_waits(sandbox: Sandbox, shown: Shown) -> None:
    before = time.monotonic()
    cluster = dotrain.up("early", wait=False)
    assert time.monotonic() - before < 5
    until(lambda: cluster.operation is not None)
    assert cluster.operation.running
    assert "up early is running" in repr(cluster)
    same = dotrain.get("early")
    assert "create cluster done" in shown.steps
    assert not same.operation.running
    assert same.operation.error is None
    assert "up early" not in repr(same)


def test_get_need_not_wait(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    dotrain.up("peek", wait=False)
    until(posted(sandbox, before))
    cluster = dotrain.get("peek", wait=False)
    assert cluster.operation.running
    cluster.operation.wait()
    assert clusters(sandbox, "peek") != []


def test_a_kernel_that_is_killed_is_followed_by_one_that_shows_what_goes_on(
    sandbox: Sandbox, shown: Shown
) -> None:
    before = sandbox.last_request()
    kernel = start("dotrain.up('goes-on')")
    until(posted(sandbox, before))
    kernel.kill()
    kernel.communicate()
    cluster = dotrain.get("goes-on")
    assert {"create cluster running", "create node pool done"} <= shown.steps
    assert "2 node" not in repr(cluster)
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "goes-on"]
    assert len(made["node_pools"]) == 2
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.changes(before) == []


def test_an_interrupt_stops_the_operation_once_its_state_is_safe(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    kernel = start("dotrain.up('stopped')")
    until(posted(sandbox, before))
    kernel.send_signal(signal.SIGINT)
    said = kernel.communicate(timeout=60)[0]
    assert kernel.returncode != 0
    assert "OperationInterrupted: up stopped was interrupted." in said
    assert "Interrupt again to leave it to itself." in said
    assert len(clusters(sandbox, "stopped")) == 1
    cluster = dotrain.get("stopped")
    assert cluster.outputs == {} or "k8s_cluster_id" in cluster.outputs
    assert "up stopped failed" in repr(cluster)
    dotrain.up("stopped")
    assert_whole(sandbox, "stopped")


def test_a_second_interrupt_leaves_the_operation_to_itself(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    kernel = start("dotrain.up('left')")
    until(posted(sandbox, before))
    with frozen():
        kernel.send_signal(signal.SIGINT)
        assert kernel.stdout is not None
        until(lambda: "Interrupt again" in kernel.stdout.readline())
        kernel.send_signal(signal.SIGINT)
        said = kernel.communicate(timeout=20)[0]
    assert "OperationInterrupted: up left goes on without this cell." in said
    operation = dotrain.get("left", wait=False).operation
    assert operation is not None
    with pytest.raises(errors.OperationInterrupted):
        operation.wait()
    dotrain.up("left")
    assert len(clusters(sandbox, "left")) == 1


def test_an_interrupt_of_who_only_waits_leaves_the_operation_alone(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    dotrain.up("others", wait=False)
    until(posted(sandbox, before))
    with frozen():
        kernel = start("dotrain.get('others')")
        assert kernel.stdout is not None
        until(lambda: "create" in kernel.stdout.readline())
        kernel.send_signal(signal.SIGINT)
        assert "up others goes on without this cell" in kernel.communicate(timeout=20)[0]
    dotrain.get("others").operation.wait()
    assert len(clusters(sandbox, "others")) == 1


def test_a_second_operation_waits_and_says_for_whom(sandbox: Sandbox, shown: Shown) -> None:
    before = sandbox.last_request()
    kernel = start("dotrain.up('queued')")
    until(posted(sandbox, before))
    dotrain.up("queued", pool=dotrain.Pool(count=2))
    assert kernel.communicate(timeout=30)
    assert kernel.returncode == 0
    (waiting,) = [note for note in shown.notes if note.startswith("Waiting")]
    assert waiting.startswith("Waiting for 'up queued', which process ")
    assert f" on {os.uname().nodename} began at " in waiting
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "queued"]
    assert [pool["count"] for pool in made["node_pools"]] == [1, 2]


def test_an_interrupt_while_waiting_for_another_changes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    dotrain.up("busy", wait=False)
    until(posted(sandbox, before))
    with frozen():
        kernel = start("dotrain.up('busy', pool=dotrain.Pool(count=3))")
        assert kernel.stdout is not None
        until(lambda: "Waiting for 'up busy'" in kernel.stdout.readline())
        kernel.send_signal(signal.SIGINT)
        assert "OperationInterrupted" in kernel.communicate(timeout=20)[0]
    dotrain.get("busy").operation.wait()
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "busy"]
    assert [pool["count"] for pool in made["node_pools"]] == [1, 1]


def test_a_killed_engine_is_survived_and_its_plugin_is_ended(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    kernel = start("dotrain.up('plugged')")
    until(posted(sandbox, before))
    plugins = processes(leading=False)
    assert plugins != []
    engine().kill()
    said = kernel.communicate(timeout=60)[0]
    assert kernel.returncode == 0, said
    assert "What failed was made all the same: taking it in." in said
    assert not any(plugin.is_running() for plugin in plugins)
    before = sandbox.last_request()
    dotrain.get("plugged").up()
    assert sandbox.changes(before) == []
    assert len(clusters(sandbox, "plugged")) == 1


def test_an_engine_that_is_killed_before_it_made_anything_is_an_error(sandbox: Sandbox) -> None:
    # On a busy machine, too: the cluster is put off until it is dead.
    busy = {"method": "POST", "path": "/v2/kubernetes/clusters", "status": 429, "times": 1000}
    sandbox.call("POST", "/__sandbox__/faults", faults=[busy])
    kernel = start("dotrain.up('nothing')")
    until(lambda: any("up" in words for words in commands()))
    engine().kill()
    assert "OperationFailed: up nothing stopped half-way." in kernel.communicate(timeout=60)[0]
    assert processes(leading=False) == []
    sandbox.call("POST", "/__sandbox__/faults", faults=[])
    assert clusters(sandbox, "nothing") == []
    dotrain.up("nothing")


def test_an_operation_whose_process_was_killed_is_taken_over(
    sandbox: Sandbox, shown: Shown
) -> None:
    """As in test_recovery.py, but with an engine that lives on."""
    before = sandbox.last_request()
    kernel = start("dotrain.up('taken')")
    until(posted(sandbox, before))
    host_of(kernel.pid).kill()
    assert "OperationFailed: up taken was cut off." in kernel.communicate(timeout=30)[0]
    dotrain.up("taken")
    assert any("Took over from 'up taken'" in note for note in shown.notes)
    assert processes(leading=False) == []
    assert_whole(sandbox, "taken")


def test_a_fault_of_dotrain_is_said_so_with_its_cause(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_PATIENCE", "soon")
    with pytest.raises(errors.ConfigError, match="DOTRAIN_PATIENCE is 'soon'"):
        dotrain.up("faulty")
    monkeypatch.delenv("DOTRAIN_PATIENCE")
    monkeypatch.setattr("dotrain.operations._as_json", lambda _: {"surprising": True})
    with pytest.raises(errors.EngineError, match="did not foresee") as caught:
        dotrain.up("faulty")
    assert str(caught.value.__cause__) == "KeyError: 'cidrs'"
    assert clusters(sandbox, "faulty") == []


def test_the_journals_of_a_stack_have_ended_and_are_ones_own(
    sandbox: Sandbox, module_home: Path
) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=0.05)
    dotrain.up("kept")
    dotrain.get("kept").resize(count=2)
    found = list((module_home / "sandbox/stacks/kept/operations").glob("*"))
    assert len(found) == 2
    assert all(journal.Reader(path).state == "ended" for path in found)
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)

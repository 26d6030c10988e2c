"""Processes are told apart by number and birth, and what an operation left behind is ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from dotrain.engine import processes

SLEEP = "import time; time.sleep(60)"
# Starts a helper in a group of its own, as the engine starts its plugins, and says its number.
PARENT = f"""
import subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], process_group=0)
print(helper.pid, flush=True)
time.sleep(60)
"""


def start(code: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True, **options)


@pytest.fixture
def leader():
    code = PARENT.replace("process_group=0", "preexec_fn=__import__('os').setpgrp")
    environment = {**os.environ, processes.OPERATION: "operation-1"}
    process = start(code, start_new_session=True, env=environment)
    helper = psutil.Process(int(process.stdout.readline()))
    yield process, helper
    for one in (process, helper):
        if psutil.pid_exists(one.pid):
            one.kill()
    process.communicate()


def gone(process: psutil.Process) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not processes.alive(process.pid):
            return True
        time.sleep(0.01)
    return False


def test_a_process_lives_until_it_ends() -> None:
    process = start(SLEEP)
    assert processes.alive(process.pid)
    assert processes.alive(process.pid, time.time())
    assert not processes.alive(process.pid, time.time() - 3600)
    process.kill()
    assert gone(psutil.Process(process.pid))  # also before anybody has waited for it
    process.communicate()
    assert not processes.alive(process.pid)


def test_this_process_was_born_when_the_system_says() -> None:
    assert processes.alive(os.getpid(), processes.born())


def test_what_is_left_of_a_session_is_ended(leader) -> None:
    process, helper = leader
    process.kill()
    process.wait()
    assert processes.alive(helper.pid)
    processes.end_session(process.pid)
    assert gone(helper)


def test_an_operations_processes_are_found_and_ended_by_its_id(leader) -> None:
    process, helper = leader
    assert processes.of_operation("operation-2") == []
    assert set(processes.of_operation("operation-1")) == {process.pid, helper.pid}
    assert processes.runs_engine("operation-1")
    process.kill()
    process.wait()
    assert not processes.runs_engine("operation-1")
    assert processes.end_operation("operation-1") == [helper.pid]
    assert gone(helper)

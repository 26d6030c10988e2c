"""Operations run beside the notebook, and an interrupt never loses what they made."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from dotrain import display, worker
from dotrain.engine.progress import Progress
from tests.unit.conftest import ROOT


class Record:
    def __init__(self) -> None:
        self.finished: list[bool] = []
        self.threads: set[str] = set()

    def refresh(self, progress: Progress) -> None:
        self.finished.append(progress.finished)
        self.threads.add(threading.current_thread().name)


@pytest.fixture
def view():
    record = Record()
    with display.using(lambda: record):
        yield record


def run(work):
    return worker.run("up bert", work, interrupt=lambda: pytest.fail("nobody interrupted"))


def test_work_runs_on_a_thread_of_its_own_and_its_result_comes_back(view) -> None:
    assert run(lambda _: threading.current_thread().name) == "dotrain up bert"
    assert view.threads == {threading.current_thread().name}


def test_what_happens_is_shown_until_it_ends(view, monkeypatch) -> None:
    monkeypatch.setattr(worker, "_REFRESH_SECONDS", 0.01)
    run(lambda _: time.sleep(0.2))
    assert len(view.finished) > 3
    assert view.finished[-1]
    assert not any(view.finished[:-1])


class OfTheWork(Exception):
    pass


@pytest.mark.parametrize("error", [OfTheWork("no"), TimeoutError("slow"), SystemExit(3)])
def test_an_error_of_the_work_is_raised_where_it_was_called(view, error) -> None:
    def fail(_: Progress) -> None:
        time.sleep(0.3)  # longer than one look at it
        raise error

    with pytest.raises(type(error)) as caught:
        run(fail)
    assert caught.value is error
    assert view.finished[-1]


def test_a_result_that_comes_as_the_wait_ends_is_not_lost(view, monkeypatch) -> None:
    monkeypatch.setattr(worker, "_REFRESH_SECONDS", 0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            # A pause of nothing: the result comes while the wait for it ends.
            assert run(lambda _: time.sleep(0) or "result") == "result"
    finally:
        sys.setswitchinterval(interval)


PROGRAM = """
import signal, threading
from dotrain import display, worker
from dotrain.errors import OperationInterrupted

begun, saved = threading.Event(), threading.Event()
{prelude}

def work(progress):
    print("working", flush=True)
    begun.set()
    saved.wait(20)
    return "saved: " + " ".join(progress.notes)

def interrupt():
    print("asked to stop", flush=True)
    {interrupt}

try:
    print(worker.run("up bert", work, interrupt=interrupt), flush=True)
except OperationInterrupted as error:
    print("left:", error, flush=True)
"""


class Cell:
    """A program of its own that runs an operation and gets real signals."""

    def __init__(self, **parts: str) -> None:
        parts = {"prelude": "", "interrupt": "saved.set()", **parts}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(**parts)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def line(self) -> str:
        return self._process.stdout.readline().strip()

    def interrupt(self) -> None:
        time.sleep(0.3)  # until it waits for the work
        self._process.send_signal(signal.SIGINT)

    def close(self) -> str:
        try:
            return self._process.communicate(timeout=15)[0]
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()


@pytest.fixture
def cell():
    cells: list[Cell] = []

    def start(**parts: str) -> Cell:
        cells.append(Cell(**parts))
        return cells[-1]

    yield start
    for one in cells:
        one.close()


def test_an_interrupt_asks_the_work_to_stop_and_waits_for_it(cell) -> None:
    program = cell()
    assert program.line() == "working"
    program.interrupt()
    assert program.line() == "asked to stop"
    assert program.line().startswith("saved: Interrupted: stopping as soon as the state is safe.")


def test_a_second_interrupt_leaves_the_work_to_itself(cell) -> None:
    program = cell(interrupt="pass")
    assert program.line() == "working"
    program.interrupt()
    assert program.line() == "asked to stop"
    program.interrupt()
    line = program.line()
    assert line.startswith("left: up bert goes on without this cell.")
    assert "dotrain.get()" in line


def test_an_interrupt_while_progress_is_shown_stops_the_work_too(cell) -> None:
    program = cell(
        prelude=(
            "class View:\n"
            "    hit = False\n"
            "    def refresh(self, progress):\n"
            "        if not View.hit:\n"
            "            View.hit = begun.wait(10)\n"
            "            signal.raise_signal(signal.SIGINT)\n"
            "display._chosen.set(View)"
        )
    )
    assert [program.line(), program.line()] == ["working", "asked to stop"]
    assert program.line().startswith("saved: ")

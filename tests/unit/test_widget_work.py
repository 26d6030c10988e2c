"""What takes its time runs beside the kernel, one thing at a time, and nothing of it is lost."""

from __future__ import annotations

import contextvars
import sys
import threading
import types
import warnings
from collections.abc import Callable

import pytest

from dotrain import confirm
from dotrain.errors import ConfirmationRequired
from dotrain.widgets.kit.work import Worker

SECONDS = 10
_where: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")


class Ended:
    """What a worker told, in the order it did."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.failed: list[BaseException] = []
        self.warned: list[str] = []

    def of(self, worker: Worker, call: Callable[[], object]) -> Ended:
        worker.start(
            call, done=self.done.append, failed=self.failed.append, warned=self.warned.append
        )
        assert worker.join(SECONDS)
        return self


@pytest.fixture
def printed(monkeypatch) -> list[BaseException]:
    """The errors that a thread died of, or printed as if it had."""
    errors: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_value))
    return errors


def test_it_runs_in_another_thread_and_is_waited_for_by_nobody() -> None:
    worker, go, threads = Worker("test"), threading.Event(), []

    def call() -> int:
        threads.append(threading.current_thread())
        assert go.wait(SECONDS)
        return 3

    done: list[int] = []
    worker.start(call, done=done.append, failed=pytest.fail)
    assert worker.busy
    assert done == []
    go.set()
    assert worker.join(SECONDS)
    assert not worker.busy
    assert done == [3]
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon
    assert threads[0].name == "dotrain test"


def test_it_sees_the_context_of_whoever_starts_it_and_changes_none_of_it() -> None:
    def call() -> str:
        seen = _where.get()
        _where.set("in the worker")
        return seen

    token = _where.set("in the cell")
    try:
        assert Ended().of(Worker("test"), call).done == ["in the cell"]
        assert _where.get() == "in the cell"
    finally:
        _where.reset(token)


def test_it_does_one_thing_at_a_time() -> None:
    worker, go = Worker("create"), threading.Event()
    worker.start(lambda: go.wait(SECONDS), done=lambda _: None, failed=pytest.fail)
    try:
        with pytest.raises(RuntimeError, match="create is still busy"):
            worker.start(lambda: None, done=pytest.fail, failed=pytest.fail)
        assert not worker.join(0.01)
    finally:
        go.set()
    assert worker.join(SECONDS)
    assert Ended().of(worker, lambda: "again").done == ["again"]


def test_what_follows_may_start_the_next_thing() -> None:
    worker, seen, states = Worker("test"), [], []
    worker.listen(states.append)

    def then(first: str) -> None:
        worker.start(lambda: f"{first}, then more", done=seen.append, failed=pytest.fail)

    worker.start(lambda: "first", done=then, failed=pytest.fail)
    assert worker.join(SECONDS)
    assert seen == ["first, then more"]
    assert states[0] is True
    assert states[-1] is False


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_whatever_is_raised_is_told(error) -> None:
    def call() -> None:
        raise error

    ended = Ended().of(Worker("test"), call)
    assert ended.failed == [error]
    assert ended.done == []


def test_when_no_thread_is_to_be_had_that_is_told_and_one_may_try_again(monkeypatch) -> None:
    def start(_: threading.Thread) -> None:
        raise error

    worker, error, failed = Worker("test"), RuntimeError("can't start new thread"), []
    with monkeypatch.context() as out_of_threads:
        out_of_threads.setattr(threading.Thread, "start", start)
        worker.start(pytest.fail, done=pytest.fail, failed=failed.append)
    assert failed == [error]
    assert worker.join(0)
    assert not worker.busy
    assert Ended().of(worker, lambda: 1).done == [1]


def test_a_listener_that_has_left_is_told_nothing() -> None:
    worker, heard = Worker("test"), []
    leave = worker.listen(heard.append)
    leave()
    leave()
    assert Ended().of(worker, lambda: 1).done == [1]
    assert heard == []


def test_an_error_of_what_follows_is_told_too() -> None:
    error, failed = ValueError("cannot be shown"), []

    def done(_: int) -> None:
        raise error

    worker = Worker("test")
    worker.start(lambda: 1, done=done, failed=failed.append)
    assert worker.join(SECONDS)
    assert failed == [error]


def test_an_error_that_cannot_even_be_told_is_printed(printed) -> None:
    worker, broken = Worker("test"), RuntimeError("the widget is gone")

    def failed(_: BaseException) -> None:
        raise broken

    worker.start(lambda: 1 / 0, done=pytest.fail, failed=failed)
    assert worker.join(SECONDS)
    assert printed == [broken]
    assert not worker.busy


def test_a_listener_that_fails_is_printed_and_does_not_stop_the_others(printed) -> None:
    worker, heard = Worker("test"), []

    def broken(busy: bool) -> None:
        raise RuntimeError(str(busy))

    worker.listen(broken)
    worker.listen(heard.append)
    assert Ended().of(worker, lambda: 1).done == [1]
    assert heard == [True, False]
    assert [str(error) for error in printed] == ["True", "False"]


def test_nobody_is_asked_anything(monkeypatch) -> None:
    def ask(_: str) -> str:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr("builtins.input", ask)
    ended = Ended().of(Worker("test"), lambda: confirm.require_name("bert", None))
    (error,) = ended.failed
    assert isinstance(error, ConfirmationRequired)
    assert error.fix == "Pass confirm='bert'."


def test_warnings_are_told_to_who_wants_them_and_to_nobody_else() -> None:
    def call() -> None:
        warnings.warn("It ends soon.", stacklevel=1)

    worker = Worker("test")
    with warnings.catch_warnings(record=True) as elsewhere:
        warnings.simplefilter("default")
        assert Ended().of(worker, call).warned == ["It ends soon."]
        assert elsewhere == []


def test_a_warning_is_told_again_when_it_is_done_again(monkeypatch) -> None:
    # By default Python shows a warning once for each line that warns.
    module = types.ModuleType("dotrain.example")
    source = "import warnings\ndef call(): warnings.warn('Near its end.', stacklevel=1)"
    exec(source, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    worker, told = Worker("test"), []
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for _ in range(2):
            told += Ended().of(worker, module.call).warned
    assert told == ["Near its end.", "Near its end."]


def test_warnings_of_others_are_shown_as_before() -> None:
    Ended().of(Worker("test"), lambda: None)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        warnings.warn("Mine.", stacklevel=1)
    assert [str(one.message) for one in shown] == ["Mine."]

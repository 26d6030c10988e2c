"""Somebody looks only while somebody sees it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator

import ipywidgets
import pytest

from dotrain.widgets.kit import live, presence
from dotrain.widgets.kit.live import Poller, Views

SECONDS = 10
NEVER = 1000.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def poller() -> Iterator[Callable[..., Poller[int]]]:
    made: list[Poller[int]] = []

    def make(look: Callable[[], int] | None = None, *, every: float = NEVER) -> Poller[int]:
        made.append(Poller(look or itertools.count(1).__next__, every=every, name="test"))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        assert one.join(SECONDS)


def test_nobody_looks_before_somebody_sees_it(poller) -> None:
    looked: list[int] = []
    one = poller(lambda: looked.append(1) or 1)
    one.now()
    one.subscribe(lambda _: None, viewed=lambda: False)
    one.now()
    assert not one.running
    assert looked == []


def test_a_subscriber_is_shown_something_at_once_and_again_and_again(poller) -> None:
    seen: list[int] = []
    one = poller(every=0.01)
    one.subscribe(seen.append)
    wait_for(lambda: len(seen) >= 3)
    assert seen[:3] == [1, 2, 3]


def test_a_look_can_be_asked_for(poller) -> None:
    seen: list[int] = []
    one = poller()
    one.subscribe(seen.append)
    wait_for(lambda: seen == [1])
    one.now()
    wait_for(lambda: seen == [1, 2])


def test_one_thread_looks_for_all_and_each_sees_the_same(poller) -> None:
    first: list[int] = []
    second: list[int] = []
    threads = set()
    count = itertools.count(1)

    def look() -> int:
        threads.add(threading.current_thread())
        return next(count)

    one = poller(look)
    one.subscribe(first.append)
    wait_for(lambda: first == [1])
    one.subscribe(second.append)
    wait_for(lambda: second == [2])
    assert first == [1, 2]
    (thread,) = threads
    assert thread.daemon
    assert thread.name == "dotrain test"


def test_it_ends_with_the_last_subscriber_and_begins_again_with_the_next(poller) -> None:
    seen: list[int] = []
    one = poller()
    ends = [one.subscribe(seen.append), one.subscribe(lambda _: None)]
    wait_for(lambda: bool(seen))
    ends[0]()
    assert one.running
    ends[1]()
    ends[1]()
    assert one.join(SECONDS)
    assert not one.running
    before = len(seen)
    one.subscribe(seen.append)
    wait_for(lambda: len(seen) > before)


def test_it_ends_when_nobody_sees_it_any_more_and_goes_on_when_somebody_does(poller) -> None:
    widget, seen = ipywidgets.HTML(), []
    one = poller(every=0.01)
    views = Views(widget, one.now)
    assert not views()
    one.subscribe(seen.append, viewed=views)
    assert not one.running
    # What a front end does when it shows the widget, and takes it away.
    widget.set_trait("_view_count", 1)
    wait_for(lambda: len(seen) >= 2)
    widget.set_trait("_view_count", 0)
    assert one.join(SECONDS)
    before = len(seen)
    widget.set_trait("_view_count", 2)
    wait_for(lambda: len(seen) > before)


def test_only_who_is_seen_is_told(poller) -> None:
    seen: list[int] = []
    unseen: list[int] = []
    one = poller(every=0.01)
    one.subscribe(unseen.append, viewed=lambda: False)
    one.subscribe(seen.append)
    wait_for(lambda: len(seen) >= 2)
    assert unseen == []


def test_what_was_closed_is_seen_by_nobody_whatever_its_page_said_last() -> None:
    widget = ipywidgets.HTML()
    views = Views(widget)
    widget.set_trait("_view_count", 1)
    assert views()
    widget.close()
    assert not views()


@pytest.fixture
def away(monkeypatch) -> Iterator[None]:
    """Nobody has been there for long."""
    monkeypatch.setattr(presence._Signs, "at", time.monotonic() - presence.AWAY)
    monkeypatch.setattr(live, "SELDOM", NEVER)
    yield
    presence.sign()


def test_it_rests_when_nobody_seems_to_be_there_until_there_is_a_sign(poller, away) -> None:
    seen: list[int] = []
    waits: list[float] = []
    one = poller(every=0.01)
    wait = one._changed.wait_for
    one._changed.wait_for = lambda met, timeout: waits.append(timeout) or wait(met, timeout)
    one.subscribe(seen.append)
    wait_for(lambda: waits == [NEVER])
    assert one.resting
    assert seen == [1], "the first look is asked for"
    presence.sign()
    assert not one.resting
    wait_for(lambda: len(seen) >= 3)


def test_it_does_not_rest_while_what_it_sees_ends_by_itself(away) -> None:
    seen: list[int] = []
    one = Poller(itertools.count(1).__next__, every=0.01, name="test", eager=lambda: True)
    one.subscribe(seen.append)
    wait_for(lambda: len(seen) >= 3)
    one.stop()
    assert one.join(SECONDS)


def test_a_cell_and_a_message_of_a_widget_are_signs(away, monkeypatch) -> None:
    import IPython
    from comm.base_comm import BaseComm
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    Views(ipywidgets.HTML())
    assert not presence.away(), "what is shown is shown to somebody"
    for happen in (
        lambda: shell.run_cell("1", store_history=False),
        lambda: BaseComm.handle_msg(_Comm(), {}),
    ):
        presence._Signs.at -= presence.AWAY
        assert presence.away()
        happen()
        assert not presence.away()


class _Comm:
    """What a page sends something to."""

    comm_id = "one"

    def _msg_callback(self, _: object) -> None:
        """Take it."""


def test_an_error_of_looking_is_printed_and_the_next_look_happens(poller, monkeypatch) -> None:
    printed: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: printed.append(args.exc_value))
    error, seen = OSError("gone"), []
    results = iter([error, 2])

    def look() -> int:
        result = next(results, 3)
        if isinstance(result, OSError):
            raise result
        return result

    one = poller(look, every=0.01)
    one.subscribe(seen.append)
    wait_for(lambda: bool(seen))
    assert seen[0] == 2
    assert printed == [error]


def test_a_subscriber_that_fails_does_not_keep_it_from_the_others(poller, monkeypatch) -> None:
    printed: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: printed.append(args.exc_value))
    error, seen = RuntimeError("the widget is gone"), []

    def broken(_: int) -> None:
        raise error

    one = poller()
    one.subscribe(broken)
    wait_for(lambda: printed == [error])
    one.subscribe(seen.append)
    wait_for(lambda: seen == [2])
    assert printed == [error, error]


def test_it_is_told_to_stop_while_it_waits(poller) -> None:
    seen: list[int] = []
    one = poller()
    one.subscribe(seen.append)
    wait_for(lambda: bool(seen))
    one.stop()
    assert one.join(SECONDS)
    one.now()
    assert not one.running


def test_a_kernel_that_stops_does_not_wait_for_it(python) -> None:
    result = python(
        "import time\n"
        "from dotrain.widgets.kit.live import Poller\n"
        "one = Poller(lambda: 1, every=1000, name='test')\n"
        "one.subscribe(lambda _: None)\n"
        "print('running', one.running)\n"
    )
    assert result.stdout == "running True\n", result.stderr
    assert result.stderr == ""

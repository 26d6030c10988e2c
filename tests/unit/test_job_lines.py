"""The lines of a job's log: their time and order, and the streams that bring them."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dotrain.errors import KubernetesForbidden, KubernetesNotFound
from dotrain.jobs import lines, streams
from dotrain.jobs.lines import Line, Position, Splitter
from dotrain.jobs.streams import Stream, Streams
from dotrain.within import within
from tests.unit.jobs import a_rank, failed


def test_lines_have_their_time_whatever_the_number_of_digits() -> None:
    texts = [
        b"2026-01-02T03:04:05Z a",
        b"2026-01-02T03:04:05.1Z b",
        b"2026-01-02T05:04:05.1+02:00 c",
    ]
    found = [lines.parse(one, 0) for one in texts]
    assert [one.text for one in found] == ["a", "b", "c"]
    assert found[1].moment - found[0].moment == 10**8
    assert found[1].moment == found[2].moment
    assert lines.parse(b"no time at all", 1) == Line(0, 1, "no time at all")
    assert lines.parse(b"2026-01-02T03:04:05Z \xff", 0).text == "\ufffd"
    assert lines.parse(b"2026-01-02T03:04:05Z ", 0).text == ""


def test_a_log_that_is_read_again_neither_repeats_nor_loses_a_line() -> None:
    second = 1_700_000_000 * 10**9
    log = [
        Line(second, 0, "a"),
        Line(second + 5, 0, "b"),
        Line(second + 5, 0, "b"),
        Line(second + 5, 0, "c"),
        Line(second + 10**9, 0, "d"),
    ]
    for cut in range(len(log) + 1):
        position = Position()
        taken = [line.text for line in log[:cut] if position.take(line)]
        position.reopen()
        again = [line for line in log if line.moment // 10**9 >= position.since]
        taken += [line.text for line in again if position.take(line)]
        assert taken == ["a", "b", "b", "c", "d"], cut


def test_lines_are_cut_at_line_feeds_alone() -> None:
    splitter = Splitter()
    assert [*splitter.lines(b"a\rb\x0bc\nd"), *splitter.lines(b"e\n"), *splitter.rest()] == [
        b"a\rb\x0bc",
        b"de",
    ]
    assert lines.split(b"a\n\nb") == [b"a", b"", b"b"]
    assert lines.split(b"") == []


def test_no_line_is_lost_when_the_clock_of_a_node_is_set_back() -> None:
    second = 10**9
    log = [Line(moment * second, 0, str(moment)) for moment in (50, 51, 20, 21, 22)]
    position = Position()
    assert all(map(position.take, log[:4]))
    assert position.since == 21
    position.reopen()
    # What is written from then on, in the order of the file.
    assert [position.take(line) for line in log[3:]] == [False, True]
    assert position.take(Line(10 * second, 0, "10"))


def test_lines_without_a_time_are_all_new() -> None:
    position = Position()
    assert position.take(Line(0, 0, "cut"))
    assert position.take(Line(5, 0, "a"))
    assert position.take(Line(0, 0, "cut"))
    position.reopen()
    assert not position.take(Line(5, 0, "a"))


class Answers:
    """A Kubernetes API that answers, one request after another, as a test says."""

    def __init__(self, *answers: BaseException | Line) -> None:
        self.answers = iter(answers)
        self.asked = 0

    def run(self, call: Any) -> None:
        self.asked += 1
        answer = next(self.answers, None)
        if isinstance(answer, Line):
            # The stream whose request it is takes it.
            call.func.__self__._take(answer)
        elif answer is not None:
            raise answer


@pytest.fixture
def stream(monkeypatch) -> Iterator[Callable[..., tuple[Stream, list[Any], Answers]]]:
    """Begin a stream from what answers so, and stop it after the test."""
    monkeypatch.setattr(streams, "_FIRST_TRY", 0.001)
    monkeypatch.setattr(streams, "_LAST_TRY", 0.002)
    begun: list[Stream] = []

    def begin(*answers: BaseException | Line) -> tuple[Stream, list[Any], Answers]:
        kube, taken = Answers(*answers), []
        begun.append(Stream(kube, a_rank(), taken.append))
        return begun[-1], taken, kube

    yield begin
    for one in begun:
        one.stop()


def ends(one: Stream) -> bool:
    one._thread.join(5)
    return not one.alive


UNKNOWN = KubernetesNotFound("It is not there.", status=404)


def test_a_node_that_does_not_know_a_pod_yet_is_asked_again(stream) -> None:
    one, taken, kube = stream(UNKNOWN, UNKNOWN, UNKNOWN)
    deadline = time.monotonic() + 5
    while kube.asked < 5:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert one.alive
    one.finish()
    assert ends(one)
    assert taken == []


def test_what_is_gone_or_refused_is_no_stream_any_more(stream) -> None:
    one, taken, _ = stream(*[UNKNOWN] * 10_000)
    one.finish()
    assert ends(one)
    assert taken == []
    refused = KubernetesForbidden("It may not.", status=403)
    one, taken, _ = stream(refused)
    assert ends(one)
    assert taken == [refused]


def test_why_a_log_ends_early_is_its_last_line(stream) -> None:
    begun = Line(5, 0, "begun")
    one, taken, _ = stream(begun, ValueError("of a library"))
    assert ends(one)
    # Where lines are sorted by time, too.
    assert taken == [begun, Line(5, 0, "(The log ends here. ValueError('of a library'))")]


class Flood:
    """A queue that is never empty, until a test is over."""

    def __init__(self) -> None:
        self.over = False

    def get_nowait(self) -> Line:
        if self.over:
            raise queue.Empty
        return Line(1, 0, "again")

    def get(self, timeout: float) -> Line:
        assert timeout > 0
        return self.get_nowait()

    def qsize(self) -> int:
        return 1


def test_however_much_a_job_writes_it_is_looked_at_in_between() -> None:
    flooded = Streams(None)
    flooded._queue = flood = Flood()
    try:
        assert within(10, lambda: sum(map(len, flooded.batches(0.1))), 0) > 0
        assert within(10, lambda: sum(map(len, flooded.rest(0.1))), 0) > 0
    finally:
        flood.over = True


def test_only_the_last_lines_of_the_newest_try_are_asked_for(monkeypatch) -> None:
    begun = []

    class Noted(Stream):
        def __init__(self, _kube: Any, pod: Any, _put: Any, tail: int | None = None) -> None:
            begun.append((pod["metadata"]["name"], tail))

    monkeypatch.setattr(streams, "Stream", Noted)
    first, second = failed(0), a_rank(0, "bbbbb", made=60)
    for number, pod in enumerate((first, second)):
        pod["metadata"]["uid"] = str(number)
    found = Streams(None, tail=3)
    monkeypatch.setattr(Noted, "finish", lambda _: None)
    found.look([first, second])
    later = a_rank(0, "ccccc", made=90)
    later["metadata"]["uid"] = "2"
    found.look([first, second, later])
    assert begun == [("train-0-bbbbb", 3), ("train-0-ccccc", None)]

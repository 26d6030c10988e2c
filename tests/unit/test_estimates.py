"""An estimate is what was measured here, in words, and never more than that."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain import estimates, host
from dotrain.engine import journal
from dotrain.engine.progress import Progress, Step
from dotrain.estimates import Past, Run
from dotrain.target import Target
from dotrain.turn import Turn

seconds = st.floats(0, 1e5)
UP = Run("up", 400.0, frozenset({"create cluster", "create tag"}))


@given(st.lists(seconds, max_size=60))
def test_an_estimate_claims_what_was_measured_and_no_more(measured) -> None:
    one = estimates.of(measured)
    assert one.runs == len(measured)
    if not measured:
        return
    assert min(measured) <= one.low <= one.high <= one.longest == max(measured)
    inside = sum(one.low <= each <= one.high for each in measured)
    assert inside >= 0.8 * len(measured)
    if len(measured) < 10:
        assert (one.low, one.high) == (min(measured), max(measured))


@given(st.lists(seconds, max_size=60), seconds)
def test_words_name_as_many_runs_as_there_were_and_no_time_below_zero(measured, elapsed) -> None:
    words = estimates.of(measured).words(elapsed)
    assert not re.search(r"(?<![\d ])-\d|%|left", words)
    if not measured:
        assert words == "no run to compare with"
        return
    count = len(measured)
    assert ("one run" if count == 1 else f"{count} runs") in words
    assert words.startswith("longer than") == (elapsed > max(measured))


@given(seconds, seconds)
def test_a_span_in_words_holds_what_it_is_said_of(one, other) -> None:
    low, high = sorted((one, other))
    words = estimates.span(low, high)
    units = {"s": 1, "min": 60}
    numbers = [
        float(number) * units[unit or words.split()[-1]]
        for number, unit in re.findall(r"(\d+)(?: (s|min))?", words)
    ]
    assert numbers[-1] >= high
    if len(numbers) > 1:
        assert numbers[0] <= low


@pytest.mark.parametrize(
    ("measured", "elapsed", "words"),
    [
        ([272], 10, "one run on this machine took 4:32"),
        ([272], 300, "longer than the one run on this machine, 4:32"),
        ([190, 240, 300], 10, "usually 3-5 min (3 runs on this machine)"),
        ([190, 240, 370], 400, "longer than any of 3 runs on this machine (6:10)"),
        ([0.2, 0.4], 0, "usually under 1 s (2 runs on this machine)"),
        ([0.5, 3.2], 0, "usually up to 4 s (2 runs on this machine)"),
        ([240, 240], 0, "usually 4 min (2 runs on this machine)"),
    ],
)
def test_words(measured, elapsed, words) -> None:
    assert estimates.of(measured).words(elapsed) == words


def test_of_ten_runs_an_odd_one_at_either_end_does_not_count_as_usual() -> None:
    one = estimates.of([1, *[60] * 9, 3000])
    assert (one.runs, one.low, one.high, one.longest) == (11, 60, 60, 3000)


def test_operations_are_compared_with_those_that_did_as_much() -> None:
    past = Past({}, (UP, Run("up", 3.0, frozenset({"update firewall"})), Run("down", 9.0, UP.did)))
    assert past.whole("up", {"create tag"}).longest == 400
    assert past.whole("up", {"update firewall"}).longest == 3
    assert past.whole("up", {"create tag", "create database"}).runs == 0
    assert past.whole("up", set()).runs == 0
    assert past.only("up").runs == past.runs[:2]


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    estimates.add(tmp_path, [("create tag", 0.4), ("create cluster", 250.0)], UP)
    estimates.add(tmp_path, [("create tag", 0.3)])
    known = estimates.read(tmp_path)
    assert known.steps == {"create tag": (0.4, 0.3), "create cluster": (250.0,)}
    assert known.runs == (UP,)
    assert Past.from_dict(json.loads(json.dumps(known.to_dict()))) == known


@pytest.mark.parametrize("done", [True, False])
def test_only_what_did_what_it_should_is_noted(tmp_path: Path, done: bool) -> None:
    progress = Progress("up bert")
    for number, (kind, status) in enumerate(
        [("tag", "done"), ("cluster", "failed"), ("VPC", "running")]
    ):
        progress.steps[str(number)] = Step(kind, "bert", "create", status, 0, 0.5)
    account = Target("sandbox", "http://127.0.0.1:1", "token", tmp_path)
    turn = Turn(account, "bert", progress, "id-1")
    turn.began = time.monotonic()
    host._note(account, turn, done=done)
    known = estimates.read(tmp_path)
    assert known.steps == {"create tag": (0.5,)}
    assert [run.verb for run in known.runs] == (["up"] if done else [])


def test_who_ends_its_process_meanwhile_learns_how_the_operation_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, signals = Target("sandbox", "http://127.0.0.1:1", "token", tmp_path), host._Signals()

    def work(turn: Turn, *_: object) -> str:
        turn.progress.steps["1"] = Step("tag", "bert", "create", "done", 0, 0.5)
        return "made"

    monkeypatch.setattr(host.handover, "take", lambda _: account)
    monkeypatch.setitem(host._WORK, "test", work)
    # SIGTERM comes while it is noted how long everything took.
    monkeypatch.setattr(host.estimates, "add", lambda *_: signals.terminate())
    path = journal.new_path(tmp_path)
    asked = {"kind": "test", "title": "up bert", "name": "bert", "id": "id-1", "journal": str(path)}
    host._serve({**asked, "arguments": {"patience": 0.0}}, signals)
    assert journal.Reader(path).end == {"result": "made"}
    assert signals.last


def test_only_this_user_reads_it_and_it_stays_small(tmp_path: Path) -> None:
    for number in range(60):
        run = Run("up", float(number), UP.did)
        estimates.add(tmp_path, [("create tag", float(number))] * 3, run)
    known = estimates.read(tmp_path)
    assert known.steps["create tag"] == (*[53.0] * 2, *[n for n in range(54, 60) for _ in "123"])
    assert [run.seconds for run in known.runs] == list(range(40, 60))
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.stat().st_size < 10_000


def test_of_several_that_write_at_once_none_is_lost(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def note(number: int) -> None:
        together.wait()
        estimates.add(tmp_path, [(f"create {number}", 1.0)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(8)))
    assert set(estimates.read(tmp_path).steps) == {f"create {number}" for number in range(8)}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        "\\xff",
        '{"what": "create tag"}',
        '{"what": 3, "seconds": 1}',
        '{"what": "create tag", "seconds": -1}',
        '{"what": "create tag", "seconds": "1"}',
        '{"what": "create tag", "seconds": NaN}',
        '{"what": "create tag", "seconds": Infinity}',
        '{"what": "up", "seconds": 1, "did": 3}',
        f'{{"what": "create tag", "seconds": 1{"0" * 400}}}',
    ],
)
def test_what_cannot_be_read_says_nothing(tmp_path: Path, line: str) -> None:
    estimates.add(tmp_path, [("create tag", 0.5)])
    with (tmp_path / "durations.jsonl").open("ab") as file:
        file.write(f"{line}\n".encode("latin-1").replace(b"\\xff", b"\xff"))
    assert estimates.read(tmp_path) == Past({"create tag": (0.5,)}, ())
    assert estimates.read(tmp_path / "nowhere") == Past()


def test_nothing_fails_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    estimates.add(tmp_path / "file", [("create tag", 0.5)])
    assert estimates.read(tmp_path / "file") == Past()

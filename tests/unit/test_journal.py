"""A journal tells whoever reads it how an operation is, also after its process was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dotrain.engine import journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal.new_path(tmp_path / "operations")


def write(path: Path, *lines: tuple[str, object], turn: bool = True) -> None:
    writer = journal.Writer(path)
    writer.open("apply", "up bert", "id-1")
    if turn:
        writer.write("turn", None)
    for key, value in lines:
        writer.write(key, value)
    writer.close()


def edit_card(path: Path, **values: object) -> None:
    first, *rest = path.read_text().splitlines(keepends=True)
    card = json.loads(first)["card"] | values
    path.write_text("".join([json.dumps({"card": card}) + "\n", *rest]))


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_journal_says_who_runs_what(path) -> None:
    write(path)
    reader = journal.Reader(path)
    assert (reader.card.title, reader.card.pid, reader.card.id) == ("up bert", os.getpid(), "id-1")
    assert reader.state == "running"
    assert str(reader.card).startswith(f"'up bert', which process {os.getpid()} of ")


def test_an_end_is_written_whatever_it_holds(path) -> None:
    write(path, ("end", {"result": Path("here")}))
    assert journal.Reader(path).end == {"result": "here"}


def test_a_reader_goes_on_where_it_was(path) -> None:
    reader = journal.Reader(path)
    assert (reader.card, reader.progress.notes) == (None, [])
    write(path, ("note", "It costs $1."))
    reader.read()
    reader.read()
    assert reader.progress.notes == ["It costs $1."]
    writer = journal.Writer(path)
    writer.write("failure", "vpc: busy")
    writer.write("end", {"result": 3})
    reader.read()
    assert reader.progress.failures == ["vpc: busy"]
    assert (reader.end, reader.state, reader.progress.finished) == ({"result": 3}, "ended", True)


def test_half_a_line_is_read_when_it_is_whole(path) -> None:
    write(path)
    reader = journal.Reader(path)
    with path.open("a") as file:
        file.write('{"note": "on')
        file.flush()
        reader.read()
        assert reader.progress.notes == []
        file.write('e"}\n')
    reader.read()
    assert reader.progress.notes == ["one"]


def test_a_line_that_was_cut_off_for_good_is_left_out(path) -> None:
    write(path)
    with path.open("a") as file:
        file.write('{"note": "cut o\n{"note": "whole"}\n{}\n')
    assert journal.Reader(path).progress.notes == ["whole"]


def test_an_operation_whose_process_is_gone_was_killed(path) -> None:
    write(path)
    edit_card(path, pid=ended_pid())
    assert journal.Reader(path).state == "killed"
    assert list(journal.killed(path.parent)) == [path]
    assert journal.running(path.parent) is None


def test_a_process_that_has_the_number_of_another_is_not_taken_for_it(path) -> None:
    write(path)
    edit_card(path, born=1.0)
    assert journal.Reader(path).state == "killed"


def test_of_another_machine_nobody_here_knows(path) -> None:
    write(path)
    edit_card(path, host="elsewhere", pid=ended_pid())
    assert journal.Reader(path).state == "elsewhere"
    assert list(journal.killed(path.parent)) == []


def test_what_waits_for_its_turn_is_not_what_runs(tmp_path) -> None:
    first, second = journal.new_path(tmp_path), journal.new_path(tmp_path)
    write(first)
    write(second, turn=False)
    assert journal.running(tmp_path) == first
    assert journal.latest(tmp_path) == first
    assert journal.asked(tmp_path) == second
    journal.Writer(first).write("end", {"result": None})
    assert journal.running(tmp_path) is None


def test_only_the_last_are_kept_and_none_that_runs(tmp_path) -> None:
    running = journal.new_path(tmp_path)
    write(running)
    for _ in range(12):
        write(journal.new_path(tmp_path), ("end", {"result": None}))
    left = sorted(tmp_path.glob("*"))
    assert running in left
    assert len(left) <= 10


def test_nobody_else_can_read_it(path) -> None:
    write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_loses_news_but_never_an_end_silently(tmp_path) -> None:
    writer = journal.Writer(Path("/dev/full"))
    writer.write("note", "lost")
    with pytest.raises(OSError, match="space"):
        writer.write("end", {"result": None})


def test_a_journal_that_is_taken_up_runs_again(path) -> None:
    write(path, ("note", "first"), ("end", {"error": {}}))
    edit_card(path, pid=ended_pid())
    reader = journal.Reader(path)
    assert reader.state == "ended"
    write(path, ("note", "second"))
    reader.read()
    assert (reader.state, reader.end, reader.card.pid) == ("running", None, os.getpid())
    assert reader.progress.notes == ["first", "second"]
    assert not reader.progress.finished

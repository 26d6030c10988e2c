"""Locks: only those of processes that are gone from this machine are released."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dotrain.engine import locks
from dotrain.engine.workspace import Backend

HERE = socket.gethostname()


@pytest.fixture
def lock(tmp_path):
    """Write a lock as Pulumi's file backend does."""

    def write(
        pid: object,
        host: str = HERE,
        name: str = "1",
        taken: str = "",
        directory: Path = tmp_path,
    ) -> Path:
        path = directory / f"{name}.json"
        path.write_text(
            json.dumps(
                {
                    "pid": pid,
                    "username": "ada",
                    "hostname": host,
                    "timestamp": taken or dt.datetime.now().astimezone().isoformat(),
                }
            )
        )
        path.with_name(f"{path.name}.attrs").write_text('{"md5": "x"}')
        return path

    return write


@pytest.fixture
def ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def unburied():
    """A process that was killed and that nobody waited for."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


def test_the_lock_of_an_ended_process_is_released(lock, ended, tmp_path) -> None:
    path = lock(ended)
    assert [one.path for one in locks.release_dead(tmp_path)] == [path]
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_released(lock, unburied, tmp_path) -> None:
    lock(unburied)
    assert len(locks.release_dead(tmp_path)) == 1


def test_the_lock_of_a_running_process_is_kept(lock, tmp_path) -> None:
    path = lock(os.getpid())
    assert locks.release_dead(tmp_path) == []
    assert path.exists()


def test_the_lock_of_a_process_whose_number_was_given_again_is_released(lock, tmp_path) -> None:
    lock(os.getpid(), taken="2026-01-02T03:04:05.678901234Z")
    assert len(locks.release_dead(tmp_path)) == 1


def test_the_lock_of_a_running_process_without_a_time_is_kept(lock, tmp_path) -> None:
    lock(os.getpid(), taken="yesterday")
    assert locks.release_dead(tmp_path) == []


def test_the_lock_of_another_machine_is_kept(lock, ended, tmp_path) -> None:
    path = lock(ended, host=f"not-{HERE}")
    assert locks.release_dead(tmp_path) == []
    assert path.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"{}", b'{"pid": 1}', b"\xff\xfe", b'{"pid": "x", "username": ""}'],
)
def test_a_lock_that_cannot_be_read_is_somebodys(tmp_path, content) -> None:
    (tmp_path / "1.json").write_bytes(content)
    assert locks.release_dead(tmp_path) == []
    (found,) = locks.find(tmp_path)
    assert str(found) == "process 0 of somebody on an unknown machine"
    assert (tmp_path / "1.json").exists()


def test_a_process_number_that_none_can_have_releases_nothing(lock, tmp_path) -> None:
    path = lock(10**30)
    locks.release_dead(tmp_path)
    assert path.exists()


def test_only_the_dead_among_several_go(lock, ended, tmp_path) -> None:
    lock(ended, name="a")
    kept = [lock(os.getpid(), name="b"), lock(ended, host="elsewhere", name="c")]
    locks.release_dead(tmp_path)
    assert [one.path for one in locks.find(tmp_path)] == kept


def test_a_stack_that_was_never_locked_has_no_locks(tmp_path) -> None:
    assert locks.find(tmp_path / "missing") == []
    assert locks.release_dead(tmp_path / "missing") == []


def test_a_lock_says_whose_it_is(lock, tmp_path) -> None:
    lock(4711)
    assert str(locks.find(tmp_path)[0]) == f"process 4711 of ada on {HERE}"


def test_what_was_left_half_written_is_removed_and_what_is_whole_is_not(lock, tmp_path) -> None:
    backend = Backend("file://", tmp_path)
    directory = backend.locks("bert")
    directory.mkdir(parents=True)
    kept = lock(os.getpid(), directory=directory)
    unfinished = directory / "2.json.18eb065a168c4a05.tmp"
    for path, content in (
        (unfinished, b""),
        (directory / "3.json", b'{"pid":'),
        (directory / "4", b""),
        (directory / "5.json.attrs", b""),
    ):
        path.write_bytes(content)
    # One that was only just begun may still be finished: it is waited for.
    began = unfinished.stat().st_mtime
    locks.drop_half_written(backend.half_written("bert"))
    assert time.time() - began > 0.9
    assert {path.name for path in directory.iterdir()} == {kept.name, f"{kept.name}.attrs"}

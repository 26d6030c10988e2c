"""A command of a shell ends when its container is told to, with what it was told to do then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dotrain.jobs import shells

PATIENCE = 10.0
SHELLS = sorted(
    {os.path.realpath(found) for name in ("dash", "bash", "sh") if (found := shutil.which(name))}
)
SAVES = """\
import pathlib, signal, sys, time
def save(*_):
    time.sleep(0.3)
    print("saved", flush=True)
    sys.exit({code})
signal.signal(signal.SIGTERM, save)
pathlib.Path("up").touch()
time.sleep(60)
"""


def begun(shell: str, work: str, home: Path) -> subprocess.Popen[str]:
    """The first process of a container that runs `work`: it leads a session, as a runtime's."""
    _, *words = shells.command(work)
    words[2] = shell
    return subprocess.Popen(
        [shell, *words],
        cwd=home,
        env={**os.environ, "PYTHON": sys.executable},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def told_to_end(shell: str, work: str, home: Path, code: int = 7) -> tuple[int, str]:
    """What such a container ends with when its first process alone gets SIGTERM."""
    (home / "saves.py").write_text(SAVES.format(code=code))
    first = begun(shell, work, home)
    deadline = time.monotonic() + PATIENCE
    while not (home / "up").exists():
        assert time.monotonic() < deadline, "it did not begin"
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGTERM)
    said, _ = first.communicate(timeout=PATIENCE)
    return first.returncode, said


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("work", "ends"),
    [
        ("exit 5", (5, "")),
        ("true; false", (1, "")),
        ("echo $0 $#; # more", (0, "{shell} 0\n")),
        ("kill -KILL $$", (137, "")),
        ("(sleep 0.2; exit 4) & wait $!", (4, "")),
        ("echo 'its' `echo back`", (0, "its back\n")),
    ],
)
def test_it_ends_and_writes_as_it_would_by_itself(shell, work, ends, tmp_path) -> None:
    first = begun(shell, work, tmp_path)
    said, _ = first.communicate(timeout=PATIENCE)
    assert (first.returncode, said) == (ends[0], ends[1].format(shell=shell))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "work",
    [
        "$PYTHON saves.py",
        "cd . && $PYTHON saves.py; echo next",
        "exec $PYTHON saves.py",
        "while ! $PYTHON saves.py; do exit 7; done",
    ],
)
def test_the_program_in_it_is_told_to_end_and_nothing_begins_after_it(
    shell, work, tmp_path
) -> None:
    code, said = told_to_end(shell, work, tmp_path)
    assert said == "saved\n"
    # What a loop has ended with, shells do not agree on.
    assert code in ((7, 143) if "while" in work else (7,))


@pytest.mark.parametrize("shell", SHELLS)
def test_what_runs_beside_it_is_waited_for_and_is_no_success(shell, tmp_path) -> None:
    assert told_to_end(shell, "$PYTHON saves.py & wait", tmp_path) == (143, "saved\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_that_was_told_to_end_has_not_succeeded(shell, tmp_path) -> None:
    assert told_to_end(shell, "$PYTHON saves.py", tmp_path, code=0) == (143, "saved\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_its_own_trap_is_the_commands_to_set(shell, tmp_path) -> None:
    work = "trap 'echo mine; exit 3' TERM; touch up; sleep 60 & wait"
    assert told_to_end(shell, work, tmp_path) == (3, "mine\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_who_is_told_before_it_has_begun_ends_at_once(shell, tmp_path) -> None:
    for milliseconds in (0, 4):
        first = begun(shell, "sleep 60", tmp_path)
        time.sleep(milliseconds / 1000)
        os.kill(first.pid, signal.SIGTERM)
        first.communicate(timeout=PATIENCE)
        assert first.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)

"""Long-running helpers that are followed, limited, and never outlive this process."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from dotrain import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TICK = 8.0
"""Seconds between two calls of ``on_tick``: someone who watches hears of it within ten."""

_TAIL = 12


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes
    ----------
    code : int or None
        Its exit status; None when it was stopped at its limit.
    tail : tuple of str
        The last lines it printed.
    limit : float
        The seconds it was given.
    """

    code: int | None
    tail: tuple[str, ...]
    limit: float

    @property
    def failure(self) -> str:
        """Why it failed, as one clause; empty when it did not."""
        if self.code == 0:
            return ""
        said = next((line for line in reversed(self.tail) if line), "")[:300].rstrip(".")
        how = (
            f"stopped after {elapsed(self.limit)}"
            if self.code is None
            else f"exit status {self.code}"
        )
        return f"{said} ({how})" if said else how


def run(
    args: Sequence[str],
    *,
    limit: float,
    env: Mapping[str, str],
    cwd: Path,
    on_line: Callable[[str], None] | None = None,
    on_tick: Callable[[float], None] | None = None,
    grace: int = 0,
) -> Outcome:
    """Run a program to its end, its limit, or an exception here, whichever comes first.

    Parameters
    ----------
    args : sequence of str
        The program and its arguments.
    limit : float
        Seconds after which it and all it started are killed.
    env : mapping
        Its whole environment; see `environment`.
    cwd : pathlib.Path
        Its working directory.
    on_line : callable, optional
        Called with every line it prints, on either stream.
    on_tick : callable, optional
        Called with the seconds gone by, every `TICK` seconds.
    grace : int
        Seconds that it has after SIGTERM, before SIGKILL; without, it is killed at once.

    Returns
    -------
    Outcome
        How it ended.
    """
    tail: deque[str] = deque(maxlen=_TAIL)
    started = time.monotonic()
    deadline, tick = started + limit, started + TICK
    with _spawned(args, env, cwd, grace) as process:
        lines = _lines(process)
        while True:
            now = time.monotonic()
            if now >= deadline:
                return Outcome(None, tuple(tail), limit)
            if now >= tick:
                tick = now + TICK
                if on_tick is not None:
                    on_tick(now - started)
            with suppress(queue.Empty):
                line = lines.get(timeout=max(0.0, min(deadline, tick) - now))
                if line is None:
                    break
                tail.append(line)
                if on_line is not None:
                    on_line(line)
        # It has closed its output; as a rule it ends with that.
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(1.0, deadline - time.monotonic()))
        return Outcome(process.returncode, tuple(tail), limit)


def environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without its secrets, plus `extra`."""
    return {**config.environment_without_secrets(), **extra}


def elapsed(seconds: float) -> str:
    """Return seconds as people write them: ``45s``, ``1m20s``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


@contextmanager
def _spawned(
    args: Sequence[str], env: Mapping[str, str], cwd: Path, grace: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a group of processes of its own, and leave none of it behind."""
    process = subprocess.Popen(
        list(args),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        umask=0o077,
    )
    watch = None
    try:
        watch = _watch(process.pid, grace)
        yield process
    finally:
        try:
            if grace and process.returncode is None:
                _signal(process.pid, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(grace)
        finally:
            # The child is unreaped unless it ended by itself, so its id is still its own.
            if process.returncode is None:
                _signal(process.pid, signal.SIGKILL)
        if watch is not None:
            _dismiss(watch)
        process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


_ONCE_GONE = """
read -r _
if [ "$2" -gt 0 ]; then kill -s TERM -- "-$1"; fi
while [ "$2" -gt 0 ] && kill -s 0 -- "-$1"; do sleep 1; set -- "$1" "$(($2 - 1))"; done
kill -s KILL -- "-$1"
"""


def _watch(group: int, grace: int) -> subprocess.Popen[bytes]:
    """Start a shell that kills the group once this process is gone.

    It waits on a pipe whose other end only this process holds. A signal
    handler could not do that: SIGKILL has none, and a kernel has its own.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", _ONCE_GONE, "sh", str(group), str(grace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _dismiss(watch: subprocess.Popen[bytes]) -> None:
    watch.kill()
    watch.wait()
    if watch.stdin is not None:
        watch.stdin.close()


def _lines(process: subprocess.Popen[bytes]) -> queue.Queue[str | None]:
    """Return a queue of the child's lines; None follows the last."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read(stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                lines.put(line.decode("utf-8", "replace").rstrip())
        lines.put(None)

    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    return lines

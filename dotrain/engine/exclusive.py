"""One at a time on a machine, however many notebooks ask."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_POLL = 0.2
_REPEAT = 10.0


@contextmanager
def exclusive(path: Path, waiting: Callable[[str, float], None]) -> Iterator[bool]:
    """Hold a lock that the system frees when this process ends, in whatever way.

    Parameters
    ----------
    path : pathlib.Path
        The lock file. It stays: removing it would let two in at once.
    waiting : callable
        Told who is waited for and for how many seconds, every fifth of a
        second; what it raises ends the waiting.

    Yields
    ------
    bool
        Whether another process held it first.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        started = time.monotonic()
        waited = False
        while not _try(descriptor):
            waited = True
            waiting(_holder(descriptor), time.monotonic() - started)
            time.sleep(_POLL)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield waited
    finally:
        os.close(descriptor)


def held(path: Path) -> bool:
    """Return whether a process holds the lock `path`, also one of another machine."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def every(seconds: float, tell: Callable[[str, float], None]) -> Callable[[str, float], None]:
    """Return a `waiting` that passes on to `tell` at once, and then only every so many seconds."""
    told: list[float] = []

    def waiting(holder: str, waited: float) -> None:
        if not told or waited - told[-1] >= seconds:
            told.append(waited)
            tell(holder, waited)

    return waiting


def installer(tell: Callable[[str], None]) -> Callable[[str, float], None]:
    """Return a `waiting` that tells, every ten seconds, who installs the same at present."""

    def waiting(holder: str, seconds: float) -> None:
        tell(f"waiting for {holder}, which installs the same, {seconds:.0f}s")

    return every(_REPEAT, waiting)


def _try(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f"process {pid}" if pid.isdigit() else "another process"

"""One installer at a time on a machine, however many notebooks ask."""

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
def exclusive(path: Path, progress: Callable[[str], None]) -> Iterator[bool]:
    """Hold a lock that the system frees when this process ends, in whatever way.

    Parameters
    ----------
    path : pathlib.Path
        The lock file. It stays: removing it would let two in at once.
    progress : callable
        Told who is waited for, at once and every ten seconds.

    Yields
    ------
    bool
        Whether another process held it first.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        started = time.monotonic()
        told: float | None = None
        while not _try(descriptor):
            now = time.monotonic()
            if told is None or now - told >= _REPEAT:
                told = now
                holder = _holder(descriptor)
                progress(f"waiting for {holder}, which installs the same, {now - started:.0f}s")
            time.sleep(_POLL)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield told is not None
    finally:
        os.close(descriptor)


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

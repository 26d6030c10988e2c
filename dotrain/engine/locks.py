"""The locks of a local backend: whose they are, and which are dead.

Pulumi's file backend writes {pid, username, hostname, timestamp} and never
lets a lock expire, so a killed CLI locks its stack for good. A lock is
released here only when it was taken on this machine by a process that is gone.
It writes each file beside its place first; a CLI that is killed while it does
leaves half of one, and half a lock is for Pulumi one that it cannot read.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dotrain import ownfiles
from dotrain.engine import processes

_WRITING = 1.0


@dataclass(frozen=True)
class Lock:
    """A lock on a stack.

    Parameters
    ----------
    path : pathlib.Path
        Its file.
    pid : int
        The process that took it.
    user : str
        Whose process that was.
    host : str
        On which machine.
    taken : float or None
        When, seconds since 1970; None when that is not known.
    """

    path: Path
    pid: int
    user: str
    host: str
    taken: float | None

    @property
    def dead(self) -> bool:
        """Whether its process is known to be gone."""
        return self.host == socket.gethostname() and not processes.alive(self.pid, self.taken)

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} on {self.host}"


def find(directory: Path) -> list[Lock]:
    """Return the locks in `directory`; one that cannot be read counts as somebody's."""
    return [_read(path) for path in sorted(directory.glob("*.json"))]


def release_dead(directory: Path) -> list[Lock]:
    """Remove the locks of processes that are gone, and return them."""
    dead = [lock for lock in find(directory) if lock.dead]
    for lock in dead:
        lock.path.unlink(missing_ok=True)
        lock.path.with_name(f"{lock.path.name}.attrs").unlink(missing_ok=True)
    return dead


def drop_half_written(paths: Iterable[Path]) -> None:
    """Remove files that a CLI was writing when it was killed.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        Such files. One that is new is given a second to be finished, should
        somebody still be writing it: that takes milliseconds.
    """
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            time.sleep(min(_WRITING, max(0.0, path.stat().st_mtime + _WRITING - time.time())))
            path.unlink()


def _read(path: Path) -> Lock:
    try:
        data = json.loads(path.read_text("utf-8"))
        return Lock(
            path, int(data["pid"]), str(data["username"]), str(data["hostname"]), _taken(data)
        )
    except (OSError, *ownfiles.DAMAGED):
        return Lock(path, 0, "somebody", "an unknown machine", None)


def _taken(data: dict[str, object]) -> float | None:
    # Go writes nanoseconds, and Z for UTC, which Python 3.10 does not read.
    text = re.sub(r"\.\d+", "", str(data.get("timestamp"))).replace("Z", "+00:00")
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None

"""The locks of a local backend: whose they are, and which are dead.

Pulumi's file backend writes {pid, username, hostname, timestamp} and never
lets a lock expire, so a killed CLI locks its stack for good. A lock is
released here only when it was taken on this machine by a process that is gone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from dotrain.engine import processes

_WRITTEN_SECONDS = 0.5
_LOOK_SECONDS = 0.05


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


def remove_partial(directory: Path) -> None:
    """Remove what a full disk left of locks: no engine can read it, nor work while it is there.

    Only for a backend that nobody else writes to: elsewhere it may be a lock
    that is being written.
    """
    for path in directory.glob("*"):
        with contextlib.suppress(OSError):
            while _partial(path):
                # A lock is a hundred bytes: none takes that long to be written.
                if time.time() - path.stat().st_mtime > _WRITTEN_SECONDS:
                    path.unlink()
                time.sleep(_LOOK_SECONDS)


def _partial(path: Path) -> bool:
    return path.suffix == ".tmp" or not path.read_bytes().rstrip().endswith(b"}")


def _read(path: Path) -> Lock:
    try:
        data = json.loads(path.read_text("utf-8"))
        return Lock(
            path, int(data["pid"]), str(data["username"]), str(data["hostname"]), _taken(data)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Lock(path, 0, "somebody", "an unknown machine", None)


def _taken(data: dict[str, object]) -> float | None:
    # Go writes nanoseconds, and Z for UTC, which Python 3.10 does not read.
    text = re.sub(r"\.\d+", "", str(data.get("timestamp"))).replace("Z", "+00:00")
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None

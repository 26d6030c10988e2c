"""The locks of a local backend: whose they are, and which are dead.

Pulumi's file backend writes {pid, username, hostname, timestamp} and never
lets a lock expire, so a killed CLI locks its stack for good. A lock is
released here only when it was taken on this machine by a process that is gone.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path


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
    """

    path: Path
    pid: int
    user: str
    host: str

    @property
    def dead(self) -> bool:
        """Whether its process is known to be gone."""
        return self.host == socket.gethostname() and not _alive(self.pid)

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


def _read(path: Path) -> Lock:
    try:
        data = json.loads(path.read_text("utf-8"))
        return Lock(path, int(data["pid"]), str(data["username"]), str(data["hostname"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Lock(path, 0, "somebody", "an unknown machine")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        # Somebody else's process, or no number a process can have.
        return True
    # A killed child that nobody waited for still has its number.
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state != "Z"

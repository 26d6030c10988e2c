"""The journal of an operation: who runs it, what it has done, how it ended.

An operation runs in a process of its own and outlives the notebook that asked
for it. What it has to say it writes here, a line of JSON at a time; whoever
wants to know, the notebook that asked or another one after a restart, reads on
from where it was. A journal without an end whose process is gone is that of an
operation that was killed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dotrain import config, ownfiles
from dotrain.engine import processes
from dotrain.engine.progress import Progress

# How many journals of a stack are kept: the last one tells a notebook that
# comes back how the operation ended.
_KEPT = 3


@dataclass(frozen=True)
class Card:
    """Who runs an operation.

    Parameters
    ----------
    id : str
        The operation's own id.
    kind : str
        ``"apply"``, ``"down"``, ``"plan"``, or ``"after"`` for what follows a job.
    title : str
        What it is to the user, such as ``"up bert"``.
    pid : int
        The process that runs it.
    born : float
        When that process began, seconds since 1970.
    user : str
        Whose process it is.
    host : str
        On which machine.
    started : str
        When the operation began, ISO 8601 in UTC.
    """

    id: str
    kind: str
    title: str
    pid: int
    born: float
    user: str
    host: str
    started: str

    def __str__(self) -> str:
        return (
            f"{self.title!r}, which process {self.pid} of {self.user} on {self.host} "
            f"began at {self.started[11:16]} UTC"
        )


def new_path(directory: Path) -> Path:
    """Return the path of a new journal in `directory`, and forget the oldest that have ended."""
    ownfiles.private_dir(directory)
    for path in _all(directory)[:-_KEPT]:
        if Reader(path).state != "running":
            path.unlink(missing_ok=True)
    now = dt.datetime.now(dt.timezone.utc)
    return directory / f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.jsonl"


def running(directory: Path) -> Path | None:
    """Return the journal of the operation in `directory` that has its turn now, if one has."""
    for path in reversed(_all(directory)):
        reader = Reader(path)
        if reader.has_turn and reader.state == "running":
            return path
    return None


def asked(directory: Path) -> Path | None:
    """Return the journal of an operation in `directory` that waits for its turn, if one does."""
    for path in reversed(_all(directory)):
        reader = Reader(path)
        changes = reader.card is not None and reader.card.kind != "plan"
        if changes and reader.state == "running":
            return path
    return None


def latest(directory: Path) -> Path | None:
    """Return the journal of the newest operation in `directory` that changed something."""
    changing = (path for path in reversed(_all(directory)) if Reader(path).has_turn)
    return next(changing, None)


def killed(directory: Path) -> Iterator[Path]:
    """Yield the journals in `directory` of operations that did not end and run no more."""
    for path in _all(directory):
        if Reader(path).state == "killed":
            yield path


class Writer:
    """Writes a journal.

    Parameters
    ----------
    path : pathlib.Path
        The journal, made if need be, for this user only.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def open(self, kind: str, title: str, operation: str) -> None:
        """Say who runs the operation."""
        now = dt.datetime.now(dt.timezone.utc)
        card = Card(
            id=operation,
            kind=kind,
            title=title,
            pid=os.getpid(),
            born=processes.born(),
            user=config.user(),
            host=socket.gethostname(),
            started=now.isoformat(timespec="seconds"),
        )
        self.write("card", asdict(card))

    def write(self, key: str, value: Any) -> None:
        """Add a line.

        A line about progress that a full disk does not take is left out, and
        what it says goes on; an end that cannot be written is an OSError.
        """
        # In words what JSON does not have: an end is written, whatever it holds.
        line = f"{json.dumps({key: value}, default=str)}\n".encode()
        try:
            written = os.write(self._file, line)
        except OSError:
            if key == "end":
                raise
            return
        if written < len(line):
            # What comes next begins a line of its own.
            with contextlib.suppress(OSError):
                os.write(self._file, b"\n")
            if key == "end":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)


class Reader:
    """Reads a journal as it grows.

    Parameters
    ----------
    path : pathlib.Path
        The journal; it may not be there yet.
    """

    def __init__(self, path: Path, title: str = "") -> None:
        self.path = path
        self.card: Card | None = None
        self.progress = Progress(title)
        self.has_turn = False
        self.end: Mapping[str, Any] | None = None
        # What else it says, the last of each kind.
        self.facts: dict[str, Any] = {}
        self._offset = 0
        self.read()

    @property
    def state(self) -> str:
        """How the operation is.

        ``"running"``, ``"ended"``, ``"killed"`` when its process is gone and
        wrote no end, or ``"elsewhere"`` when another machine, which shares the
        directory, has not written one.
        """
        if self.end is None and self.card:
            if self.card.host != socket.gethostname():
                return "elsewhere"
            if not processes.alive(self.card.pid, self.card.born):
                # It may have ended since the last look.
                self.read()
                return "killed" if self.end is None else "ended"
        return "running" if self.end is None else "ended"

    def read(self) -> None:
        """Take in what is new."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            # A line that a full disk cut off says nothing.
            with contextlib.suppress(ValueError):
                ((key, value),) = json.loads(line).items()
                self._take(key, value)

    def _take(self, key: str, value: Any) -> None:
        if key == "card":
            self.card = Card(**value)
            self.progress.title = self.card.title
            # Whoever takes up what was cut off, or failed, has not ended yet.
            self.end, self.progress.finished = None, False
        elif key == "turn":
            self.has_turn = True
        elif key == "end":
            self.end = value
            self.progress.finish()
        else:
            self.facts[key] = value
            self.progress.take(key, value)


def _all(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))

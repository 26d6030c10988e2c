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
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dotrain import config, ownfiles
from dotrain.engine import processes
from dotrain.engine.progress import Progress

# How many journals of a stack are kept: the last one tells a notebook that
# comes back how the operation ended, and all of them are the cluster's history.
_KEPT = 8


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


def changing(directory: Path) -> list[Path]:
    """Return the journals in `directory` of what changed something or wanted to, newest first."""
    found = ((path, Reader(path).card) for path in reversed(_all(directory)))
    return [path for path, card in found if card is not None and card.kind != "plan"]


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
        """Add a line, with the time.

        A line about progress that a full disk does not take is left out, and
        what it says goes on; an end that cannot be written is an OSError.
        """
        # In words what JSON does not have: an end is written, whatever it holds.
        said = {key: value, "at": round(time.time(), 3)}
        line = f"{json.dumps(said, default=str)}\n".encode()
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
        self.ended: float | None = None
        # What else it says, the last of each kind.
        self.facts: dict[str, Any] = {}
        self._offset = 0
        # Whoever shows it and whoever waits for it are threads of their own.
        self._reading = threading.Lock()
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
        with self._reading:
            self._read()

    def _read(self) -> None:
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            # A line that a full disk cut off, or that somebody else wrote, says nothing.
            with contextlib.suppress(*ownfiles.DAMAGED):
                said = json.loads(line)
                # Older versions said no time.
                at = said.pop("at", None)
                ((key, value),) = said.items()
                self._take(key, value, at)

    def _take(self, key: str, value: Any, at: float | None) -> None:
        if key == "card":
            self.card = Card(**value)
            self.progress.title = self.card.title
            # Whoever takes up what was cut off, or failed, has not ended yet.
            self.end = None
            self.progress.resume()
        elif key == "turn":
            self.has_turn = True
            self.progress.begin(time.time() if at is None else at)
        elif key == "end":
            self.end, self.ended = value, at
            self._finish(value, at)
        else:
            self.facts[key] = value
            self.progress.take(key, value, at)

    def _finish(self, end: Mapping[str, Any], at: float | None) -> None:
        error = end.get("error")
        if end.get("killed"):
            why = "its process was killed."
        else:
            why = " ".join((error or {}).get("said", ())[:2])
        self.progress.finish(why, failed=bool(error or end.get("killed")), at=at)


def _all(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))

"""Processes for operations: started when needed, and kept warm for the next one.

Importing Pulumi and its SDK takes a second. A process that has done it stays,
idle, until the kernel ends or nothing has been asked of it for ten minutes.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from dotrain import handover
from dotrain.engine import journal, workspace
from dotrain.errors import EngineError
from dotrain.hidden import bare
from dotrain.target import Target
from dotrain.turn import journals

_TAIL = 500
_FAREWELL = 2.0


class Host:
    """A process that runs one operation at a time."""

    def __init__(self) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this lives
        self._journal: journal.Reader | None = None
        self.process = handover.start("dotrain.host", self._said)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    @property
    def idle(self) -> bool:
        """Whether it can take an operation."""
        if self._journal is not None:
            self._journal.read()
        return self.alive and (self._journal is None or self._journal.end is not None)

    @property
    def last_words(self) -> str:
        """What it said before it ended; empty when nothing."""
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace").strip()[-_TAIL:]

    def begin(self, path: Path, request: dict[str, Any]) -> None:
        """Have it run the operation of `request`, with the journal `path`."""
        self._journal = journal.Reader(path)
        handover.send(self.process, request)

    def dismiss(self) -> None:
        """Ask nothing more of it."""
        rests = self.idle
        handover.close(self.process)
        self._said.close()
        if rests:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_FAREWELL)


_hosts: list[Host] = []
_lock = threading.Lock()


def _forget() -> None:
    _hosts.clear()


def _dismiss() -> None:
    """Let the hosts end that have nothing to do; one that has ends after that by itself."""
    for host in _hosts:
        host.dismiss()


# The copy of a kernel that forked has no hosts: two at one pipe would mix.
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
atexit.register(_dismiss)


def begin(
    target: Target, name: str, *, kind: str, title: str, arguments: dict[str, Any]
) -> tuple[Host, Path]:
    """Begin an operation, and return the process that runs it and its journal.

    Parameters
    ----------
    target : Target
        The account.
    name : str
        The cluster's name.
    kind : str
        ``"apply"``, ``"down"`` or ``"plan"``.
    title : str
        What it is to the user, such as ``"resize bert"``.
    arguments : dict
        What the operation needs to know, as JSON.

    Raises
    ------
    EngineError
        When no process can be started.
    """
    path = journal.new_path(journals(workspace.directory(target, name)))
    request = handover.request(
        target,
        id=uuid.uuid4().hex,
        kind=kind,
        title=title,
        name=name,
        journal=str(path),
        arguments=arguments,
    )
    with _lock:
        try:
            host = _take()
            host.begin(path, request)
        except OSError as error:
            raise EngineError(
                f"{title} could not begin.",
                f"The process for it did not start: {error.strerror or error}.",
                "Free some memory or disk space, then run the same call again.",
            ) from bare(error)
        except BaseException as error:  # noqa: BLE001 - raised again
            raise bare(error)  # noqa: B904 - it is the same error
    return host, path


def _take() -> Host:
    for host in [host for host in _hosts if not host.alive]:
        # Its pipe and its last words are this process's to close.
        host.dismiss()
        _hosts.remove(host)
    for host in _hosts:
        if host.idle:
            return host
    _hosts.append(Host())
    return _hosts[-1]

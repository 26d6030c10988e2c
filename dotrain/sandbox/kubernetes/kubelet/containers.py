"""One container: a process of this machine, and the one above it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dotrain.sandbox.kubernetes.kubelet import supervise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_KILLED = 137


@dataclass(frozen=True)
class Ended:
    """How a container has ended: its exit code, and when, as a UNIX time."""

    code: int
    at: float


class Container:
    """A process that runs.

    Parameters
    ----------
    above : asyncio.subprocess.Process
        The process above it.
    pid : int
        Its process ID.
    started : float
        When it was started, as a UNIX time.
    """

    def __init__(self, above: asyncio.subprocess.Process, pid: int, started: float) -> None:
        self._above = above
        self.pid = pid
        self.started = started

    def terminate(self) -> None:
        """Ask its first process to end, by SIGTERM."""
        self._send(supervise.TERMINATE)

    def kill(self) -> None:
        """End all its processes, by SIGKILL."""
        self._send(supervise.KILL)

    async def wait(self) -> Ended:
        """Return once no process of it is left."""
        said = await _hear(self._above)
        # Of the two above it, one may have been killed: both hold the pipes.
        if self._above.stdout is not None:
            await self._above.stdout.read()
        if self._above.stdin is not None:
            self._above.stdin.close()
        await self._above.wait()
        if said is None:
            return Ended(_KILLED, time.time())
        return Ended(said["code"], said["at"])

    def _send(self, word: bytes) -> None:
        pipe = self._above.stdin
        if pipe is not None and not pipe.is_closing():
            pipe.write(word)


async def start(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path
) -> Container:
    """Start a process with this environment and no other, in a session of its own.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    environment : mapping of str to str
        All of its environment.
    directory : pathlib.Path
        Its working directory.
    log : pathlib.Path
        Where what it writes is added.

    Raises
    ------
    supervise.NotStarted
        When it cannot be started; it says why.
    OSError
        When this machine has no room for one more process.
    """
    if not command:
        raise supervise.NotStarted("the Pod names no command, and a sandbox has no images")
    above = await asyncio.create_subprocess_exec(
        # By its path and without `site`: it needs nothing, and starts in half the time.
        *(sys.executable, "-I", "-S", supervise.__file__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={},
        start_new_session=True,
    )
    asked = {
        "command": list(command),
        "environment": dict(environment),
        "directory": str(directory),
        "log": str(log),
    }
    try:
        if above.stdin is not None:
            above.stdin.write(json.dumps(asked).encode() + b"\n")
            with suppress(ConnectionError):
                await above.stdin.drain()
        said = await _hear(above)
    except BaseException:
        # It kills the container then, which may have started already.
        if above.stdin is not None:
            above.stdin.close()
        raise
    if said is None or "pid" not in said:
        await above.wait()
        raise supervise.NotStarted((said or {}).get("error", "the process above it has ended"))
    return Container(above, said["pid"], said["at"])


async def _hear(above: asyncio.subprocess.Process) -> dict[str, Any] | None:
    line = await above.stdout.readline() if above.stdout is not None else b""
    return json.loads(line) if line.endswith(b"\n") else None

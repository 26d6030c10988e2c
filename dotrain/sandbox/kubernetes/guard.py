"""The process above a control plane's programs, which ends them when the sandbox ends.

Run as ``python -m dotrain.sandbox.kubernetes.guard``. Its standard input is a
pipe from the sandbox: first a line of JSON with what to start, then nothing,
until the sandbox closes it or is killed. It imports nothing of the sandbox, so
that it starts at once and is small.
"""

from __future__ import annotations

import json
import os
import select
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK = 0.05
_START_SECONDS = 60.0
_STOP_SECONDS = 3.0
READY = b"ready\n"


def main() -> None:
    """Start the programs, say when the API is ready, and stay until the sandbox is gone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # An interrupt at the terminal is for the sandbox, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = json.loads(sys.stdin.buffer.readline())
    running: list[subprocess.Popen[bytes]] = []
    try:
        _start(asked["first"], Path(asked["directory"]), running)
        if _wait_until_ready(asked, running):
            _start(asked["then"], Path(asked["directory"]), running)
            sys.stdout.buffer.write(READY)
            sys.stdout.buffer.flush()
            _watch(running)
    finally:
        _stop(running)


def _start(
    commands: dict[str, list[str]], directory: Path, running: list[subprocess.Popen[bytes]]
) -> None:
    """Start programs; each is in `running` at once, so that it ends when the next cannot start."""
    for name, command in commands.items():
        # The last run alone: what is long past is of no use, and a disk is finite.
        log = os.open(directory / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory
            )
        finally:
            os.close(log)
        running.append(process)


def _wait_until_ready(asked: dict[str, Any], running: list[subprocess.Popen[bytes]]) -> bool:
    trusted = ssl.create_default_context(cafile=asked["ca"])
    # It is on this machine, whatever proxy the rest of the world is behind.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
    )
    headers = {"Authorization": f"Bearer {asked['token']}"}
    request = urllib.request.Request(  # noqa: S310 - HTTPS, as `trusted` wants it
        f"{asked['url']}/readyz", headers=headers
    )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and not _over(running, _LOOK):
        with suppress(OSError), opener.open(request, timeout=5):
            return True
    return False


def _watch(running: list[subprocess.Popen[bytes]]) -> None:
    while not _over(running, 1.0):
        pass


def _over(running: list[subprocess.Popen[bytes]], seconds: float) -> bool:
    """Return whether the sandbox is gone, or one of the programs is; wait a while for it."""
    readable, _, _ = select.select([sys.stdin.buffer], [], [], seconds)
    return bool(readable) or any(process.poll() is not None for process in running)


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    # Only the first, etcd, has something to put away; the rest may just end.
    for process in running[1:]:
        process.kill()
    for process in running[:1]:
        process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()

"""A sandbox server: its directory, its lock, its port, its end."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from dotrain.sandbox.core import Sandbox
from dotrain.sandbox.kubernetes.planes import Planes
from dotrain.sandbox.server import Protocol, application
from dotrain.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

_HOST = "127.0.0.1"
_PATIENCE = 2


class Taken(Exception):
    """Another server has the directory."""


def serve(data: Path, port: int, delay: float, announce: Callable[[str], None]) -> None:
    """Serve the sandbox in `data` until SIGTERM or SIGINT.

    Parameters
    ----------
    data : Path
        The sandbox's directory; made when it is not there.
    port : int
        The port to listen on, 0 for that of the last run or any free one.
    delay : float
        Seconds a cluster takes to become ready.
    announce : callable
        Called with the URL, once it can be connected to.

    Raises
    ------
    Taken
        When another server has the directory.
    OSError
        When the directory or the port cannot be used.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.chmod(0o700)
    with _lock(data / "sandbox.lock"):
        store = Store(data / "sandbox.db")
        try:
            _run(data, store, port, delay, announce)
        finally:
            store.close()


def _run(
    data: Path, store: Store, port: int, delay: float, announce: Callable[[str], None]
) -> None:
    identity = _kept(store, "id", lambda: str(uuid.uuid4()))
    token = _kept(store, "token", lambda: f"sandbox_{secrets.token_hex(16)}")
    listener = _listener(port, int(store.fact("port") or 0))
    bound = listener.getsockname()[1]
    store.set_fact("port", str(bound))
    url = f"http://{_HOST}:{bound}"
    card = data / "sandbox.json"

    def ready() -> None:
        _write(card, {"url": url, "token": token, "pid": os.getpid(), "id": identity})
        announce(url)

    sandbox = Sandbox(store, identity, token, delay)
    planes = Planes(sandbox, data / "kubernetes", url)
    config = uvicorn.Config(
        application(sandbox),
        http=Protocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    # uvicorn raises the signal it caught once more when it has stopped.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        _Server(config, planes, ready).run(sockets=[listener])
    finally:
        card.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """A server that says when it is up, with control planes beside it."""

    def __init__(self, config: uvicorn.Config, planes: Planes, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._planes = planes
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, with the signals already watched."""
        await super().startup(sockets)
        await self._planes.start()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to serve, and what runs beside it."""
        await self._planes.stop()
        await super().shutdown(sockets)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _kept(store: Store, name: str, make: Callable[[], str]) -> str:
    value = store.fact(name) or make()
    store.set_fact(name, value)
    return value


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = path.read_text(encoding="ascii") or "unknown"
            raise Taken(f"{path.parent} is served by process {owner} already.") from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


def _listener(port: int, last: int) -> socket.socket:
    for candidate in [port] if port else [last, 0]:
        # Named TCP, or asyncio leaves Nagle's algorithm on: 40 ms an answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, candidate))
            # From here on connections wait in line until the server is up.
            listener.listen(1024)
        except OSError:
            listener.close()
            if candidate == port:
                raise
        else:
            return listener
    raise AssertionError  # pragma: no cover (port 0 returns or raises)


def _write(path: Path, values: dict[str, object]) -> None:
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(values, file)
    partial.replace(path)

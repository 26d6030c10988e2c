"""Forward a port of a service or Pod to this machine, so that no firewall has to open for it.

Each connection goes through the Kubernetes API, as ``kubectl port-forward``
sends it: a WebSocket whose messages begin with the number of a channel, 0 for
data and 1 for what went wrong. The first message of each channel repeats the
port (the kubelet's protocol ``v4.channel.k8s.io``).
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import html
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

import httpx_ws
from kr8s.objects import Pod, Service
from typing_extensions import Self

from dotrain import endpoints
from dotrain.endpoints import Endpoint
from dotrain.errors import DotrainError, ForwardFailed
from dotrain.hidden import bare
from dotrain.kube import Kube

_HOST = "127.0.0.1"
_CHUNK = 1 << 16
_DATA, _ERROR = 0, 1
# A Pod that is replaced is away for some seconds.
_TRIES, _PAUSE = 8, 1.0
_MOST_PORTS = 65535
# Seconds. The protocol has no word for "I have said all", so that a program in a
# Pod that waits for more of a client that may have gone never ends by itself.
_SILENCE = 30.0


class Forward:
    """A port of a cluster on this machine, which nobody else can reach.

    Usable in a ``with`` statement. It goes on until it is closed or the kernel
    ends; when the Pod behind a service is replaced, new connections go to
    another one.

    Attributes
    ----------
    port : int
        The port on 127.0.0.1.
    url : str
        The same as a URL.
    error : DotrainError or None
        Why the last connection failed, if it did.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    what : str
        What it forwards to, for its readers.
    find : callable
        Returns the Pod and port to connect to.
    """

    def __init__(self, kube: Kube, what: str, find: Callable[[], Endpoint]) -> None:
        self._kube = kube
        self._what = what
        self._find = find
        self._endpoint: Endpoint | None = find()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[Any]] = set()
        self.port = 0
        self.error: DotrainError | None = None

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"http://{_HOST}:{self.port}"

    def start(self, port: int) -> Self:
        """Listen on `port`, 0 for any that is free.

        Raises
        ------
        ForwardFailed
            When it is in use.
        """

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(self._serve, _HOST, port)

        try:
            self._server = self._kube.run(listen)
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            raise ForwardFailed(
                f"The port {port} of this machine cannot be used.",
                "Another program has it." if used else f"{error.strerror or error}.",
                "Give another local_port=, or leave it out for one that is free.",
            ) from error
        self.port = int(self._server.sockets[0].getsockname()[1])
        atexit.register(self.close)
        return self

    def close(self) -> None:
        """Listen no more, and end what is connected."""
        atexit.unregister(self.close)
        if self._server is not None:
            self._kube.run(self._aclose)

    async def _aclose(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, and never raise: nobody would see it."""
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            await self._carry(reader, writer)
        except asyncio.CancelledError:
            # By `close`: asyncio would report it as an error of its own callback.
            pass
        except DotrainError as error:
            self.error = bare(error)
        except Exception as error:  # noqa: BLE001 - of whatever of three libraries
            self.error = self._failure(f"{type(error).__name__}: {error}")
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for left in reversed(range(_TRIES)):
            if await self._carried(reader, writer, last=not left):
                return
            # It is not there any more, or not ready yet where it is now.
            await asyncio.sleep(_PAUSE)

    async def _carried(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, last: bool
    ) -> bool:
        """Carry one connection; return whether the Pod took it."""
        try:
            if self._endpoint is None:
                self._endpoint = await asyncio.to_thread(self._find)
            async with self._socket(self._endpoint) as socket:
                said = await _exchange(socket, reader, writer)
        except (httpx_ws.WebSocketUpgradeError, ForwardFailed) as error:
            self._endpoint = None
            if last or _is_forbidden(error):
                raise
            return False
        if said:
            self.error = self._failure(said)
        return True

    def _socket(self, where: Endpoint) -> Any:
        return self._kube.client.open_websocket(
            url=f"pods/{where.pod}/portforward",
            namespace=where.namespace,
            params={"ports": str(where.port)},
            subprotocols=["v4.channel.k8s.io"],
        )

    def _failure(self, said: str) -> ForwardFailed:
        return ForwardFailed(
            f"A connection to {self._what} failed.",
            f"{said.rstrip('.')}.",
            "See whether the program in the Pod listens on that port, and connect again.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self.url if self._server is not None else "closed"
        return f"<Forward of {self._what}: {state}>"

    def _repr_html_(self) -> str:
        if self._server is None:
            return html.escape(repr(self))
        return f'<a href="{self.url}" target="_blank">{self.url}</a> → {html.escape(self._what)}'


def _is_forbidden(error: Exception) -> bool:
    answer = getattr(error, "response", None)
    return answer is not None and answer.status_code in (401, 403)


async def _exchange(
    socket: httpx_ws.AsyncWebSocketSession,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> str:
    """Carry bytes both ways until one side is gone; return what the cluster says went wrong.

    A client that has said all still gets the answer, as long as it comes.
    """
    heard = asyncio.Event()
    up = asyncio.ensure_future(_up(socket, reader))
    down = asyncio.ensure_future(_down(socket, writer, heard))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        goes_on = up.done() and up.result()
        while goes_on and not down.done():
            heard.clear()
            await asyncio.wait({down}, timeout=_SILENCE)
            goes_on = heard.is_set()
    finally:
        up.cancel()
        down.cancel()
        ended = await asyncio.gather(up, down, return_exceptions=True)
    return ended[1] if isinstance(ended[1], str) else ""


async def _up(socket: httpx_ws.AsyncWebSocketSession, reader: asyncio.StreamReader) -> bool:
    """Carry what the client says; return whether it has said all, and may still listen."""
    with suppress(OSError, httpx_ws.HTTPXWSException):
        while chunk := await reader.read(_CHUNK):
            await socket.send_bytes(bytes([_DATA]) + chunk)
        return True
    return False


async def _down(
    socket: httpx_ws.AsyncWebSocketSession, writer: asyncio.StreamWriter, heard: asyncio.Event
) -> str:
    """Carry what the Pod says, setting `heard` each time; return what went wrong."""
    greeted: set[int] = set()
    with suppress(OSError, httpx_ws.HTTPXWSException):
        while True:
            message = await socket.receive_bytes()
            heard.set()
            channel, content = message[0], message[1:]
            if channel not in greeted:
                greeted.add(channel)
            elif channel == _ERROR:
                return content.decode("utf-8", "replace")
            else:
                writer.write(content)
                await writer.drain()
    return ""


def forward(
    kube: Kube, service: str, port: int | str, *, namespace: str, local_port: int | None
) -> Forward:
    """Forward a port; the parameters and errors are those of `Cluster.forward`."""
    kind, name = endpoints.parse(service)

    def find(port: int | str) -> Endpoint:
        pods = kube.list(Pod, namespace=namespace)
        if kind == "pod":
            return endpoints.of_pod(pods, name, namespace, port)
        services = kube.list(Service, namespace=namespace)
        return endpoints.of_service(services, pods, name, namespace, port)

    return open_to(kube, f"{kind} {namespace}/{name}", find, port, local_port)


def open_to(
    kube: Kube,
    what: str,
    find: Callable[[int | str], Endpoint],
    port: int | str,
    local_port: int | None,
) -> Forward:
    """Forward a port of what `find` finds, each time anew.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    what : str
        What it is, for its readers.
    find : callable
        Takes the port; returns the Pod to connect to and its port.
    port : int or str
        The port: a number or a name.
    local_port : int, optional
        The port on this machine; otherwise one that is free.
    """
    if isinstance(port, str) and port.isascii() and port.isdigit():
        # No name of a port is of digits alone.
        port = int(port)
    _check(port, local_port)
    return Forward(kube, f"{what}, port {port}", partial(find, port)).start(local_port or 0)


def _check(port: object, local_port: object) -> None:
    given = [] if isinstance(port, str) and port else [port]
    given += [] if local_port is None else [local_port]
    for number in given:
        is_number = isinstance(number, int) and not isinstance(number, bool)
        if is_number and 0 < number <= _MOST_PORTS:  # type: ignore[operator]
            continue
        raise ForwardFailed(
            f"{number!r} is no port.",
            f"A port is a number from 1 to {_MOST_PORTS}; a service's may be given by its name.",
            "Give one, for example forward('tensorboard', 6006).",
        )

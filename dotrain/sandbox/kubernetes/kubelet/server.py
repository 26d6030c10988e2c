"""What the API server asks of a node's kubelet: logs and ports.

For the Pods of jobs it answers here; everything else kwok does, which plays all
other Pods.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dotrain.sandbox.kubernetes import authority
from dotrain.sandbox.kubernetes.kubelet import forwards, logs

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from dotrain.sandbox.kubernetes.kubelet.running import Running
    from dotrain.sandbox.kubernetes.kubelet.watching import Kubelet

_LOG = logging.getLogger(__name__)
_LOGS = "containerLogs"
_FORWARD = "portForward"
_CHUNK = 1 << 16
_HOST = "127.0.0.1"


class Server:
    """Answers the API server, which shows a certificate, and nobody else.

    Parameters
    ----------
    kubelet : Kubelet
        Has the Pods of jobs.
    directory : pathlib.Path
        Where the control plane's keys are.
    kwok : int
        The port of kwok, on this machine.
    """

    def __init__(self, kubelet: Kubelet, directory: Path, kwok: int) -> None:
        self._kubelet = kubelet
        self._kwok = kwok
        pair = directory / authority.CERTIFICATE, directory / authority.KEY
        self._own = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH, cafile=str(directory / authority.CA)
        )
        self._own.verify_mode = ssl.CERT_REQUIRED
        self._own.load_cert_chain(*pair)
        self._trusted = ssl.create_default_context(cafile=str(directory / authority.CA))
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> None:
        """Listen on a port of this machine.

        Raises
        ------
        OSError
            When somebody has it.
        """
        self._server = await asyncio.start_server(self._enter, _HOST, port, ssl=self._own)

    async def close(self) -> None:
        """Listen no more, and cut what is open."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._attend(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._leave)

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _LOG.error("The API server has no answer.", exc_info=error)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Who goes without a word wants nothing.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._answer(reader, writer, await reader.readuntil(b"\r\n\r\n"))
        finally:
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes
    ) -> None:
        target, headers = _parsed(head)
        kind, *rest = [unquote(part) for part in urlsplit(target).path.strip("/").split("/")]
        query = dict(parse_qsl(urlsplit(target).query))
        found = self._kubelet.find(rest[0], rest[1]) if len(rest) > 1 else None
        if found is None:
            await self._pass_on(reader, writer, head, headers)
        elif kind == _LOGS:
            await _while_there(reader, _send_log(writer, found, rest[2], query))
        elif kind == _FORWARD and headers.get("upgrade", "").lower() == "websocket":
            ports = [int(one) for one in query["port"].split(",")]
            await forwards.forward(reader, writer, head, ports)
        else:
            await _refuse(writer, "The sandbox has logs and, by WebSocket, ports of a job's Pods.")

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: bytes,
        headers: Mapping[str, str],
    ) -> None:
        """Let kwok answer; on a connection of its own, since the next request may be for here."""
        if "upgrade" not in headers:
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        answers, inner = await asyncio.open_connection(_HOST, self._kwok, ssl=self._trusted)
        try:
            inner.write(head)
            both = (_copy(reader, inner), _copy(answers, writer))
            tasks = [asyncio.create_task(one) for one in both]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            inner.close()


async def _send_log(
    writer: asyncio.StreamWriter, pod: Running, container: str, query: Mapping[str, str]
) -> None:
    known, previous = pod.known(container), query.get("previous") == "true"
    if known is None:
        await _refuse(writer, f"container {container} is not in the pod")
    elif previous and known.before is None:
        await _refuse(writer, f'previous terminated container "{container}" not found')
    elif not previous and known.started is None:
        why = "trying and failing to pull image" if "Image" in known.waiting else known.waiting
        await _refuse(writer, f'container "{container}" is waiting to start: {why}')
    else:
        run = known.restarts

        def over() -> bool:
            return previous or pod.over or known.restarts != run or not known.runs

        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        path = pod.log(container, previous=previous)
        # What could not be started has said nothing.
        if path.exists():
            async for chunk in logs.read(path, logs.Options.of_query(query), over):
                writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _while_there(reader: asyncio.StreamReader, answer: Coroutine[Any, Any, None]) -> None:
    """Answer as long as there is somebody who hears it."""
    tasks = (asyncio.create_task(answer), asyncio.create_task(reader.read(1)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _refuse(writer: asyncio.StreamWriter, why: str) -> None:
    status, text = HTTPStatus.BAD_REQUEST, why.encode()
    writer.write(
        b"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (status, status.phrase.encode(), len(text), text)
    )
    await writer.drain()


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    """Return what a request asks for, and its headers by their names in small letters."""
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in rest)
    return first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()

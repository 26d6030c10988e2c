"""Ports of Pods by WebSocket, as a kubelet forwards them (``v4.channel.k8s.io``).

Each port has two channels, for data and for what goes wrong; the first byte of a
message is the number of its channel, and the first message of each channel
repeats the port.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import wsproto
from wsproto import events

from dotrain.sandbox.kubernetes.kubelet.local import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence

PROTOCOL = "v4.channel.k8s.io"
_CHUNK = 1 << 16


async def forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, ports: Sequence[int]
) -> None:
    """Connect a WebSocket to ports of this machine until one side ends.

    Parameters
    ----------
    reader, writer : asyncio.StreamReader, asyncio.StreamWriter
        The connection.
    head : bytes
        The request that asks for the WebSocket.
    ports : sequence of int
        The ports; every Pod's are on 127.0.0.1.
    """
    socket = _Socket(reader, writer)
    socket.accept(head)
    opened: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        for number, port in enumerate(ports):
            data, failure = 2 * number, 2 * number + 1
            for channel in (data, failure):
                await socket.send(channel, struct.pack("<H", port))
            try:
                answers, inner = await asyncio.open_connection(LOOPBACK, port)
            except OSError as error:
                await socket.send(failure, f"failed to connect to port {port}: {error}".encode())
                return
            opened.append(inner)
            tasks.append(asyncio.create_task(socket.copy_from(answers, data)))
        tasks.append(asyncio.create_task(socket.copy_to(opened)))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for inner in opened:
            inner.close()
        socket.close()


class _Socket:
    """The WebSocket of one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = wsproto.WSConnection(wsproto.ConnectionType.SERVER)

    def accept(self, head: bytes) -> None:
        self._state.receive_data(head)
        for _ in self._state.events():
            pass
        self._writer.write(self._state.send(events.AcceptConnection(subprotocol=PROTOCOL)))

    async def send(self, channel: int, content: bytes) -> None:
        message = events.BytesMessage(data=bytes([channel]) + content)
        self._writer.write(self._state.send(message))
        await self._writer.drain()

    def close(self) -> None:
        if self._state.state is wsproto.connection.ConnectionState.OPEN:
            self._writer.write(self._state.send(events.CloseConnection(code=1000)))

    async def copy_from(self, answers: asyncio.StreamReader, channel: int) -> None:
        while chunk := await answers.read(_CHUNK):
            await self.send(channel, chunk)

    async def copy_to(self, opened: Sequence[asyncio.StreamWriter]) -> None:
        message = b""
        while chunk := await self._reader.read(_CHUNK):
            self._state.receive_data(chunk)
            for event in self._state.events():
                if isinstance(event, events.Ping):
                    self._writer.write(self._state.send(event.response()))
                elif isinstance(event, events.CloseConnection):
                    self._writer.write(self._state.send(event.response()))
                    return
                elif isinstance(event, events.BytesMessage):
                    message += event.data
                    if event.message_finished:
                        await _hand_on(message, opened)
                        message = b""


async def _hand_on(message: bytes, opened: Sequence[asyncio.StreamWriter]) -> None:
    channel, content = message[0], message[1:]
    # Nothing is said on a channel of failures.
    if content and channel % 2 == 0 and channel // 2 < len(opened):
        opened[channel // 2].write(content)
        await opened[channel // 2].drain()

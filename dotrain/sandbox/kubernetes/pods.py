"""What answers behind the ports of the Pods that kwok plays: one answer for all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_TEXT = b"The sandbox answers for every port of every Pod.\n"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)
_PATIENCE = 5


class Pods:
    """A web server on 127.0.0.1, at `port`."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on any port."""
        self._server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
        writer.write(_ANSWER)
        await writer.drain()
    writer.close()

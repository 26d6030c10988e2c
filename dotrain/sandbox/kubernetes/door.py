"""What clients of a cluster's API connect to: its control plane firewall, and then the API."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dotrain.sandbox.answers import Doc

_CHUNK = 1 << 16


class Door:
    """A port that hands on connections of those whom the firewall lets in.

    Parameters
    ----------
    firewall : callable
        Returns the cluster's control plane firewall as it is now.
    behind : callable
        Returns the port of the API, None while it is not there.
    address : callable
        Returns where a connection comes from, given its address on this
        machine: a sandbox has no Internet, so 127.0.0.1 stands for an address there.
    """

    def __init__(
        self,
        firewall: Callable[[], Doc],
        behind: Callable[[], int | None],
        address: Callable[[str], str],
    ) -> None:
        self._firewall = firewall
        self._behind = behind
        self._address = address
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self, port: int) -> int:
        """Listen on `port`, or on another one when somebody has that; return which."""
        try:
            self._server = await asyncio.start_server(self._enter, "127.0.0.1", port)
        except OSError:
            self._server = await asyncio.start_server(self._enter, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """Listen no more, and cut what is open."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self._behind()
        # None of somebody who has gone already.
        peer = writer.get_extra_info("peername")
        if port is None or peer is None or not admits(self._firewall(), self._address(peer[0])):
            # As a firewall does: not a word.
            writer.transport.abort()
            return
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, inner_writer)
        self._open.update(both)
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        except OSError:
            # One side went without a word, which is what the other one gets too.
            for one in both:
                one.transport.abort()
        finally:
            self._open.difference_update(both)
            for one in both:
                one.close()


def admits(firewall: Doc, source: str) -> bool:
    """Return whether a control plane firewall lets an IPv4 address in."""
    if not firewall["enabled"]:
        return True
    address = ipaddress.ip_address(source)
    return any(
        address in ipaddress.ip_network(one, strict=False) for one in firewall["allowed_addresses"]
    )


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what one side says until it ends, and then its end; the other may go on."""
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()

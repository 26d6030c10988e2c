"""The sandbox behind HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from dotrain.sandbox.answers import Answer, Ending
from dotrain.sandbox.core import Request, Sandbox

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(H11Protocol):
    """HTTP over connections that can be reset, which ASGI has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take in a connection."""
        super().connection_made(transport)
        _transports[transport.get_extra_info("peername")] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        _transports.pop(self.transport.get_extra_info("peername"), None)
        super().connection_lost(exc)


def application(sandbox: Sandbox) -> ASGIApp:
    """Return the sandbox as an ASGI application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        incoming = HttpRequest(scope, receive)
        try:
            body = await incoming.body()
        except ClientDisconnect:
            # Whoever does not send all of a request has not made one.
            return
        request = Request(
            method=incoming.method,
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=incoming.headers,
            body=body,
        )
        # Answered on the event loop: a few milliseconds, and nothing interleaves.
        answer = sandbox.answer(request)
        await asyncio.sleep(answer.delay)
        if answer.ending is Ending.RESET:
            _reset(_transports[scope["client"]])
        if answer.ending in (Ending.RESET, Ending.SILENCE):
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await _response(answer)(scope, receive, send)

    return app


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection without a farewell: TCP's RST, and no FIN."""
    at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()


def _response(answer: Answer) -> Response:
    content, kind = b"", None
    if answer.text is not None:
        content, kind = answer.text.encode(), "application/yaml"
    elif answer.body is not None:
        content, kind = json.dumps(answer.body).encode("ascii"), "application/json"
    if answer.ending is Ending.CUT:
        content = content[: len(content) // 2]
    return Response(content, answer.status, answer.headers, kind)

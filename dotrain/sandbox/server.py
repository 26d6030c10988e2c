"""The sandbox behind HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from dotrain.sandbox.core import Request, Sandbox

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from dotrain.sandbox.answers import Answer


def application(sandbox: Sandbox) -> ASGIApp:
    """Return the sandbox as an ASGI application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        incoming = HttpRequest(scope, receive)
        request = Request(
            method=incoming.method,
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=incoming.headers,
            body=await incoming.body(),
        )
        # Answered on the event loop: a few milliseconds, and nothing interleaves.
        await _response(sandbox.answer(request))(scope, receive, send)

    return app


def _response(answer: Answer) -> Response:
    content, kind = b"", None
    if answer.text is not None:
        content, kind = answer.text.encode(), "application/yaml"
    elif answer.body is not None:
        content, kind = json.dumps(answer.body).encode("ascii"), "application/json"
    return Response(content, answer.status, answer.headers, kind)

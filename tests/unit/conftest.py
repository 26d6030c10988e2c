"""An environment of its own, and HTTP servers that answer what a test tells them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from dotrain import config, target
from dotrain.widgets.kit import presence

if TYPE_CHECKING:
    from tests.unit.forms import Bench

ROOT = Path(__file__).parents[2]
# A machine that does something else meanwhile is no reason to fail.
settings.register_profile("unit", deadline=None, max_examples=40)
settings.load_profile("unit")
_OURS = ("DOTRAIN_", "DIGITALOCEAN_")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path) -> None:
    """A data directory that does not exist yet, no account, no proxy, somebody at the notebook."""
    for name in list(os.environ):
        if (
            name.startswith(_OURS)
            or name.lower().endswith("_proxy")
            or name in config._HOSTED
            or name in ("SSL_CERT_FILE", "SSL_CERT_DIR")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / "home"))
    # Tests before this one may have taken longer than anybody is taken to be there.
    monkeypatch.setattr(presence._Signs, "at", time.monotonic())
    monkeypatch.setattr(target._Choice, "kind", None)
    monkeypatch.setattr(target._Choice, "sandbox_address", target.SANDBOX_ADDRESS)


@dataclass(frozen=True)
class Answer:
    """What a server says; `length` overrides the Content-Length it claims."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    authorization: str | None
    body: bytes = b""


@dataclass
class Server:
    """A real server on a port of its own: `answer` decides, `requests` remembers."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Answer] = lambda _: Answer()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    scripted: Server

    def _respond(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(self.command, self.path, self.headers.get("authorization"), sent)
        self.scripted.requests.append(request)
        answer = self.scripted.answer(request)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = answer.length is not None

    do_GET = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        pass


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hangs up is part of some tests


@contextmanager
def _serving(tls: SSLContext | None) -> Iterator[Server]:
    server = Server("")
    handler = type("Handler", (_Handler,), {"scripted": server})
    http = _QuietServer(("127.0.0.1", 0), handler)
    if tls:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers that stop when the test ends."""
    with ExitStack() as running:
        yield lambda tls=None: running.enter_context(_serving(tls))


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run code in a Python of its own."""

    def run(code: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            **{"stdin": subprocess.DEVNULL, **options},
        )

    return run


@pytest.fixture
def bench(monkeypatch) -> Bench:
    """A bench for forms: an account in memory, and what is asked of it."""
    from tests.unit.forms import Bench

    monkeypatch.setenv("DOTRAIN_ME", "ada@lab")
    return Bench(monkeypatch)

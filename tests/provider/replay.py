"""A server that plays a recording back: per method and path, its answers in their order.

The last answer of a method and path repeats, since polls may. Requests are noted; those under
``/__sandbox__/`` are not.
"""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MARKER = {"dotrain_sandbox": 1}
NEVER = "2999-01-01T00:00:00Z"


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    request: object = None
    status: int = 200
    response: object = None
    headers: dict = field(default_factory=dict)


@dataclass
class Replay:
    """What is answered, what was asked, and where."""

    url: str = ""
    marker: object = field(default_factory=lambda: dict(MARKER))
    answers: dict = field(default_factory=lambda: defaultdict(list))
    requests: list = field(default_factory=list)
    authorizations: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, exchanges):
        """Play these from now on, and forget what was asked."""
        with self.lock:
            self.answers.clear()
            self.requests.clear()
            for exchange in exchanges:
                self.answers[exchange.method, exchange.path].append(exchange)

    def answer(self, method, path, body, authorization):
        with self.lock:
            self.authorizations.append(authorization)
            if path == "/__sandbox__/":
                return Exchange(method, path, status=200, response=self.marker)
            self.requests.append(Exchange(method, path, body))
            queue = self.answers.get((method, path))
            if not queue:
                missing = {"id": "not_found", "message": f"no recording of {method} {path}"}
                return Exchange(method, path, status=404, response=missing)
            return queue.pop(0) if len(queue) > 1 else queue[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    replay: Replay

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        found = self.replay.answer(self.command, self.path, body, self.headers.get("Authorization"))
        payload = b"" if found.response is None else json.dumps(found.response).encode()
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if found.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names that http.server looks up

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def serve(replay):
    """Start answering; call the returned function to stop."""
    handler = type("Handler", (_Handler,), {"replay": replay})
    server = _Server(("127.0.0.1", 0), handler)
    replay.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()

    def stop():
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def recorded(path):
    """Return a recording's exchanges by step, credentials made to last.

    The official provider fetches credentials again once they have expired. Those of the recording
    have, or will; their expiry is moved so that the recording stays true.
    """
    steps = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "step" in entry:
            current = steps.setdefault(entry["step"], [])
            continue
        response = entry["response"]
        if isinstance(response, dict) and "expires_at" in response:
            response["expires_at"] = NEVER
        current.append(
            Exchange(entry["method"], entry["path"], entry["request"], entry["status"], response)
        )
    return steps

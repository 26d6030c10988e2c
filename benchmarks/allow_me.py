"""Measure how soon a new address is in force, beside the API calls that this takes.

The sandbox answers within milliseconds, so a proxy in front of it holds every
answer back for a while, and notes when each request came and when its answer
left. Counted is from the call of `allow_me` until the last of the three
firewalls (nodes, control plane, database) has answered; that Pulumi records it
afterwards is in the last column only. The calls go out together, so their time
is from the first request's arrival to the last answer, not their sum.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

ROUNDS = 7
LATENCIES = (0.0, 0.02, 0.05, 0.1, 0.2)
LAYERS = 3


@dataclass(frozen=True)
class Call:
    """One request, as the proxy saw it."""

    method: str
    came: float
    left: float


class Proxy(ThreadingHTTPServer):
    """Hands requests on to the sandbox, and answers `latency` seconds later."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.latency = 0.0
        self.calls: list[Call] = []
        self.sandbox = httpx.Client(base_url=url)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def _hand_on(self) -> None:
        came = time.perf_counter()
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kept = {
            name: value
            for name, value in self.headers.items()
            if name.lower() in ("authorization", "content-type")
        }
        answer = self.server.sandbox.request(self.command, self.path, content=body, headers=kept)
        time.sleep(self.server.latency)
        # Noted before it is sent: the client may be done before this thread goes on.
        self.server.calls.append(Call(self.command, came, time.perf_counter()))
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers.get("content-type", "application/json"))
        if answer.status_code != httpx.codes.NO_CONTENT:
            self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_PUT = do_POST = do_DELETE = _hand_on  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    """Move to and fro at each latency, and print the table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"DOTRAIN_HOME": home, "DOTRAIN_SANDBOX_DELAY": "0"}
        import dotrain
        from dotrain import target

        dotrain.use_sandbox()
        dotrain.up("bench", database=dotrain.Database("pg"))
        proxy = Proxy(target.current().url)
        try:
            print("| latency of a call: s | in force: s | its API calls: s | ratio | recorded: s |")
            print("|---|---|---|---|---|")
            for latency in LATENCIES:
                proxy.latency = latency
                rows = [move(proxy, f"198.51.100.{number + 1}") for number in range(ROUNDS)]
                force, calls, recorded = (
                    statistics.median(column) for column in zip(*rows, strict=True)
                )
                ratio = statistics.median(row[0] / row[1] for row in rows)
                cells = f"{force:.3f} | {calls:.3f} | {ratio:.2f} | {recorded:.2f}"
                print(f"| {latency:g} | {cells} |", flush=True)
        finally:
            target.stop_sandbox()


def move(proxy: Proxy, address: str) -> tuple[float, float, float]:
    """Move to `address`; return the seconds until it is in force, of the calls, and of it all."""
    import dotrain
    from dotrain import target

    dotrain.use_sandbox(address=address)
    cluster = dotrain.Cluster("bench", replace(target.current(), url=proxy.url))
    proxy.calls.clear()
    begun = time.perf_counter()
    cluster.allow_me()
    ended = time.perf_counter()
    direct = [call for call in proxy.calls if call.method == "PUT"][:LAYERS]
    in_force = max(call.left for call in direct)
    return in_force - begun, in_force - min(call.came for call in direct), ended - begun


if __name__ == "__main__":
    main()

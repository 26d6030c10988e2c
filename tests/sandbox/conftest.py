import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from . import coverage, openapi

ROOT = Path(__file__).parents[2]
DELAY = 0.4


class Server:
    """A sandbox server in a process of its own."""

    def __init__(self, data, delay=DELAY):
        self.data = data
        self.delay = delay
        self.start()

    def start(self, *options):
        command = [sys.executable, "-m", "dotrain.sandbox", "serve", "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, "--delay", str(self.delay), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.line = self.process.stdout.readline().strip()
        self.card = json.loads((self.data / "sandbox.json").read_text())
        self.url = self.card["url"]
        self.client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.card['token']}"},
            event_hooks={"response": [_check_shape]},
        )

    def stop(self, number=signal.SIGTERM):
        answered = self.get("/__sandbox__/requests")["requests"]
        self.client.close()
        self.process.send_signal(number)
        self.process.wait(10)
        self.process.stdout.close()
        coverage.note(answered)

    def __call__(self, method, path, body=None, status=None):
        """Send a request under /v2 and return the answer's JSON."""
        answer = self.client.request(method, path, json=body)
        if status is not None:
            assert answer.status_code == status, f"{method} {path}: {answer.text[:500]}"
        return answer.json() if answer.content else None

    def get(self, path, status=200):
        return self("GET", path, status=status)

    def until(self, path, wanted, seconds=5):
        """Ask until the answer is as wanted."""
        end = time.monotonic() + seconds
        while True:
            answer = self.client.get(path)
            if wanted(answer):
                return answer.json()
            assert time.monotonic() < end, f"GET {path}: {answer.text[:500]}"
            time.sleep(0.03)

    def until_gone(self, path):
        return self.until(path, lambda answer: answer.status_code == 404)

    def cluster(self, name, **fields):
        body = {"name": name, "region": "nyc3", "version": "1.34.1-do.0", **fields}
        body.setdefault("node_pools", [{"name": "default", "size": "s-1vcpu-2gb", "count": 1}])
        made = self("POST", "/v2/kubernetes/clusters", body, 201)
        return made["kubernetes_cluster"]

    def running_cluster(self, name, **fields):
        path = f"/v2/kubernetes/clusters/{self.cluster(name, **fields)['id']}"
        return self.until(path, lambda answer: state(answer) == "running")["kubernetes_cluster"]


def state(answer):
    return answer.json()["kubernetes_cluster"]["status"]["state"]


def _check_shape(response):
    request = response.request
    if not request.url.path.startswith("/v2/"):
        return
    response.read()
    is_json = response.headers.get("content-type") == "application/json"
    body = response.json() if is_json else None
    openapi.check(request.method, request.url.path, response.status_code, body)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("sandbox") / "data")
    yield running
    running.stop()


@pytest.fixture
def fresh(server):
    """The module's server with nothing in it."""
    server("POST", "/__sandbox__/reset", status=204)
    server("POST", "/__sandbox__/settings", {"delay": DELAY, "rate_limit": False}, 200)
    return server


FIREWALL = {
    "name": "fw",
    "inbound_rules": [
        {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["203.0.113.7/32"]}}
    ],
    "outbound_rules": [
        {"protocol": "tcp", "ports": "all", "destinations": {"addresses": ["0.0.0.0/0", "::/0"]}}
    ],
    "droplet_ids": None,
    "tags": None,
}
DATABASE = {
    "name": "data-base",
    "engine": "pg",
    "version": "16",
    "size": "db-s-1vcpu-1gb",
    "region": "nyc3",
    "num_nodes": 1,
}
BALANCER = {
    "name": "lb",
    "region": "nyc3",
    "forwarding_rules": [
        {
            "entry_protocol": "tcp",
            "entry_port": 80,
            "target_protocol": "tcp",
            "target_port": 30080,
        }
    ],
}

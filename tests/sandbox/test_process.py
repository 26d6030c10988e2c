"""The server as a process: its card, its lock, its end, what it keeps."""

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .conftest import FIREWALL, ROOT, Server

pytestmark = pytest.mark.long(20)


@pytest.fixture
def own(tmp_path):
    running = Server(tmp_path / "data", delay=0)
    yield running
    if running.process.poll() is None:
        running.stop()


def serve(data, *options):
    command = [sys.executable, "-m", "dotrain.sandbox", "serve", "--data", str(data), *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )


def test_the_card_says_where_it_is(own):
    assert own.line == own.url
    assert own.url.startswith("http://127.0.0.1:")
    assert own.card["pid"] == own.process.pid
    assert own.card["token"].startswith("sandbox_")
    assert len(own.card["token"]) == len("sandbox_") + 32


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_and_takes_its_card_away(own, number):
    own.get("/v2/account")
    own.stop(number)
    assert own.process.returncode == 0
    assert not (own.data / "sandbox.json").exists()


def test_a_second_server_of_one_directory_gives_up(own):
    second = serve(own.data)
    assert second.returncode == 3
    assert second.stdout == ""
    (line,) = second.stderr.splitlines()
    assert str(own.process.pid) in line
    own.get("/v2/account")


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        failed = serve(tmp_path / "data", "--port", str(other.getsockname()[1]))
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1
    assert not (tmp_path / "data" / "sandbox.json").exists()


def test_what_was_made_outlives_the_process(own):
    cluster = own.cluster("c")
    own("POST", "/v2/firewalls", FIREWALL, 202)
    before, card = own.get("/__sandbox__/objects"), own.card
    own.stop(signal.SIGKILL)
    own.start()
    assert own.get("/__sandbox__/objects") == before
    path = f"/v2/kubernetes/clusters/{cluster['id']}"
    assert own.get(path)["kubernetes_cluster"]["status"]["state"] == "running"
    for kept in ("token", "id", "url"):
        assert own.card[kept] == card[kept]


def test_another_port_when_the_last_one_is_taken(own):
    url = own.url
    own.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", httpx.URL(url).port))
        other.listen()
        own.start()
        assert own.url != url
        own.get("/v2/account")


def test_it_starts_quickly(own):
    own.stop()
    started = time.monotonic()
    own.start()
    # Under a second on a machine with nothing else to do.
    assert time.monotonic() - started < 5


def test_many_at_once_lose_nothing(own):
    own("POST", "/v2/firewalls", FIREWALL, 202)
    firewall = own.get("/v2/firewalls")["firewalls"][0]["id"]

    def work(worker):
        with httpx.Client(base_url=own.url, headers=own.client.headers, timeout=30) as client:
            for index in range(20):
                name = f"w{worker}-{index}"
                assert client.post("/v2/tags", json={"name": name}).status_code == 201
            # Everybody reads, changes and writes the same document too.
            rule = {**FIREWALL["inbound_rules"][0], "ports": str(1000 + worker)}
            added = client.post(f"/v2/firewalls/{firewall}/rules", json={"inbound_rules": [rule]})
            assert added.status_code == 204

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    assert own.get("/v2/tags?per_page=1")["meta"]["total"] == 400
    assert len(own.get(f"/v2/firewalls/{firewall}")["firewall"]["inbound_rules"]) == 21

"""The parts of a control plane, each by itself: its guard, its door, its nodes, its tokens."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys

import psutil
import pytest

from dotrain.sandbox.answers import Call
from dotrain.sandbox.kubernetes import nodes, tokens
from dotrain.sandbox.kubernetes.door import Door
from dotrain.sandbox.store import Store

CLUSTER = {"region": "nyc2", "version": "1.34.1-do.0", "vpc_uuid": "none"}
GUARD = [sys.executable, "-m", "dotrain.sandbox.kubernetes.guard"]


def test_when_the_second_program_does_not_start_the_first_one_ends(tmp_path):
    first = {"etcd": ["sleep", "98765"], "kube-apiserver": ["/nonexistent"]}
    asked = {"directory": str(tmp_path), "first": first, "then": {}}
    with subprocess.Popen(
        GUARD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as guard:
        # The pipe stays open: the sandbox is still there.
        guard.stdin.write(json.dumps(asked).encode() + b"\n")
        guard.stdin.flush()
        assert b"/nonexistent" in guard.stderr.read()
        assert guard.wait(10) == 1
    commands = [one.info["cmdline"] for one in psutil.process_iter(["cmdline"])]
    assert first["etcd"] not in commands


@pytest.fixture
def manifest(tmp_path):
    """Return the Node of a pool of GPUs, with its other fields as given."""
    store = Store(tmp_path / "sandbox.db")

    def make(size, taints=()):
        pool = {"id": "p", "name": "gpu", "size": size, "labels": {}, "taints": list(taints)}
        node = {"id": "n", "name": "gpu-0", "droplet_id": "1", "created": 0}
        return nodes.manifest(store, CLUSTER, pool, node, 1)

    yield make
    store.close()


def test_the_gpus_of_amd_are_a_resource_of_their_own(manifest):
    node = manifest("gpu-mi300x8-1536gb")
    assert node["status"]["capacity"]["amd.com/gpu"] == "8"
    assert "nvidia.com/gpu" not in node["status"]["capacity"]
    assert node["spec"]["taints"] == [{"key": "amd.com/gpu", "effect": "NoSchedule"}]
    assert node["metadata"]["labels"]["doks.digitalocean.com/gpu-brand"] == "amd"


def test_a_node_has_no_two_taints_of_one_key_and_effect(manifest):
    own, other = ({"key": "nvidia.com/gpu", "effect": one} for one in ("NoSchedule", "NoExecute"))
    by_hand = [{**own, "value": "present"}, other, {**other, "value": "x"}]
    taints = manifest("gpu-h100x8-640gb", by_hand)["spec"]["taints"]
    assert sorted((one["key"], one["effect"]) for one in taints) == [
        ("nvidia.com/gpu", "NoExecute"),
        ("nvidia.com/gpu", "NoSchedule"),
    ]


def test_a_node_that_is_as_wanted_is_not_changed(manifest):
    wanted = manifest("gpu-h100x8-640gb")
    there = {**wanted["metadata"], "resourceVersion": "7"}
    assert nodes.change({**wanted, "metadata": there}, wanted) == {}


OPEN = {"enabled": False, "allowed_addresses": []}


def reset_by(port, words):
    """Connect, say something, and go without a good-bye."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(words)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_clients_that_go_without_a_word_leave_no_connection_behind():
    inner = set()

    async def serve(reader, writer):
        inner.add(writer)
        try:
            # An API that streams: it says nothing of its own, and waits for the client's end.
            while await reader.read(100):
                pass
        except OSError:
            pass
        inner.discard(writer)
        writer.close()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        door = Door(lambda: OPEN, lambda: server.sockets[0].getsockname()[1], str)
        port = await door.open(0)
        for number in range(20):
            # Half of them are gone before anybody has looked at them.
            await asyncio.to_thread(reset_by, port, b"GET" if number % 2 else b"")
            await asyncio.sleep(0.01 * (number % 2))
        for _ in range(100):
            if not inner and not door._open:
                break
            await asyncio.sleep(0.02)
        left = len(inner), len(door._open)
        await door.close()
        server.close()
        return left

    assert asyncio.run(run()) == (0, 0)


def test_who_has_said_all_still_hears_the_answer():
    async def serve(reader, writer):
        writer.write(b"heard " + await reader.read())
        writer.close()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        door = Door(lambda: OPEN, lambda: server.sockets[0].getsockname()[1], str)
        reader, writer = await asyncio.open_connection("127.0.0.1", await door.open(0))
        writer.write(b"all")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await door.close()
        server.close()
        return answer

    assert asyncio.run(run()) == b"heard all"


def test_fifty_kubeconfigs_of_a_day_are_all_good(tmp_path):
    store = Store(tmp_path / "sandbox.db")
    store.put("cluster", {**CLUSTER, "id": "c", "tokens": []})
    call = Call(store, 0.0, 0.0)
    issued = [tokens.issue(call, store.get("cluster", "c"), 8 * 3600) for _ in range(50)]
    for token in issued:
        answer = tokens.review(store.get("cluster", "c"), {"spec": {"token": token}}, 3600.0)
        assert answer.body["status"]["authenticated"]
    for _ in range(100):
        tokens.issue(call, store.get("cluster", "c"), 60)
    assert len(store.get("cluster", "c")["tokens"]) == 100
    store.close()

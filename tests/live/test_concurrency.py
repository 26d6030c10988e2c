"""Several operations at once: none disturbs another, and none is shown as another."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dotrain
from tests.crash.kernel import Cell, Kernel
from tests.live.conftest import Sandbox, frozen

pytestmark = pytest.mark.long(80)

NAMES = ("ada", "bert", "cleo", "dora")
SETUP = "import dotrain; sandbox = dotrain.use_sandbox()"
AT_ONCE = f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor({len(NAMES)}) as threads:
    clusters = list(threads.map(dotrain.up, {NAMES!r}))
"""


def asked_for(method: str, sandbox: Sandbox, after: int) -> bool:
    """Return whether a cluster or a pool has been asked for, or changed, since a request."""
    changes = sandbox.changes(after)
    return any(one == method and "/kubernetes/clusters" in path for one, path in changes)


@contextlib.contextmanager
def held(sandbox: Sandbox, first: Kernel, method: str, code: str) -> Iterator[Cell]:
    """Begin a cell in a kernel, and hold its engine while it waits for the sandbox."""
    # Long enough for a machine that does something else meanwhile; nobody waits for all of it.
    sandbox.call("POST", "/__sandbox__/settings", delay=5.0)
    before = sandbox.last_request()
    running = first.begin(code)
    first.until(lambda: asked_for(method, sandbox, before), 60)
    with frozen():
        sandbox.call("POST", "/__sandbox__/settings", delay=0.2)
        yield running


@pytest.fixture
def kernels(sandbox: Sandbox, module_home: Path) -> Iterator[Callable[[], Kernel]]:
    started: list[Kernel] = []

    def start() -> Kernel:
        started.append(Kernel(os.environ))
        assert started[-1].run(SETUP).error == ""
        return started[-1]

    yield start
    for kernel in started:
        kernel.close()


def test_several_clusters_at_once_are_each_whole_and_each_in_a_view_of_its_own(
    sandbox: Sandbox, kernels: Callable[[], Kernel]
) -> None:
    said = kernels().run(AT_ONCE)
    assert said.error == "", said.message
    # Below each is its log.
    tables = [text for text in said.displays.values() if not text.startswith("Log: ")]
    assert len(tables) == len(said.displays) / 2 == len(NAMES)
    for text in tables:
        (shown,) = [name for name in NAMES if f"up {name}" in text]
        assert f"create cluster {shown}" in text
        assert [name for name in NAMES if re.search(rf"\b{name}\b", text)] == [shown]
    for name in NAMES:
        outputs = dotrain.get(name).outputs
        ids = {
            kind: [o["id"] for o in sandbox.objects(kind) if o["name"] in (name, f"dotrain-{name}")]
            for kind in ("clusters", "firewalls", "vpcs")
        }
        assert ids == {
            "clusters": [outputs["k8s_cluster_id"]],
            "firewalls": [outputs["firewall_id"]],
            "vpcs": [outputs["vpc_id"]],
        }
        assert dotrain.get(name).drift().empty


def test_of_two_kernels_on_one_cluster_the_second_waits_and_says_for_whom(
    sandbox: Sandbox, kernels: Callable[[], Kernel]
) -> None:
    first, second = kernels(), kernels()
    with held(sandbox, first, "POST", "dotrain.up('shared');") as running:
        waiting = second.begin("dotrain.up('shared', pool=dotrain.Pool(count=2))")
        second.until(lambda: "Waiting for" in waiting.output.shown, 60)
    said = second.end(waiting)
    assert said.error == "", said.message
    waits = rf"Waiting for 'up shared', which process \d+ of {re.escape(getpass.getuser())}"
    assert re.search(rf"{waits} on {re.escape(socket.gethostname())} began at", said.shown)
    assert first.end(running).error == ""
    assert "Waiting" not in running.output.shown
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "shared"]
    assert [pool["count"] for pool in made["node_pools"]] == [1, 2]
    before = sandbox.last_request()
    dotrain.get("shared").up()
    assert sandbox.changes(before) == []


def test_what_waits_for_others_keeps_what_they_change_meanwhile(
    sandbox: Sandbox, kernels: Callable[[], Kernel]
) -> None:
    cluster = dotrain.up("queue")
    first, second, third = kernels(), kernels(), kernels()
    same = "dotrain.get('queue', wait=False)"
    with held(sandbox, first, "PUT", "dotrain.get('queue').resize(count=2)") as resizing:
        allowing = second.begin(f"{same}.allow('198.51.100.0/24', label='office')")
        opening = third.begin(f"{same}.egress('open')")
        for kernel, cell in ((second, allowing), (third, opening)):
            kernel.until(lambda cell=cell: "Waiting for" in cell.output.shown, 60)
    ended = [third.end(opening), second.end(allowing), first.end(resizing)]
    assert [cell.error for cell in ended] == ["", "", ""]
    assert [pool.count for pool in cluster.spec.pools] == [2]
    assert [grant.source for grant in cluster.spec.allow] == ["me", "198.51.100.0/24"]
    assert cluster.spec.egress == ("open",)
    assert cluster.drift().empty

"""A broken state is mended from its copies, and what made it is never made twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import dotrain
from dotrain import errors
from tests.live.conftest import Sandbox, cut_off, engine

pytestmark = pytest.mark.long(120)

STATES = "sandbox/state/.pulumi"
Pool = dotrain.Pool


def checkpoint(home: Path, name: str) -> Path:
    return home / STATES / "stacks" / "dotrain" / f"{name}.json"


def assert_one_of_each(name: str, sandbox: Sandbox, size: str, count: int) -> None:
    """There is one of each, as the spec says, and a further `up` changes nothing."""
    dotrain.up(name)
    (cluster,) = [one for one in sandbox.objects("clusters") if one["name"] == name]
    assert [(pool["size"], pool["count"]) for pool in cluster["node_pools"][1:]] == [(size, count)]
    for kind in ("firewalls", "vpcs"):
        assert len([one for one in sandbox.objects(kind) if one["name"] == f"dotrain-{name}"]) == 1
    before = sandbox.last_request()
    dotrain.get(name).up()
    assert sandbox.changes(before) == []


def assert_down_ends_it(name: str, sandbox: Sandbox) -> None:
    """A teardown takes it away."""
    dotrain.down(name, confirm=name)
    assert [one for one in sandbox.objects("clusters") if one["name"] == name] == []


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "garbage": lambda data: os.urandom(len(data)),
    "another JSON": lambda _: b"{}",
    "gone": lambda _: None,
}


def test_a_broken_state_is_restored_and_nothing_is_lost(
    sandbox: Sandbox, module_home: Path
) -> None:
    cluster = dotrain.up("broken")
    path = checkpoint(module_home, "broken")
    cluster.resize(count=2)
    for damage in DAMAGES.values():
        damaged = damage(path.read_bytes())
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        with pytest.warns(errors.StateRestored) as said:
            assert dotrain.get("broken").spec.pools[0].count == 2
        (warning,) = said
        assert "less than a minute ago" in str(warning.message)
        assert "\n" not in str(warning.message)
        kept = sorted(path.parent.glob("broken.json.broken-*"))
        if damaged is None:
            assert "kept" not in str(warning.message)
        else:
            assert kept[-1].read_bytes() == damaged
            assert str(kept[-1]) in str(warning.message)
    # The operation says it, too: a warning in another process would be lost.
    cluster.resize(count=3)
    operation = cluster.operation
    assert operation is not None
    assert any("was restored from" in note for note in operation.progress.notes)
    cluster.resize(count=1)
    assert not any("restored" in note for note in cluster.operation.progress.notes)
    assert_one_of_each("broken", sandbox, "s-2vcpu-4gb", 1)
    assert_down_ends_it("broken", sandbox)


def test_what_an_older_copy_does_not_know_is_taken_in(sandbox: Sandbox, module_home: Path) -> None:
    cluster = dotrain.up("older")
    old = checkpoint(module_home, "older").read_bytes()
    cluster.resize(size="s-4vcpu-8gb", count=2)
    for path in (module_home / STATES).rglob("older*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:100])
    checkpoint(module_home, "older").with_name("older.json.bak").write_bytes(old)
    with pytest.warns(errors.StateRestored, match=r"older\.json\.bak"):
        assert dotrain.get("older").spec.pools[0].size == "s-2vcpu-4gb"
    cluster.resize(size="s-4vcpu-8gb", count=2)
    assert_one_of_each("older", sandbox, "s-4vcpu-8gb", 2)
    assert_down_ends_it("older", sandbox)


def begin(code: str) -> subprocess.Popen[bytes]:
    """Run dotrain in a process of its own."""
    code = f"import dotrain; dotrain.use_sandbox(); {code}"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_disk_that_is_full_for_a_while_costs_nothing_but_time(
    sandbox: Sandbox, module_home: Path
) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=1.0)
    path = checkpoint(module_home, "filled")
    before = sandbox.last_request()
    process = begin("dotrain.up('filled')")
    wait_until(lambda: ("POST", "/v2/kubernetes/clusters") in sandbox.changes(before))
    # No file of the engine's grows beyond this now: the rest of each does not fit.
    works = engine()
    works.rlimit(psutil.RLIMIT_FSIZE, (1000, psutil.RLIM_INFINITY))
    wait_until(lambda: path.stat().st_size == 1000)
    works.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()
    assert_one_of_each("filled", sandbox, "s-2vcpu-4gb", 1)


@pytest.mark.slow
def test_a_state_that_a_full_disk_cut_off_is_restored_and_completed(
    sandbox: Sandbox, module_home: Path
) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=1.0)
    path = checkpoint(module_home, "crashed")
    before = sandbox.last_request()
    process = begin("dotrain.up('crashed')")
    wait_until(lambda: ("POST", "/v2/kubernetes/clusters") in sandbox.changes(before))
    engine().rlimit(psutil.RLIMIT_FSIZE, (1000, psutil.RLIM_INFINITY))
    wait_until(lambda: path.stat().st_size == 1000)
    cut_off(process.pid)
    process.communicate(timeout=60)
    sandbox.call("POST", "/__sandbox__/settings", delay=0.2)
    with pytest.warns(errors.StateRestored, match=r"crashed\.json\.bak"):
        dotrain.up("crashed")
    assert_one_of_each("crashed", sandbox, "s-2vcpu-4gb", 1)
    assert_down_ends_it("crashed", sandbox)


def test_a_state_without_a_readable_copy_is_said_so_and_left_alone(
    sandbox: Sandbox, module_home: Path
) -> None:
    dotrain.up("lost")
    files = [path for path in (module_home / STATES).rglob("lost*") if path.is_file()]
    for path in files:
        path.write_bytes(b"lost")
    before = sandbox.last_request()
    with pytest.raises(errors.StateCorrupt, match="No copy of it can be read") as caught:
        dotrain.up("lost")
    assert "\n" not in str(caught.value)
    assert {path.read_bytes() for path in files} == {b"lost"}
    assert sandbox.changes(before) == []
    for path in files:
        path.unlink()
    dotrain.up("lost")
    assert_one_of_each("lost", sandbox, "s-2vcpu-4gb", 1)


def test_nothing_is_restored_while_an_operation_may_be_writing(
    sandbox: Sandbox, module_home: Path
) -> None:
    dotrain.up("written")
    path = checkpoint(module_home, "written")
    path.write_bytes(b"{")
    locks = module_home / STATES / "locks/organization/dotrain/written"
    locks.mkdir(parents=True, exist_ok=True)
    lock = locks / "11111111-1111-1111-1111-111111111111.json"
    us = psutil.Process()
    holder = {"pid": us.pid, "username": us.username(), "hostname": os.uname().nodename}
    lock.write_text(json.dumps(holder))
    with pytest.raises(errors.StackLocked, match=f"process {us.pid}"):
        dotrain.get("written")
    assert path.read_bytes() == b"{"
    lock.unlink()
    with pytest.warns(errors.StateRestored):
        dotrain.get("written")


def test_a_state_of_a_newer_version_is_left_alone(sandbox: Sandbox, module_home: Path) -> None:
    dotrain.up("newer")
    path = checkpoint(module_home, "newer")
    right = path.read_bytes()
    document = json.loads(right)
    document["version"] = 5
    newer_record = right.replace(rb"\"version\": 1}", rb"\"version\": 2}")
    new_field = right.replace(rb"{\"resolved\": {", rb"{\"resolved\": {\"gpus\": 1, ")
    before = sandbox.last_request()
    for data in (json.dumps(document).encode(), newer_record, new_field):
        assert data != right
        path.write_bytes(data)
        for call in (dotrain.up, dotrain.get, lambda name: dotrain.down(name, confirm=name)):
            with pytest.raises(errors.StateTooNew, match="pip install --upgrade dotrain") as caught:
                call("newer")
            assert "\n" not in str(caught.value)
        assert path.read_bytes() == data
    assert sandbox.changes(before) == []
    path.write_bytes(right)


def test_operations_leave_few_files_and_a_teardown_none(
    sandbox: Sandbox, module_home: Path
) -> None:
    def left() -> set[Path]:
        files = {path for path in module_home.rglob("*") if path.is_file()}
        return {path for path in files if "server" not in path.parts}

    before = left()
    cluster = dotrain.up("pruned")
    path = checkpoint(module_home, "pruned")
    path.write_bytes(b"")
    with pytest.warns(errors.StateRestored):
        dotrain.get("pruned")
    for count in (2, 3):
        cluster.resize(count=count)
    cluster.plan()
    grown = left() - before
    # Four operations leave a history each, the state two copies; the rest is one of a kind.
    of_stack = {path for path in grown if "pruned" in str(path)}
    assert len(of_stack) <= 20, sorted(of_stack)
    assert sum(one.stat().st_size for one in grown) <= 2_000_000
    # Of what is kept, the newest copy is as good as the state.
    path.write_bytes(b"")
    with pytest.warns(errors.StateRestored, match="less than a minute"):
        assert dotrain.get("pruned").spec.pools[0].count == 3
    dotrain.down("pruned", confirm="pruned")
    stays = {one.relative_to(module_home) for one in left() - before}
    own = Path("sandbox/stacks/pruned")
    assert {one for one in stays if "pruned" in str(one) and own not in one.parents} <= {
        one for one in stays if one.parent == Path("pulumi/logs")
    }
    with pytest.raises(errors.ClusterNotFound):
        dotrain.get("pruned")


def test_clusters_reads_fifty_stacks_without_an_engine(
    sandbox: Sandbox, module_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotrain.up("template")
    others = len(dotrain.clusters())
    state = checkpoint(module_home, "template").read_bytes()
    copies = [checkpoint(module_home, f"copy-{number}") for number in range(50)]
    for path in copies:
        path.write_bytes(state.replace(b"template", path.stem.encode()))
    monkeypatch.setenv("DOTRAIN_PULUMI", str(module_home / "no-such-engine"))

    def seconds() -> float:
        began = time.perf_counter()
        assert len(dotrain.clusters()) == others + 50
        return time.perf_counter() - began

    before = sandbox.last_request()
    # The best of four: the first one imports pandas, and others use this machine, too.
    assert min(seconds() for _ in range(4)) < 0.5
    assert len(sandbox.requests(before)) == 4
    monkeypatch.undo()
    for path in copies:
        path.unlink()

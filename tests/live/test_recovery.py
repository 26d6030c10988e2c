"""What happens when an operation is cut off: nothing is lost, and the next call finishes it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import dotrain
from dotrain import applying, errors, target
from dotrain.engine.progress import Progress
from dotrain.turn import Turn
from scripts import notebooks
from tests.live.conftest import Sandbox, cut_off, processes

pytestmark = pytest.mark.long(180)

UP = "import dotrain; dotrain.use_sandbox(); dotrain.up({name!r})"


@pytest.fixture(autouse=True)
def quick(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=0.2)


@pytest.fixture(scope="module")
def steady(sandbox: Sandbox) -> dotrain.Cluster:
    """A cluster that stays whole whatever these tests do to it."""
    return dotrain.up("steady")


def start_up(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", UP.format(name=name)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def wait_for(sandbox: Sandbox, method: str, path: str, after: int) -> None:
    deadline = time.monotonic() + 60
    while (method, path) not in [(r["method"], r["path"]) for r in sandbox.requests(after)]:
        assert time.monotonic() < deadline, f"{method} {path} was never asked"
        time.sleep(0.02)


def assert_whole(name: str, sandbox: Sandbox) -> None:
    """There is one of each, the state knows it, and a further `up` has nothing to do."""
    assert len([one for one in sandbox.objects("clusters") if one["name"] == name]) == 1
    ours = [one for one in sandbox.objects("firewalls") if one["name"] == f"dotrain-{name}"]
    assert len(ours) == 1
    before = sandbox.last_request()
    dotrain.up(name)
    assert sandbox.changes(before) == []


def assert_complete(name: str, sandbox: Sandbox) -> None:
    """It is whole, and a teardown leaves nothing of it."""
    assert_whole(name, sandbox)
    dotrain.down(name, confirm=name)
    assert [one for one in sandbox.objects("clusters") if one["name"] == name] == []


def forget(name: str, home: Path) -> None:
    """Remove the state of a stack, with all its copies."""
    for path in (home / "sandbox" / "state").rglob(f"{name}[.-]*"):
        path.unlink()


def test_down_removes_what_no_state_knows(sandbox: Sandbox, module_home: Path) -> None:
    dotrain.up("stateless")
    forget("stateless", module_home)
    proof = dotrain.down("stateless", confirm="stateless").set_index("kind")
    assert proof.found["cluster"] == 1
    assert [one for one in sandbox.objects("clusters") if one["name"] == "stateless"] == []


def test_the_lock_of_another_machine_is_respected(
    steady: dotrain.Cluster, sandbox: Sandbox, module_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_PATIENCE", "1")
    locks = module_home / "sandbox/state/.pulumi/locks/organization/dotrain/steady"
    locks.mkdir(parents=True, exist_ok=True)
    lock = locks / "11111111-1111-1111-1111-111111111111.json"
    lock.write_text(
        json.dumps(
            {
                "pid": 1,
                "username": "ada",
                "hostname": "elsewhere",
                "timestamp": "2026-11-24T09:00:00Z",
            }
        )
    )
    with pytest.raises(errors.StackLocked, match="process 1 of ada on elsewhere"):
        steady.resize(count=2)
    data = json.loads(lock.read_text())
    lock.write_text(json.dumps({**data, "pid": _dead_pid(), "hostname": socket.gethostname()}))
    steady.resize(count=2)
    assert_whole("steady", sandbox)


def test_what_a_killed_engine_left_half_written_blocks_nothing(
    steady: dotrain.Cluster, sandbox: Sandbox, module_home: Path
) -> None:
    pulumi = module_home / "sandbox" / "state" / ".pulumi"
    written = "11111111-1111-1111-1111-111111111111.json.18eb059567445c8f.tmp"
    lock = pulumi / "locks/organization/dotrain/steady" / written
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text('{"pid": 1, "user')
    (pulumi / "stacks/dotrain/steady.json.18eb059567445c8f.tmp").write_text("{")
    (pulumi / "stacks/dotrain/steady.json.attrs").write_text("")
    steady.resize(count=3)
    assert list(pulumi.rglob("*.tmp")) == []
    assert_whole("steady", sandbox)


def _dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_wrong_passphrase_is_said_so_and_loses_nothing(
    steady: dotrain.Cluster, sandbox: Sandbox, module_home: Path
) -> None:
    path = module_home / "sandbox" / "passphrase"
    right = path.read_text()
    path.write_text("wrong")
    with pytest.raises(errors.WrongPassphrase, match="passphrase") as caught:
        steady.resize(count=4)
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(errors.WrongPassphrase, match="gone"):
        steady.resize(count=4)
    path.write_text(right)
    steady.resize(count=4)
    assert_whole("steady", sandbox)


def test_what_others_opened_is_closed_by_the_clusters_own_up(
    steady: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "steady"]
    open_ = {"enabled": False, "allowed_addresses": []}
    path = f"/v2/kubernetes/clusters/{made['id']}"
    sandbox.call("PUT", path, name="steady", control_plane_firewall=open_)
    assert "0.0.0.0/0" in set(steady.rules().peer[steady.rules().layer == "control-plane"])
    steady.up()
    rules = steady.rules()
    assert set(rules[rules.layer == "control-plane"].peer) == {"203.0.113.7/32"}
    sandbox.call("DELETE", path)
    time.sleep(0.5)
    steady.up()
    assert_whole("steady", sandbox)


def test_what_digitalocean_refuses_is_said_without_pulumis_words(
    steady: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (pool,) = [
        (one["id"], one["node_pools"][1]["id"])
        for one in sandbox.objects("clusters")
        if one["name"] == "steady"
    ]
    sandbox.call("DELETE", f"/v2/kubernetes/clusters/{pool[0]}/node_pools/{pool[1]}")
    time.sleep(0.5)
    with pytest.raises(errors.OperationFailed) as caught:
        steady.resize(count=2)
    said = str(caught.value)
    assert "pool-train" in said
    assert "Traceback" not in said
    assert "\n" not in said
    assert "run the same call again" in said
    dotrain.down("steady", confirm="steady")
    assert [one for one in sandbox.objects("clusters") if one["name"] == "steady"] == []


def test_what_is_adopted_is_brought_to_a_spec_that_changed_meanwhile(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=1.0)
    before = sandbox.last_request()
    process = start_up("adopted")
    wait_for(sandbox, "POST", "/v2/kubernetes/clusters", before)
    cut_off(process.pid)
    said = process.communicate(timeout=60)[1].decode()
    assert "OperationFailed: up adopted was cut off." in said
    cluster = dotrain.up("adopted", allow="198.51.100.0/24", force=True)
    assert cluster.operation is not None
    assert any("Took over from 'up adopted'" in note for note in cluster.operation.progress.notes)
    assert processes(leading=False) == []
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "adopted"]
    assert made["control_plane_firewall"]["allowed_addresses"] == ["198.51.100.0/24"]
    assert_complete("adopted", sandbox)


def test_a_pool_that_no_state_knows_is_adopted(sandbox: Sandbox) -> None:
    cluster = dotrain.up("pooled")
    sandbox.call("POST", "/__sandbox__/settings", delay=1.0)
    before = sandbox.last_request()
    code = "import dotrain; dotrain.use_sandbox(); dotrain.get('pooled').resize(size='s-4vcpu-8gb')"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "pooled"]
    wait_for(sandbox, "POST", f"/v2/kubernetes/clusters/{made['id']}/node_pools", before)
    cut_off(process.pid)
    process.communicate(timeout=60)
    cluster.resize(size="s-4vcpu-8gb", count=2)
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "pooled"]
    assert [(pool["size"], pool["count"]) for pool in made["node_pools"][1:]] == [
        ("s-4vcpu-8gb", 2)
    ]
    assert_complete("pooled", sandbox)


@pytest.mark.slow
def test_a_pool_that_no_state_knows_and_nobody_wants_any_more_leaves_like_any_other(
    sandbox: Sandbox, module_home: Path
) -> None:
    cluster = dotrain.up("unwanted")
    sandbox.call("POST", "/__sandbox__/settings", delay=1.0)
    before = sandbox.last_request()
    code = (
        "import dotrain; dotrain.use_sandbox(); dotrain.get('unwanted').resize(size='s-8vcpu-16gb')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "unwanted"]
    wait_for(sandbox, "POST", f"/v2/kubernetes/clusters/{made['id']}/node_pools", before)
    cut_off(process.pid)
    process.communicate(timeout=60)
    cluster.resize(size="s-2vcpu-4gb")
    assert cluster.operation is not None
    # What runs on it would have been moved.
    drained = "Nothing runs on train-s-8vcpu-16gb (nodes: 1)"
    assert any(note.startswith(drained) for note in cluster.operation.progress.notes)
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "unwanted"]
    kept = [
        pool["size"]
        for pool in made["node_pools"]
        if pool["nodes"][0]["status"]["state"] != "deleting"
    ]
    assert kept == ["s-1vcpu-2gb", "s-2vcpu-4gb"]
    state = module_home / "sandbox/state/.pulumi/stacks/dotrain/unwanted.json"
    assert "pending_operations" not in json.loads(state.read_text())["checkpoint"]["latest"]
    assert_complete("unwanted", sandbox)


def test_down_deletes_a_cluster_that_no_state_knows_before_its_firewall(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/__sandbox__/settings", delay=1.0)
    before = sandbox.last_request()
    process = start_up("half-made")
    wait_for(sandbox, "POST", "/v2/kubernetes/clusters", before)
    cut_off(process.pid)
    process.communicate(timeout=60)
    dotrain.down("half-made", confirm="half-made")
    deleted = [path for method, path in sandbox.changes(before) if method == "DELETE"]
    kinds = [path.split("/")[2] for path in deleted]
    assert kinds.index("kubernetes") < kinds.index("firewalls")
    assert "half-made" not in str(sandbox.call("GET", "/__sandbox__/objects"))


def test_a_cluster_that_is_not_remembered_is_never_replaced_by_adopting_it(
    sandbox: Sandbox, module_home: Path
) -> None:
    pools = [dotrain.Pool(name="gpu", count=2), dotrain.Pool(name="cpu")]
    dotrain.up("forgotten", region="sfo3", pools=pools)
    forget("forgotten", module_home)
    before = sandbox.last_request()
    with pytest.raises(errors.ReplacementRefused, match="sfo3 and not in nyc3"):
        dotrain.up("forgotten")
    with pytest.raises(errors.ReplacementRefused, match="pools cpu-s-2vcpu-4gb"):
        dotrain.up("forgotten", region="sfo3")
    assert sandbox.changes(before) == []
    dotrain.up("forgotten", region="sfo3", pools=pools)
    assert_complete("forgotten", sandbox)


def test_the_engine_itself_refuses_to_replace_a_cluster(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = dotrain.up("guarded")
    unseen = lambda *given, **_: (None, given[-1])  # noqa: E731 - what lets everything pass
    monkeypatch.setattr("dotrain.guard.check", unseen)
    before = sandbox.last_request()
    turn = Turn(target.current(), "guarded", Progress("up guarded"), "")
    moved = replace(cluster.spec, region="ams3")
    with pytest.raises(errors.ReplacementRefused, match="replace='guarded'") as caught:
        applying.apply(turn, moved, applying.Options())
    assert "protect" in str(caught.value.__cause__)
    assert ("POST", "/v2/kubernetes/clusters") not in sandbox.changes(before)
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "guarded"]
    assert made["region"] == "nyc3"


def test_two_first_operations_on_one_name_make_one_cluster(sandbox: Sandbox) -> None:
    processes = [start_up("twice"), start_up("twice")]
    said = [process.communicate(timeout=120)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert_complete("twice", sandbox)


def test_an_error_in_a_cell_is_one_paragraph(sandbox: Sandbox) -> None:
    source = "import dotrain; dotrain.use_sandbox(); dotrain.up('cell', region='nyc33')"
    notebook = notebooks.of(source)
    notebooks.client(notebook, timeout=60, allow_errors=True).execute()
    (error,) = [one for one in notebook.cells[0].outputs if one.output_type == "error"]
    (paragraph,) = error.traceback
    assert paragraph.startswith("UnknownRegion: There is no region 'nyc33'")
    assert "\n" not in paragraph

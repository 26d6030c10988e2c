"""Nodes come, change and go; the cluster stays, and nothing goes before what replaces it runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

import dotrain
from dotrain import account, applying, errors, stack, target, vacating
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.engine.progress import Progress
from dotrain.pools import Pool
from dotrain.turn import Turn
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(120)

CPU = Pool("cpu", count=2, labels={"team": "nlp"}, taints=["team=nlp:NoSchedule"])
GPU = Pool("gpu", size="gpu-h100x1-80gb", min=1, max=4)
POOLS = r"/v2/kubernetes/clusters/[^/]+/node_pools"


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("bert", region="nyc2", pools=[CPU, GPU])


def training(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Return the training pools that are there and stay, by name."""
    (made,) = sandbox.objects("clusters")
    return {
        pool["name"]: pool
        for pool in made["node_pools"][1:]
        if all(node["status"]["state"] != "deleting" for node in pool["nodes"])
    }


def fail(sandbox: Sandbox, method: str, path: str) -> None:
    sandbox.call(
        "POST",
        "/__sandbox__/faults",
        faults=[{"method": method, "path": path, "status": 422}],
    )


def test_pools_are_made_with_their_labels_taints_and_range(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    pools = training(sandbox)
    cpu, gpu = pools["cpu-s-2vcpu-4gb"], pools["gpu-gpu-h100x1-80gb"]
    assert cpu["labels"] == {"dotrain/pool": "cpu", "team": "nlp"}
    assert cpu["taints"] == [{"key": "team", "value": "nlp", "effect": "NoSchedule"}]
    assert (cpu["count"], cpu["auto_scale"]) == (2, False)
    assert (gpu["count"], gpu["auto_scale"]) == (1, True)
    assert (gpu["min_nodes"], gpu["max_nodes"]) == (1, 4)


def test_what_the_autoscaler_has_chosen_stays(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    (made,) = sandbox.objects("clusters")
    gpu = training(sandbox)["gpu-gpu-h100x1-80gb"]
    path = f"/v2/kubernetes/clusters/{made['id']}/node_pools/{gpu['id']}"
    sandbox.call("PUT", path, name=gpu["name"], count=3)
    before = sandbox.last_request()
    cluster.resize(max=6, pool="gpu")
    (sent,) = [one["request"] for one in sandbox.requests(before) if one["method"] == "PUT"]
    assert (sent["count"], sent["min_nodes"], sent["max_nodes"]) == (3, 1, 6)
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.changes(before) == []
    assert "3/3 (1-6) gpu-h100x1-80gb" in repr(cluster)


def test_a_new_pool_that_cannot_be_made_leaves_the_old_one(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    old = training(sandbox)
    fail(sandbox, "POST", POOLS)
    before = sandbox.last_request()
    with pytest.raises(errors.OperationFailed):
        cluster.resize(size="s-4vcpu-8gb", pool="cpu")
    assert "DELETE" not in [method for method, _ in sandbox.changes(before)]
    assert training(sandbox) == old


def test_a_pool_whose_change_of_size_failed_goes_only_when_it_is_named(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    with pytest.raises(errors.ReplacementRefused, match=r"the pool cpu \(nodes: 2\)"):
        dotrain.up("bert", pools=[GPU], drain=False)
    assert "a pool with what runs on it (pools: without cpu)" in str(cluster.plan(pools=[GPU]))
    assert sandbox.changes(before) == []


def test_an_old_pool_that_cannot_be_deleted_stays_until_the_next_call(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    fail(sandbox, "DELETE", rf"{POOLS}/.*")
    before = sandbox.last_request()
    with pytest.raises(errors.OperationFailed):
        cluster.resize(size="s-4vcpu-8gb", pool="cpu")
    assert [method for method, _ in sandbox.changes(before)] == ["POST", "DELETE"]
    assert {"cpu-s-2vcpu-4gb", "cpu-s-4vcpu-8gb"} <= training(sandbox).keys()
    # Whoever only lets somebody in waits for no nodes.
    cluster.allow("198.51.100.9")
    assert "cpu-s-2vcpu-4gb" in training(sandbox)
    before = sandbox.last_request()
    cluster.resize(size="s-4vcpu-8gb", pool="cpu")
    assert [method for method, _ in sandbox.changes(before)] == ["DELETE"]
    assert training(sandbox).keys() == {"cpu-s-4vcpu-8gb", "gpu-gpu-h100x1-80gb"}


def _fails(*_: object) -> None:
    raise errors.DrainFailed("A Pod is still there.", "Its budget allows no disruption.", "Wait.")


def _is_interrupted(_: object, turn: Turn, *__: object) -> None:
    turn.interrupt()


@pytest.mark.parametrize(
    ("drain", "error"),
    [(_fails, errors.DrainFailed), (_is_interrupted, errors.OperationInterrupted)],
)
def test_until_the_old_nodes_are_empty_they_stay(
    cluster: dotrain.Cluster,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    drain: Callable[..., None],
    error: type[errors.DotrainError],
) -> None:
    monkeypatch.setattr(vacating, "empty", drain)
    pools = (replace(CPU, size="s-2vcpu-2gb"), *cluster.spec.pools[1:])
    turn = Turn(target.current(), "bert", Progress("resize bert"), "")
    before = sandbox.last_request()
    with pytest.raises(error):
        applying.apply(turn, replace(cluster.spec, pools=pools), applying.Options(leave=Terms()))
    assert "DELETE" not in [method for method, _ in sandbox.changes(before)]
    assert {"cpu-s-4vcpu-8gb", "cpu-s-2vcpu-2gb"} <= training(sandbox).keys()


def test_an_autoscaled_pool_gets_no_nodes_while_it_is_emptied(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,) = sandbox.objects("clusters")
    name = "gpu-gpu-h100x1-80gb"
    turn = Turn(target.current(), "bert", Progress("pause bert"), "")

    def autoscaling() -> tuple[Any, ...]:
        pool = training(sandbox)[name]
        return tuple(pool[key] for key in ("auto_scale", "min_nodes", "max_nodes", "count"))

    def interrupted() -> None:
        with closing(Api(target.current())) as api:
            leaving = account.leaving(api, made["id"], {"gpu": training(sandbox)[name]["id"]})
            with vacating.vacated(api, made["id"], leaving, turn, Terms()):
                assert autoscaling()[::3] == (False, before[3])
                raise KeyboardInterrupt

    before = autoscaling()
    assert before[0]
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert autoscaling() == before
    assert vacating.returned(turn, cluster.spec, stack.read(target.current(), "bert")) == {name}


def test_the_next_operation_goes_on_with_it(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    dotrain.up("bert")
    assert training(sandbox).keys() == {"cpu-s-2vcpu-2gb", "gpu-gpu-h100x1-80gb"}


def test_a_pool_that_is_wanted_again_while_it_is_being_deleted_is_made_anew(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    fail(sandbox, "DELETE", rf"{POOLS}/.*")
    with pytest.raises(errors.OperationFailed):
        cluster.resize(size="s-4vcpu-8gb", pool="cpu")
    (made,), old = sandbox.objects("clusters"), training(sandbox)["cpu-s-2vcpu-2gb"]
    # As an engine does that is killed while it waits for the answer.
    sandbox.call("DELETE", f"/v2/kubernetes/clusters/{made['id']}/node_pools/{old['id']}")
    before = sandbox.last_request()
    cluster.resize(size="s-2vcpu-2gb", pool="cpu")
    assert [method for method, _ in sandbox.changes(before)] == ["POST", "DELETE"]
    assert training(sandbox).keys() == {"cpu-s-2vcpu-2gb", "gpu-gpu-h100x1-80gb"}


def test_a_pause_takes_all_training_nodes_and_resume_brings_them_back(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,), old = sandbox.objects("clusters"), training(sandbox)
    before = sandbox.last_request()
    costs = cluster.pause()
    (sent,) = [one["request"] for one in sandbox.requests(before) if one["method"] == "PUT"]
    assert (sent["name"], sent["auto_scale"]) == ("gpu-gpu-h100x1-80gb", False)
    assert [one.item for one in costs.lines if one.hourly] == ["pool system: 1 x s-1vcpu-2gb"]
    assert training(sandbox) == {}
    assert len(sandbox.objects("droplets")) == 1
    before = sandbox.last_request()
    cluster.pause()
    dotrain.up("bert")
    assert sandbox.changes(before) == []
    assert "resume()" in repr(cluster)
    cluster.resize(count=1, pool="cpu")
    assert training(sandbox) == {}
    cluster.resume()
    (same,), new = sandbox.objects("clusters"), training(sandbox)
    assert (same["id"], same["endpoint"]) == (made["id"], made["endpoint"])
    for name, pool in new.items():
        for field in ("size", "labels", "taints", "auto_scale", "min_nodes", "max_nodes"):
            assert pool[field] == old[name][field], field
    assert new["cpu-s-2vcpu-2gb"]["count"] == 1
    before = sandbox.last_request()
    cluster.resume()
    assert sandbox.requests(before) == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"region": "ams3"}, "destroy the cluster, .* because of region: nyc2 → ams3"),
        ({"pools": [CPU]}, r"destroy the pool gpu \(nodes: 1\), .* because of pools: without gpu"),
        ({"region": "ams3", "replace": "bret"}, "named 'bret'"),
    ],
)
def test_what_would_destroy_something_is_refused_with_its_cause(
    cluster: dotrain.Cluster, sandbox: Sandbox, asked: dict[str, Any], says: str
) -> None:
    before = sandbox.last_request()
    with pytest.raises(errors.ReplacementRefused, match=says) as caught:
        dotrain.up("bert", **asked)
    assert "replace='bert'" in caught.value.fix
    assert sandbox.changes(before) == []


def test_a_plan_says_what_goes_and_why(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    moved = cluster.plan(region="ams3")
    assert {step.kind for step in moved.replaced} >= {"cluster", "VPC", "node pool"}
    (step,) = [step for step in moved.replaced if step.kind == "cluster"]
    assert "region: nyc2 → ams3" in step.because
    assert "replace='bert'" in str(moved)
    shrunk = cluster.plan(pools=cluster.spec.pools[1:])
    assert "delete node pool cpu-s-2vcpu-2gb" in str(shrunk)
    assert "cpu-s-2vcpu-2gb are drained before" in str(shrunk)
    assert sandbox.changes(before) == []

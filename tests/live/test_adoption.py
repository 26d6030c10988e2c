"""What was made and is not known is taken in at once: never a second one, never a bare refusal."""

from __future__ import annotations

import pytest

import dotrain
from dotrain import errors
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(130)

# `make faults` has the others.
OBJECTS = {"/v2/kubernetes/clusters": "clusters", "/v2/databases": "databases"}


@pytest.fixture(autouse=True)
def _no_faults(sandbox: Sandbox):
    yield
    sandbox.call("POST", "/__sandbox__/faults", faults=[])
    sandbox.call("POST", "/__sandbox__/settings", double_firewalls=False)


def fail(sandbox: Sandbox, method: str, path: str, **fault: object) -> None:
    body = {"method": method, "path": path, "status": 500, **fault}
    sandbox.call("POST", "/__sandbox__/faults", faults=[body])


def named(sandbox: Sandbox, kind: str, name: str) -> list[str]:
    return [o["id"] for o in sandbox.objects(kind) if o["name"] in (name, f"dotrain-{name}")]


@pytest.mark.parametrize("path", OBJECTS)
def test_what_an_error_hides_is_taken_in_by_the_same_call(sandbox: Sandbox, path: str) -> None:
    name = path.rpartition("/")[2]
    fail(sandbox, "POST", path, applied=True)
    database = dotrain.Database("pg") if name == "databases" else None
    cluster = dotrain.up(name, database=database)
    for kind in ("vpcs", "firewalls", "clusters", OBJECTS[path]):
        assert len(named(sandbox, kind, name)) == 1, kind
    assert named(sandbox, "firewalls", name) == [cluster.outputs["firewall_id"]]
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.changes(before) == []
    assert dotrain.down(name, confirm=name).left.sum() == 0


def test_a_pool_that_an_error_hides_is_taken_in_by_the_same_call(sandbox: Sandbox) -> None:
    cluster = dotrain.up("pooled")
    fail(sandbox, "POST", "/v2/kubernetes/clusters/[^/]+/node_pools", applied=True)
    cluster.resize(size="s-4vcpu-8gb")
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "pooled"]
    assert [pool["size"] for pool in made["node_pools"]] == ["s-1vcpu-2gb", "s-4vcpu-8gb"]
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.changes(before) == []


def test_a_cluster_that_could_not_be_waited_for_is_taken_in(sandbox: Sandbox) -> None:
    # The provider gives up after five answers like this one, and forgets what it made.
    fail(sandbox, "GET", "/v2/kubernetes/clusters/[^/]+", status=403, times=1)
    cluster = dotrain.up("waited")
    assert len(named(sandbox, "clusters", "waited")) == 1
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.changes(before) == []


def test_what_fails_and_was_not_made_is_an_error_and_the_next_call_goes_on(
    sandbox: Sandbox,
) -> None:
    fail(sandbox, "POST", "/v2/kubernetes/clusters", status=403, times=2)
    with pytest.raises(errors.OperationFailed, match="cluster"):
        dotrain.up("refused")
    assert named(sandbox, "clusters", "refused") == []
    assert len(named(sandbox, "firewalls", "refused")) == 1
    sandbox.call("POST", "/__sandbox__/faults", faults=[])
    dotrain.up("refused")
    assert len(named(sandbox, "clusters", "refused")) == 1


def test_a_second_firewall_that_a_repeated_request_made_is_found_and_removed(
    sandbox: Sandbox,
) -> None:
    sandbox.call("POST", "/__sandbox__/settings", double_firewalls=True)
    fail(sandbox, "POST", "/v2/firewalls", applied=True)
    before = sandbox.last_request()
    cluster = dotrain.up("doubled")
    assert sandbox.changes(before).count(("POST", "/v2/firewalls")) == 2
    assert named(sandbox, "firewalls", "doubled") == [cluster.outputs["firewall_id"]]
    assert cluster.operation is not None
    assert any("a second firewall" in note for note in cluster.operation.progress.notes)


def test_a_firewall_that_came_into_force_nowhere_is_sent_again_and_then_said(
    sandbox: Sandbox,
) -> None:
    failed = {
        "method": "GET",
        "path": "/v2/firewalls",
        "replaced": {"firewalls.*.status": "failed"},
    }
    # The first look is for what may be taken in.
    sandbox.call("POST", "/__sandbox__/faults", faults=[{**failed, "skip": 1}])
    before = sandbox.last_request()
    dotrain.up("forceless")
    assert [method for method, path in sandbox.changes(before) if "/firewalls/" in path] == ["PUT"]
    sandbox.call("POST", "/__sandbox__/faults", faults=[{**failed, "times": 2}])
    with pytest.raises(errors.OperationFailed, match="failed to put the firewall"):
        dotrain.up("forceless", allow=["me", "198.51.100.9"])
    dotrain.up("forceless", allow=["me", "198.51.100.9"])


def test_what_is_said_to_be_gone_and_is_not_is_taken_in_again(sandbox: Sandbox) -> None:
    sandbox.call("POST", "/__sandbox__/settings", double_firewalls=True)
    cluster = dotrain.up("vanished")
    outputs = cluster.outputs
    shown = (
        "tags",
        "vpcs",
        "firewalls",
        "kubernetes/clusters",
        "kubernetes/clusters/[^/]+/node_pools",
    )
    gone = {"method": "GET", "status": 404, "agent": "dotrain-provider"}
    faults = [{**gone, "path": f"/v2/{one}/[^/]+"} for one in shown]
    sandbox.call("POST", "/__sandbox__/faults", faults=faults)
    # It reads first what there is; by that, there is nothing any more.
    cluster.up()
    assert {**cluster.outputs, "firewall_id": ""} == {**outputs, "firewall_id": ""}
    assert named(sandbox, "firewalls", "vanished") == [cluster.outputs["firewall_id"]]
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.changes(before) == []
    assert dotrain.down("vanished", confirm="vanished").left.sum() == 0

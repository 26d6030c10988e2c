"""A cluster is destroyed and made anew where somebody has named it, and by no other call."""

from __future__ import annotations

from typing import Any

import pytest

import dotrain
from dotrain import errors
from tests.live import labelled
from tests.live.conftest import Sandbox
from tests.live.labelled import fail

pytestmark = pytest.mark.long(60)

DANGEROUS = "/v2/kubernetes/clusters/[^/]+/.*/dangerous"


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("bert")


def test_a_replacement_that_failed_is_gone_on_with_by_no_call_that_does_not_name_it(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (old,) = sandbox.objects("clusters")
    fail(sandbox, "DELETE", DANGEROUS)
    with pytest.raises(errors.OperationFailed):
        dotrain.up("bert", region="ams3", replace="bert")
    fail(sandbox)
    said = r"the cluster \(.*region: nyc3 → ams3.*Ask up\('bert'\) .* region='nyc3', to keep it"
    for call in (cluster.allow_me, cluster.up, lambda: cluster.resize(count=2)):
        with pytest.raises(errors.ReplacementRefused, match=said):
            call()
    assert "destroys the cluster with all data (region: nyc3 → ams3" in str(cluster.plan())
    assert [one["id"] for one in sandbox.objects("clusters")] == [old["id"]]
    dotrain.up("bert", region="nyc3")
    cluster.allow_me()
    (same,) = sandbox.objects("clusters")
    assert (same["id"], len(same["node_pools"])) == (old["id"], 2)


def test_what_is_named_stays_while_its_network_has_a_load_balancer_of_somebody_else(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,) = sandbox.objects("clusters")
    theirs = labelled.balancer(sandbox, made["vpc_uuid"], name="theirs", region=made["region"])
    before = sandbox.last_request()
    with pytest.raises(errors.ReplacementRefused, match="theirs is in that network"):
        dotrain.up("bert", region="ams3", replace="bert")
    assert sandbox.changes(before) == []
    sandbox.call("DELETE", f"/v2/load_balancers/{theirs}")


def test_what_is_named_is_made_anew_also_after_a_failure_on_the_way(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    kubeconfig = cluster.kubeconfig()
    (old,) = sandbox.objects("clusters")
    labelled.balancer(sandbox, old["vpc_uuid"], f"k8s:{old['id']}", region=old["region"])
    (firewall,) = [one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-bert"]
    asked: dict[str, Any] = {"region": "ams3", "replace": "bert"}
    fail(sandbox, "POST", "/v2/kubernetes/clusters")
    with pytest.raises(errors.OperationFailed):
        dotrain.up("bert", **asked)
    fail(sandbox)
    dotrain.up("bert", **asked)
    (new,) = sandbox.objects("clusters")
    assert (new["region"], new["id"] == old["id"]) == ("ams3", False)
    assert [pool["name"] for pool in new["node_pools"][1:]] == ["train-s-2vcpu-4gb"]
    assert new["control_plane_firewall"] == old["control_plane_firewall"]
    assert sandbox.objects("load_balancers") == []
    (same,) = [one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-bert"]
    assert same["id"] == firewall["id"]
    assert not kubeconfig.exists()
    before = sandbox.last_request()
    # Protected again, and the same again changes nothing.
    with pytest.raises(errors.ReplacementRefused):
        dotrain.up("bert", region="nyc3")
    cluster.up()
    assert sandbox.changes(before) == []

"""The audit of real clusters: dotrain's own pass, and what others made is looked at too."""

from __future__ import annotations

import json

import pytest

import dotrain
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(10)


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("audited", database=dotrain.Database("pg"))


def unaccepted(found: object) -> set[str]:
    frame = found.frame  # type: ignore[attr-defined]
    return set(frame[frame.suppressed == ""].id)


def test_what_dotrain_makes_by_default_passes_and_says_what_is_accepted(
    cluster: dotrain.Cluster,
) -> None:
    found = cluster.audit()
    assert found.passed, str(found)
    assert "DIG-0008" in set(found.frame.id)
    assert "DIG-0008" not in unaccepted(found)


def test_what_others_opened_is_found_under_its_public_ids(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,) = sandbox.objects("clusters")
    (database,) = sandbox.objects("databases")
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-audited")
    opened = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}
    sandbox.call(
        "PUT",
        f"/v2/firewalls/{firewall['id']}",
        name=firewall["name"],
        tags=firewall["tags"],
        inbound_rules=[opened],
        outbound_rules=firewall["outbound_rules"],
    )
    sandbox.call(
        "PUT",
        f"/v2/kubernetes/clusters/{made['id']}",
        name="audited",
        control_plane_firewall={"enabled": False, "allowed_addresses": []},
    )
    sandbox.call("PUT", f"/v2/databases/{database['id']}/firewall", rules=[])
    found = cluster.audit()
    assert not found.passed
    ids = unaccepted(found)
    assert {"DIG-0001", "CKV_DIO_4", "DOT-001", "DOT-002"} <= ids
    assert "droplet-droplets-port-22-exposed" in ids
    sarif = json.loads(found.to_sarif())
    assert sarif["version"] == "2.1.0"
    cluster.up()
    assert cluster.audit().passed


def test_what_dotrain_did_not_make_is_looked_at_when_asked(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    versions = sandbox.call("GET", "/v2/kubernetes/options")["options"]["versions"]
    sandbox.call(
        "POST",
        "/v2/kubernetes/clusters",
        name="theirs",
        region="nyc3",
        version=versions[0]["slug"],
        node_pools=[{"name": "pool", "size": "s-1vcpu-2gb", "count": 1}],
    )
    assert dotrain.audit().passed
    found = dotrain.audit(account=True)
    assert not found.passed
    assert "cluster theirs" in set(found.frame["where"])


def test_what_is_accepted_needs_a_reason_and_is_shown(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    cluster.egress("open")
    assert "DIG-0003" in unaccepted(cluster.audit())
    accepted = dotrain.Suppression("DIG-0003", "The data set is on an odd port.")
    found = cluster.audit(suppress=[accepted])
    assert "DIG-0003" not in unaccepted(found)
    assert "The data set is on an odd port." in str(found)
    with pytest.raises(dotrain.errors.SpecError, match="reason"):
        dotrain.Suppression("DIG-0003", " ")

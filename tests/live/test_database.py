"""A managed database beside the cluster trusts those who may enter, and the cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dotrain
from dotrain import config
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(20)


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up(
        "with-db",
        allow=["me", "203.0.113.128/25", "2001:db8::/32"],
        database=dotrain.Database("pg", size="db-s-1vcpu-1gb"),
    )


def test_it_trusts_those_allowed_by_ipv4_and_the_cluster_and_nobody_else(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (database,) = sandbox.objects("databases")
    trusted = sandbox.call("GET", f"/v2/databases/{database['id']}/firewall")["rules"]
    assert {(one["type"], one["value"]) for one in trusted} == {
        ("ip_addr", "203.0.113.7"),
        ("ip_addr", "203.0.113.128/25"),
        ("k8s", cluster.outputs["k8s_cluster_id"]),
    }


def test_rules_shows_its_layer(cluster: dotrain.Cluster) -> None:
    rules = cluster.rules()
    shown = rules[rules.layer == "database"]
    assert set(zip(shown.peer, shown.ports, shown.label, strict=True)) == {
        ("203.0.113.7/32", "25060", f"database (me: {config.identity()})"),
        ("203.0.113.128/25", "25060", "database"),
        (f"k8s:{cluster.outputs['k8s_cluster_id']}", "25060", "database (cluster)"),
    }


def test_the_version_is_one_that_digitalocean_offers(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (database,) = sandbox.objects("databases")
    offered = sandbox.call("GET", "/v2/databases/options")["options"]["pg"]["versions"]
    assert database["version"] in offered


def test_outputs_and_state_hold_no_password(
    cluster: dotrain.Cluster, sandbox: Sandbox, module_home: Path
) -> None:
    (database,) = sandbox.objects("databases")
    shown = sandbox.call("GET", f"/v2/databases/{database['id']}")["database"]
    password = shown["connection"]["password"]
    assert password
    assert password not in json.dumps(cluster.outputs)
    for path in (module_home / "sandbox").rglob("*"):
        if path.is_file() and not path.name.startswith("sandbox.db"):
            assert password.encode() not in path.read_bytes(), path


def test_allow_me_replaces_the_address_there_too(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    dotrain.use_sandbox(address="198.51.100.4")
    rules = dotrain.get("with-db").allow_me()
    database = set(rules[rules.layer == "database"].peer)
    assert "198.51.100.4/32" in database
    assert "203.0.113.7/32" not in database


def test_taking_it_away_is_refused(cluster: dotrain.Cluster) -> None:
    with pytest.raises(dotrain.errors.ReplacementRefused, match="database: pg → mysql"):
        dotrain.up("with-db", database=dotrain.Database("mysql"))


def test_down_takes_the_database_and_does_not_open_it_before(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    proof = cluster.down(confirm="with-db").set_index("kind")
    assert proof.found["database"] == 1
    assert sandbox.objects("databases") == []
    # Never open on the way: its trusted sources were not taken away before it.
    assert not [path for method, path in sandbox.changes(before) if path.endswith("/firewall")]

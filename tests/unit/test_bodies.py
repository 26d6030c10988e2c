"""Rules as the three firewalls take them: nothing lost, nothing twice, each in its spelling."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given

from dotrain import bodies
from dotrain.grants import Grant
from dotrain.rules import desired, key, of_control_plane, of_database, of_firewall
from dotrain.spec import ClusterSpec, Database, Resolved
from tests.unit.strategies import resolutions, specs

IDS = {"firewall": "f", "cluster": "c", "database": "d"}
RESOLVED = Resolved("1.34.1-do.0", {"ada": ("203.0.113.7/32",), "ben": ("203.0.113.7/32",)})


@given(specs, resolutions)
def test_what_is_sent_means_what_is_wanted(spec, resolved) -> None:
    wanted = desired(spec, resolved, cluster_id="c", database_port=1)
    sent = bodies.requests(spec, wanted, IDS)
    path, firewall = sent["nodes"]
    assert path == "/v2/firewalls/f"
    means = of_firewall(firewall, "nodes") + of_control_plane(sent["control-plane"][1])
    if spec.database:
        means += of_database(sent["database"][1]["rules"], 1)
    assert sorted(map(key, means)) == sorted({key(rule) for rule in wanted})
    assert json.loads(json.dumps(firewall)) == firewall


def test_two_at_one_address_are_sent_as_one() -> None:
    spec = ClusterSpec("bert", allow=(Grant("me"), Grant("nodes", ("ssh",))), database=Database())
    sent = bodies.requests(spec, desired(spec, RESOLVED), IDS)
    (entry,) = sent["nodes"][1]["inbound_rules"]
    assert entry == {
        "protocol": "tcp",
        "ports": "22",
        "sources": {"addresses": ["203.0.113.7/32"], "tags": ["dotrain:bert"]},
    }
    assert sent["control-plane"] == (
        "/v2/kubernetes/clusters/c",
        {
            "name": "bert",
            "control_plane_firewall": {"enabled": True, "allowed_addresses": ["203.0.113.7/32"]},
        },
    )
    assert sent["database"] == (
        "/v2/databases/d/firewall",
        {"rules": [{"type": "ip_addr", "value": "203.0.113.7"}, {"type": "k8s", "value": "c"}]},
    )


def test_a_firewall_that_lets_nobody_in_says_so_as_the_provider_does() -> None:
    spec = ClusterSpec("bert", allow=(Grant("203.0.113.9", ("api",)),), egress=("open",))
    body = bodies.requests(spec, desired(spec, RESOLVED), IDS)["nodes"][1]
    assert body["inbound_rules"] is None
    assert body["outbound_rules"][2] == {
        "protocol": "icmp",
        "destinations": {"addresses": ["0.0.0.0/0", "::/0"]},
    }


def test_what_is_not_there_yet_gets_no_request() -> None:
    spec = ClusterSpec("bert", database=Database())
    wanted = desired(spec, RESOLVED)
    assert bodies.requests(spec, wanted, {}) == {}
    assert set(bodies.requests(spec, wanted, {"cluster": "c"})) == {"control-plane"}


def test_a_database_is_closed_also_before_there_is_a_cluster_and_never_opened() -> None:
    spec = ClusterSpec("bert", database=Database())
    path, body = bodies.requests(spec, desired(spec, RESOLVED), {"database": "d"})["database"]
    assert path == "/v2/databases/d/firewall"
    assert {one["type"] for one in body["rules"]} == {"ip_addr"}
    # An empty list would let everybody in.
    nobody = replace(spec, allow=(Grant("me", to=("ssh", "api")),))
    wanted = desired(nobody, RESOLVED)
    assert "database" not in bodies.requests(nobody, wanted, {"database": "d"})
    sent = bodies.requests(nobody, wanted, {"database": "d", "cluster": "c"})["database"][1]
    assert sent == {"rules": [{"type": "k8s", "value": "c"}]}

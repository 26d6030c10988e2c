"""Rules: what a spec asks for, and what the API's answers mean."""

from __future__ import annotations

from hypothesis import given

from dotrain.egress import EVERYWHERE
from dotrain.grants import Grant
from dotrain.rules import (
    Compared,
    Rule,
    compare,
    desired,
    of_control_plane,
    of_database,
    of_firewall,
)
from dotrain.spec import ClusterSpec, Database, Resolved
from tests.unit.strategies import resolutions, specs

ME = ("203.0.113.7/32", "2001:db8::7/128")
RESOLVED = Resolved("1.34.1-do.0", {"ada@laptop": ME})


def test_by_default_only_this_machine_enters() -> None:
    inbound = [
        rule for rule in desired(ClusterSpec("bert"), RESOLVED) if rule.direction == "inbound"
    ]
    assert inbound == [
        Rule("nodes", "inbound", "tcp", "22", ME[0], "ssh (me: ada@laptop)"),
        Rule("nodes", "inbound", "tcp", "22", ME[1], "ssh (me: ada@laptop)"),
        # The control plane takes no IPv6.
        Rule("control-plane", "inbound", "tcp", "443", ME[0], "api (me: ada@laptop)"),
    ]


def test_by_default_nodes_reach_names_time_and_the_web() -> None:
    outbound = {
        (rule.protocol, rule.ports, rule.label)
        for rule in desired(ClusterSpec("bert"), RESOLVED)
        if rule.direction == "outbound"
    }
    assert outbound == {
        ("udp", "53", "dns"),
        ("tcp", "53", "dns"),
        ("udp", "123", "ntp"),
        ("tcp", "80", "http"),
        ("tcp", "443", "https"),
    }


def test_open_egress_is_every_protocol_to_everywhere() -> None:
    outbound = [
        (rule.protocol, rule.ports, rule.peer)
        for rule in desired(ClusterSpec("bert", egress=("open",)), RESOLVED)
        if rule.direction == "outbound"
    ]
    assert outbound == [
        (protocol, ports, peer)
        for protocol, ports in (("tcp", "all"), ("udp", "all"), ("icmp", ""))
        for peer in EVERYWHERE
    ]


@given(specs, resolutions)
def test_no_spec_asks_for_port_6443(spec, resolved) -> None:
    assert all("6443" not in rule.ports for rule in desired(spec, resolved))


@given(specs, resolutions)
def test_nobody_but_the_allowed_enters(spec, resolved) -> None:
    entering = {
        rule.peer for rule in desired(spec, resolved, cluster_id="1") if rule.direction == "inbound"
    }
    mine = {cidr for cidrs in resolved.me.values() for cidr in cidrs}
    assert entering <= {*(grant.source for grant in spec.allow), *mine, "k8s:1"} - {"me"}


def test_a_source_that_is_named_is_not_called_me() -> None:
    spec = ClusterSpec("bert", allow=(Grant("me"), Grant("198.51.100.0/24")))
    labels = {rule.peer: rule.label for rule in desired(spec, RESOLVED) if rule.ports == "22"}
    assert labels["198.51.100.0/24"] == "ssh"
    assert labels[ME[0]] == "ssh (me: ada@laptop)"
    alone = desired(ClusterSpec("bert", allow=(Grant(ME[0]),)), RESOLVED)
    assert {rule.label for rule in alone if rule.ports == "22"} == {"ssh"}


def test_a_database_lets_in_the_allowed_and_its_cluster() -> None:
    spec = ClusterSpec("bert", database=Database())
    rules = desired(spec, RESOLVED, cluster_id="c-1")
    assert [rule for rule in rules if rule.layer == "database"] == [
        Rule("database", "inbound", "tcp", "25060", ME[0], "database (me: ada@laptop)"),
        Rule("database", "inbound", "tcp", "25060", "k8s:c-1", "database (cluster)"),
    ]


def test_a_firewall_is_read_as_the_api_answers_it() -> None:
    firewall = {
        "name": "dotrain-bert",
        "inbound_rules": [
            {
                "protocol": "tcp",
                "ports": "22",
                "sources": {"addresses": ["203.0.113.7", "::1/128"]},
            },
            {"protocol": "tcp", "ports": "8000-9000", "sources": {"tags": ["web"]}},
            {
                "protocol": "udp",
                "ports": "0",
                "sources": {
                    "addresses": None,
                    "droplet_ids": [8043964],
                    "load_balancer_uids": ["lb-1"],
                    "kubernetes_ids": ["c-1"],
                },
            },
        ],
        "outbound_rules": [
            {"protocol": "icmp", "ports": "0", "destinations": {"addresses": ["2001:db8::1"]}},
            {"protocol": "icmp", "destinations": {"addresses": ["0.0.0.0/0"]}},
            {"protocol": "tcp", "ports": "0", "destinations": {}},
        ],
    }
    assert of_firewall(firewall, "nodes") == [
        Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32"),
        Rule("nodes", "inbound", "tcp", "22", "::1/128"),
        Rule("nodes", "inbound", "tcp", "8000-9000", "tag:web"),
        Rule("nodes", "inbound", "udp", "all", "droplet:8043964"),
        Rule("nodes", "inbound", "udp", "all", "load balancer:lb-1"),
        Rule("nodes", "inbound", "udp", "all", "cluster:c-1"),
        Rule("nodes", "outbound", "icmp", "", "2001:db8::1/128"),
        Rule("nodes", "outbound", "icmp", "", "0.0.0.0/0"),
    ]


def test_a_firewall_without_rules_lets_nobody_in() -> None:
    assert of_firewall({"inbound_rules": None, "outbound_rules": []}, "nodes") == []


def test_a_control_plane_without_a_firewall_lets_everybody_in() -> None:
    for cluster in (
        {},
        {"control_plane_firewall": None},
        {"control_plane_firewall": {"enabled": False, "allowed_addresses": ["203.0.113.7/32"]}},
        {"control_plane_firewall": {"enabled": None, "allowed_addresses": None}},
    ):
        assert [rule.peer for rule in of_control_plane(cluster)] == list(EVERYWHERE)


def test_a_control_plane_with_a_firewall_lets_in_whom_it_lists() -> None:
    firewall = {"enabled": True, "allowed_addresses": ["203.0.113.7", "198.51.100.0/24"]}
    assert of_control_plane({"control_plane_firewall": firewall}) == [
        Rule("control-plane", "inbound", "tcp", "443", "203.0.113.7/32"),
        Rule("control-plane", "inbound", "tcp", "443", "198.51.100.0/24"),
    ]
    closed = {"control_plane_firewall": {"enabled": True, "allowed_addresses": []}}
    assert of_control_plane(closed) == []


def test_a_database_without_trusted_sources_lets_everybody_in() -> None:
    assert [rule.peer for rule in of_database([], 25060)] == list(EVERYWHERE)


def test_trusted_sources_are_addresses_or_objects() -> None:
    found = of_database(
        [
            {"type": "ip_addr", "value": "203.0.113.7"},
            {"type": "k8s", "value": "c-1"},
            {"type": "droplet", "value": "8043964"},
        ],
        25060,
    )
    assert [rule.peer for rule in found] == ["203.0.113.7/32", "k8s:c-1", "droplet:8043964"]
    assert {rule.ports for rule in found} == {"25060"}


def test_rules_that_are_not_as_they_should_be_say_how() -> None:
    wanted = [
        Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32", "ssh (me)"),
        Rule("nodes", "inbound", "tcp", "443", "203.0.113.7/32", "https", "2026-01-01T00:00:00Z"),
        Rule("nodes", "inbound", "tcp", "80", "203.0.113.7/32", "http", "2026-01-01T00:00:00Z"),
        Rule("control-plane", "inbound", "tcp", "443", "203.0.113.7/32", "api (me)"),
    ]
    in_force = [Rule("nodes", "inbound", "tcp", ports, "203.0.113.7/32") for ports in ("22", "443")]
    extra = Rule("nodes", "inbound", "tcp", "22", "0.0.0.0/0")
    managed = Rule("doks-managed", "inbound", "tcp", "22", "203.0.113.7/32")
    assert compare(wanted, [*in_force, extra, managed], "2026-06-01T00:00:00Z") == [
        Compared(wanted[0], "spec", ""),
        Compared(wanted[1], "spec", "expired"),
        Compared(wanted[3], "spec", "missing"),
        Compared(extra, "observed", "extra"),
        Compared(managed, "observed", ""),
    ]


@given(specs, resolutions)
def test_what_the_api_makes_of_a_spec_carries_its_labels(spec, resolved) -> None:
    wanted = desired(spec, resolved, cluster_id="c-1")
    answered = {
        f"{direction}_rules": [
            {
                "protocol": rule.protocol,
                "ports": "0" if rule.ports in ("", "all") else rule.ports,
                side: {"addresses": [rule.peer]},
            }
            for rule in wanted
            if (rule.layer, rule.direction) == ("nodes", direction)
        ]
        for direction, side in (("inbound", "sources"), ("outbound", "destinations"))
    }
    on_nodes = [rule for rule in wanted if rule.layer == "nodes"]
    assert compare(on_nodes, of_firewall(answered, "nodes"), "2026-01-01T00:00:00Z") == [
        Compared(rule, "spec", "") for rule in on_nodes
    ]

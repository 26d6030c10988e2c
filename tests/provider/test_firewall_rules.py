"""Rules come back from the API in another spelling; that is no change."""

from dotrain.sandbox.provider.fields import changes
from dotrain.sandbox.provider.firewall import FIELDS, body, meaning, state_of

ANY = ["0.0.0.0/0", "::/0"]


def answered(*rules):
    return {
        "name": "f",
        "status": "succeeded",
        "created_at": "2026-01-01T00:00:00Z",
        "inbound_rules": [],
        "outbound_rules": list(rules),
        "tags": None,
        "droplet_ids": None,
    }


def rule(protocol, ports=None, addresses=ANY):
    found = {"protocol": protocol, "destinationAddresses": addresses}
    return found | ({"portRange": ports} if ports else {})


def test_every_port_comes_back_as_it_was_written():
    zero = [
        {"protocol": protocol, "ports": "0", "destinations": {"addresses": ANY}}
        for protocol in ("tcp", "udp", "icmp")
    ]
    written = [rule("tcp", "1-65535"), rule("udp", "all"), rule("icmp")]
    state = state_of(answered(*zero), {"outboundRules": written})
    assert state["outboundRules"] == written
    assert not changes(FIELDS, state, {"name": "f", "outboundRules": written})


def test_an_import_reads_every_port_as_all_and_icmp_as_none():
    zero = [
        {"protocol": protocol, "ports": "0", "destinations": {}} for protocol in ("tcp", "icmp")
    ]
    state = state_of(answered(*zero), {})
    assert state["outboundRules"] == [{"protocol": "tcp", "portRange": "all"}, {"protocol": "icmp"}]


def test_order_of_rules_and_addresses_means_nothing():
    first, second = rule("tcp", "22", ["1.1.1.1", "2.2.2.2"]), rule("udp", "53")
    turned = [rule("udp", "53", ANY[::-1]), rule("tcp", "22", ["2.2.2.2", "1.1.1.1"])]
    assert not changes(FIELDS, {"outboundRules": [first, second]}, {"outboundRules": turned})


def test_another_port_or_address_is_a_change():
    state = {"name": "f", "outboundRules": [rule("tcp", "22")]}
    for other in (rule("tcp", "23"), rule("tcp", "22", ["1.1.1.1"]), rule("tcp", "all")):
        assert changes(FIELDS, state, {"name": "f", "outboundRules": [other]})


def test_allowing_is_what_a_rule_does_unless_it_says_otherwise():
    assert meaning(rule("tcp", "22") | {"action": "allow"}) == meaning(rule("tcp", "22"))
    assert meaning(rule("tcp", "22") | {"action": "deny"}) != meaning(rule("tcp", "22"))


def test_lists_that_are_not_set_are_sent_as_null():
    assert body({"name": "f"}) == {
        "name": "f",
        "inbound_rules": None,
        "outbound_rules": None,
        "droplet_ids": None,
        "tags": None,
    }


def test_every_kind_of_peer_is_sent_and_read_back():
    written = {
        "protocol": "tcp",
        "portRange": "22",
        "action": "deny",
        "destinationTags": ["t"],
        "destinationDropletIds": [1],
        "destinationLoadBalancerUids": ["l"],
        "destinationKubernetesIds": ["k"],
    }
    sent = body({"name": "f", "outboundRules": [written]})["outbound_rules"]
    assert sent == [
        {
            "protocol": "tcp",
            "ports": "22",
            "action": "deny",
            "destinations": {
                "tags": ["t"],
                "droplet_ids": [1],
                "load_balancer_uids": ["l"],
                "kubernetes_ids": ["k"],
            },
        }
    ]
    assert state_of(answered(*sent), {})["outboundRules"] == [written]

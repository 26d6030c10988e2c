"""The text of a rule: what is shown can be typed, and what cannot be meant is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain.errors import InvalidAddress, SpecError
from dotrain.notation import LAYERS, format_rule, is_name, parse_rule
from dotrain.rules import Rule
from tests.unit.strategies import networks
from tests.unit.test_ports import some_ports

names = st.builds(
    "{}:{}".format,
    st.sampled_from(["tag", "k8s", "droplet", "load balancer", "cluster", "app"]),
    st.sampled_from(["web", "8043964", "lb-1", "c0ffee-1", "dotrain:bert", "_", ":x", "-"]),
)


@st.composite
def written_rules(draw) -> Rule:
    """A rule as `parse_rule` makes it."""
    protocol = draw(st.sampled_from(["tcp", "udp", "icmp"]))
    return Rule(
        layer=draw(st.sampled_from(LAYERS)),
        direction=draw(st.sampled_from(["inbound", "outbound"])),
        protocol=protocol,
        ports="" if protocol == "icmp" else str(draw(some_ports)),
        peer=draw(networks.map(str) | names | st.just("me")),
    )


@given(written_rules())
def test_a_rule_is_the_same_after_a_trip_through_text(rule) -> None:
    assert parse_rule(format_rule(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        "nodes inbound tcp 22 from 203.0.113.0/24",
        "nodes outbound udp 53 to 0.0.0.0/0",
        "nodes inbound icmp from tag:web",
        "nodes outbound tcp all to ::/0",
        "database inbound tcp 25060 from k8s:c-1",
        "control-plane inbound tcp 443 from me",
        "nodes inbound tcp 8000-9000 from load balancer:lb-1",
        "doks-managed inbound tcp 30000-32767 from 10.0.0.0/8",
    ],
)
def test_text_is_the_same_after_a_trip_through_a_rule(text) -> None:
    assert format_rule(parse_rule(text)) == text


def test_other_spellings_become_the_usual_one() -> None:
    text = "  nodes inbound\ttcp 1-65535 from  2001:DB8::0:1 "
    assert format_rule(parse_rule(text)) == "nodes inbound tcp all from 2001:db8::1/128"


def test_a_label_is_no_part_of_the_text() -> None:
    rule = Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32", "ssh (me)")
    assert format_rule(rule) == "nodes inbound tcp 22 from 203.0.113.7/32"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nodes",
        "nodes inbound tcp 22",
        "nodes inbound tcp 22 from",
        "nodes inbound tcp 22 203.0.113.0/24",
        "nodes tcp 22 from 203.0.113.0/24",
        "nodes inbound tcp 22 23 from 203.0.113.0/24",
        "nodez inbound tcp 22 from 203.0.113.0/24",
        "nodes incoming tcp 22 from 203.0.113.0/24",
        "nodes inbound tcp 22 to 203.0.113.0/24",
        "nodes outbound tcp 22 from 203.0.113.0/24",
        "nodes inbound http 80 from 203.0.113.0/24",
        "nodes inbound tcp from 203.0.113.0/24",
        "nodes inbound icmp 8 from 203.0.113.0/24",
        "nodes inbound tcp 9000-8000 from 203.0.113.0/24",
        "nodes inbound tcp 0 from 203.0.113.0/24",
        "nodes inbound tcp 65536 from 203.0.113.0/24",
        "nodes inbound tcp 22 from 203.0.113.0/24\nnodes inbound tcp 80 from 203.0.113.0/24",
    ],
)
def test_what_is_no_rule_is_refused_with_what_to_do(text) -> None:
    with pytest.raises(SpecError) as caught:
        parse_rule(text)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    "peer",
    [
        "example.com",
        "example.com:443",
        "localhost",
        "https://example.com",
        "203.0.113.7/24",
        "203.0.113.0/33",
        "256.1.1.1",
        "2001:db8::1/32",
        "fe80::1/64",
        "fe80::1%eth0",
        "fe80:1::2%eth0",
        "fe80:1::AB::1",
        "beef:cafe",
        "tag:",
        "tag: web",
        ":web",
        "ME",
    ],
)
def test_a_peer_that_is_neither_network_nor_name_is_refused(peer) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse_rule(f"nodes inbound tcp 22 from {peer}")
    assert caught.value.fix


@given(networks)
def test_a_network_is_no_name(network) -> None:
    assert not is_name(str(network))
    assert not is_name(network.exploded)
    assert not is_name(str(network).upper())


@given(names)
def test_a_name_is_a_name(name) -> None:
    assert is_name(name)

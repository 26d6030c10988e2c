"""Addresses and ports as sets, against the plain way of computing them."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from dotrain.auditing.finding import described, listed
from dotrain.auditing.overlaps import _shadowed
from dotrain.auditing.own import _Asked, _overlap
from dotrain.auditing.reach import V4, V6, block, blocks, everybody, merged, openings, pieces
from dotrain.rules import Rule
from dotrain.sources import collapse
from tests.unit.strategies import networks, v4_networks

# Few bits, so that networks do lie in each other.
small = st.builds(
    lambda host, prefix: ipaddress.ip_network((host << 28, prefix), strict=False),
    st.integers(0, 15),
    st.integers(0, 4),
)
ports = st.sampled_from(["22", "20-30", "25-40", "443", "all"])
some_rules = st.lists(
    st.builds(
        Rule,
        layer=st.just("nodes"),
        direction=st.sampled_from(["inbound", "outbound"]),
        protocol=st.sampled_from(["tcp", "udp"]),
        ports=ports,
        peer=small.map(str) | st.sampled_from(["tag:web", "droplet:1"]),
    ),
    max_size=12,
)


def _admits(rules, traffic, port, peer) -> bool:
    """What a packet meets: whether one of the rules lets it pass."""
    for rule in rules:
        first, _, last = rule.ports.replace("all", "1-65535").partition("-")
        same = rule.peer == peer or (
            ":" not in rule.peer
            and ":" not in peer
            and ipaddress.ip_address(peer) in ipaddress.ip_network(rule.peer)
        )
        if (rule.direction, rule.protocol) == traffic and same:  # noqa: SIM102 - two questions
            if int(first) <= port <= int(last or first):
                return True
    return False


def _packets(rule):
    """The packets of a rule that tell all these rules apart."""
    first, _, last = rule.ports.replace("all", "1-65535").partition("-")
    ends = range(int(first), int(last or first) + 1)
    for port in (1, 20, 22, 24, 25, 26, 30, 31, 40, 41, 443, 65535):
        if port not in ends:
            continue
        if ":" in rule.peer:
            yield port, rule.peer
        else:
            for host in range(16):
                address = ipaddress.ip_address(host << 28)
                if address in ipaddress.ip_network(rule.peer):
                    yield port, str(address)


@given(some_rules, some_rules)
def test_what_was_asked_for_is_what_a_packet_filter_would_let_pass(wanted, observed) -> None:
    asked = _Asked(wanted)
    for rule, opening in zip(observed, openings(observed), strict=True):
        traffic = (rule.direction, rule.protocol)
        plain = all(_admits(wanted, traffic, *packet) for packet in _packets(rule))
        assert asked.holds(opening) is plain


@given(some_rules)
def test_a_shadowed_rule_may_go_and_nothing_else_may(rules) -> None:
    found = openings(rules)
    pairs = list(_shadowed(found))
    gone = [one for one, _ in pairs]
    left = list(found)
    for one in gone:
        # From the end: of two that are the same, the later one is shadowed.
        left.reverse()
        left.remove(one)
        left.reverse()
    asked = _Asked(one.rule for one in left)
    assert all(asked.holds(one) for one in found)
    for one in left:
        rest = list(left)
        rest.remove(one)
        assert not any(_Asked([other.rule]).holds(one) for other in rest)


@given(st.lists(networks, max_size=20))
def test_merging_is_what_the_standard_library_makes_of_it(some) -> None:
    spans = []
    for bits in (V4, V6):
        spans += merged(one for one in blocks(map(str, some)) if one.bits == bits)
    assert sum(last - first + 1 for first, last in spans) == sum(
        network.num_addresses for network in collapse(some)
    )


@given(st.lists(v4_networks, max_size=8))
def test_few_networks_are_everybody_only_with_all_public_addresses(some) -> None:
    held = collapse(some)
    public = (ipaddress.ip_network(f"{first}.0.0.0/8") for first in (1, 8, 100, 128, 203, 223))
    if everybody(blocks(map(str, some)), V4):
        assert all(any(one.subnet_of(other) for other in held) for one in public)


def test_everybody_is_every_public_address_however_it_is_written() -> None:
    around = ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]
    assert everybody(blocks(["0.0.0.0/0"]), V4)
    assert everybody(blocks(around), V4), "224.0.0.0/3 is nobody's"
    assert not everybody(blocks(around[1:]), V4)
    assert not everybody(blocks(["0.0.0.0/0"]), V6)
    assert everybody(blocks(["2000::/3"]), V6)
    assert everybody(blocks(["2000::/4", "3000::/4"]), V6)
    assert not everybody([], V4)


def test_a_peer_that_is_no_network_has_no_block() -> None:
    assert block("tag:web") is None
    assert block("k8s:9f1c2d3e") is None
    assert block("203.0.113.7") == block("203.0.113.7/32")


@given(networks, networks)
def test_networks_overlap_as_the_standard_library_says(one, other) -> None:
    plain = one.version == other.version and one.overlaps(other)
    assert _overlap(block(str(one)), block(str(other))) is plain


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)).map(sorted).map(tuple)))
def test_pieces_are_the_range_and_are_nowhere_cut_by_another(ranges) -> None:
    found = list(pieces(ranges, (2, 8)))
    assert [port for first, last in found for port in range(first, last + 1)] == list(range(2, 9))
    for first, last in found:
        for start, stop in ranges:
            overlap = max(first, start) <= min(last, stop)
            assert not overlap or (start <= first and last <= stop)


def test_long_lists_are_cut_and_counted() -> None:
    assert listed([], 2) == ""
    assert listed("ab", 2) == "a, b"
    assert listed("abcd", 2) == "a, b and 2 more"


def test_rules_are_told_in_words() -> None:
    rules = [
        Rule("nodes", "inbound", "tcp", "22", "0.0.0.0/0"),
        Rule("nodes", "inbound", "icmp", "", "::/0"),
        Rule("nodes", "inbound", "tcp", "22", "::/0"),
        Rule("nodes", "outbound", "udp", "all", "tag:web"),
    ]
    assert described(rules) == "tcp 22 from 0.0.0.0/0, ::/0; icmp from ::/0; udp all to tag:web"

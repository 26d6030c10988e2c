"""Rule algebra: it agrees with a packet matcher that looks at one rule at a time."""

from __future__ import annotations

import dataclasses
import ipaddress
import random
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain.algebra import (
    Change,
    addresses,
    admits,
    apply,
    diff,
    difference,
    intersection,
    normal,
    overlaps,
    same,
    shadowed,
    subsumes,
    union,
)
from dotrain.errors import InvalidAddress, SpecError
from dotrain.notation import format_rule, parse_rule
from dotrain.rules import Rule
from tests.unit.strategies import networks

PROBES = 60


@dataclass(frozen=True)
class Packet:
    layer: str
    direction: str
    protocol: str
    port: int
    peer: str


def lets_through(rule: Rule, packet: Packet) -> bool:
    """The reference: what one rule of a firewall does with one packet, spelled out."""
    if rule.layer != packet.layer or rule.direction != packet.direction:
        return False
    if rule.protocol != packet.protocol:
        return False
    if rule.protocol != "icmp":
        first, _, last = {"all": "1-65535"}.get(rule.ports, rule.ports).partition("-")
        if not int(first) <= packet.port <= int(last or first):
            return False
    try:
        return ipaddress.ip_address(packet.peer) in ipaddress.ip_network(rule.peer)
    except ValueError:
        return packet.peer == rule.peer


def passes(rules: Iterable[Rule], packet: Packet) -> bool:
    return any(lets_through(rule, packet) for rule in rules)


def text(*rules: str) -> list[Rule]:
    return [parse_rule(rule) for rule in rules]


# Small spaces, so that rules touch, hold and cross each other.
near_networks = st.one_of(
    st.builds(
        lambda start, host, bits: ipaddress.ip_network((start + (host >> bits << bits), 32 - bits)),
        st.sampled_from([0, 0xCB007100, 0xFFFFFFF0]),
        st.integers(0, 15),
        st.integers(0, 4),
    ),
    st.builds(
        lambda start, host, bits: ipaddress.IPv6Network(
            (start + (host >> bits << bits), 128 - bits)
        ),
        # The first block has the numbers of IPv4 addresses.
        st.sampled_from([0, 0xCB007100, 2**128 - 16]),
        st.integers(0, 15),
        st.integers(0, 4),
    ),
    st.sampled_from(["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1"]).map(ipaddress.ip_network),
    networks,
)
peers = near_networks.map(str) | st.sampled_from(["tag:web", "k8s:c-1", "me"])
edges = st.integers(1, 8) | st.sampled_from([22, 1000, 65534, 65535])


@st.composite
def a_rule(draw) -> Rule:
    protocol = draw(st.sampled_from(["tcp", "tcp", "tcp", "udp", "icmp"]))
    low, high = sorted((draw(edges), draw(edges)))
    some = st.sampled_from(["all", f"{low}-{high}", f"{low}-{high}", str(low)])
    return Rule(
        layer=draw(st.sampled_from(["nodes", "nodes", "nodes", "database"])),
        direction=draw(st.sampled_from(["inbound", "inbound", "inbound", "outbound"])),
        protocol=protocol,
        ports="" if protocol == "icmp" else draw(some),
        peer=draw(peers),
        label=draw(st.sampled_from(["", "office"])),
    )


rule_lists = st.lists(a_rule(), max_size=7)
chances = st.randoms(use_true_random=False)


def packets(chance: random.Random, *lists: Iterable[Rule]) -> list[Packet]:
    """Return packets at the borders of rules, where a mistake would show."""
    rules = [rule for some in lists for rule in some]
    ports, found = {1, 22, 65535}, {"203.0.113.7", "::1", "0.0.0.1", "tag:web", "tag:other", "me"}
    for rule in rules:
        if rule.ports not in ("", "all"):
            ports |= {
                int(end) + step for end in rule.ports.split("-") for step in (-1, 0, 1)
            } & set(range(1, 65536))
        if "/" not in rule.peer:
            found.add(rule.peer)
            continue
        network = ipaddress.ip_network(rule.peer)
        first, last = int(network[0]), int(network[-1])
        kind = type(network[0])
        inside = chance.randint(first, last)
        for number in (first - 1, first, first + 1, inside, last - 1, last, last + 1):
            if 0 <= number < 2**network.max_prefixlen:
                found.add(str(kind(number)))
    ports_in_order, peers_in_order = sorted(ports), sorted(found)
    chosen = []
    for _ in range(PROBES):
        base = chance.choice(rules or text("nodes inbound tcp 22 from 203.0.113.7"))
        protocol = chance.choice([base.protocol] * 9 + ["icmp"])
        port = 0 if protocol == "icmp" else chance.choice(ports_in_order)
        peer = chance.choice(peers_in_order)
        chosen.append(Packet(base.layer, base.direction, protocol, port, peer))
    return chosen


def split(chance: random.Random, rules: Iterable[Rule]) -> list[Rule]:
    """Return rules that admit the same: cut, repeated, labelled otherwise and shuffled."""
    parts = []
    for rule in rules:
        pieces = [rule]
        if "/" in rule.peer:
            network = ipaddress.ip_network(rule.peer)
            room = min(network.max_prefixlen - network.prefixlen, chance.randint(0, 2))
            pieces = [
                dataclasses.replace(rule, peer=str(part))
                for part in network.subnets(prefixlen_diff=room)
            ]
        for piece in pieces:
            first, _, last = {"all": "1-65535"}.get(piece.ports, piece.ports).partition("-")
            if last and first < last and chance.random() < 0.5:
                cut = chance.randrange(int(first), int(last))
                parts += [
                    dataclasses.replace(piece, ports=f"{first}-{cut}", label="low"),
                    dataclasses.replace(piece, ports=f"{cut + 1}-{last}", label="high"),
                ]
            else:
                parts.append(piece)
    parts += [dataclasses.replace(rule, label="again") for rule in rules if chance.random() < 0.5]
    chance.shuffle(parts)
    return parts


# --- against the reference


@given(rule_lists, rule_lists, chances)
def test_what_is_admitted_is_what_the_reference_lets_through(one, other, chance) -> None:
    results = (normal(one), union(one, other), intersection(one, other), difference(one, other))
    for packet in packets(chance, one, other):
        a, b = passes(one, packet), passes(other, packet)
        whole, either, both, rest = (passes(result, packet) for result in results)
        assert (whole, either, both, rest) == (a, a or b, a and b, a and not b)


@given(rule_lists, chances)
def test_admits_is_the_reference(rules, chance) -> None:
    for packet in packets(chance, rules):
        assert passes(rules, packet) == admits(
            rules,
            packet.layer,
            packet.direction,
            packet.protocol,
            port=packet.port,
            address=packet.peer,
        )


@given(rule_lists, rule_lists, chances)
def test_comparisons_are_those_of_packets(one, other, chance) -> None:
    for packet in packets(chance, one, other):
        a, b = passes(one, packet), passes(other, packet)
        assert not (b and not a and subsumes(one, other))
        assert not (a and b) or overlaps(one, other)
        assert a == b or not same(one, other)


@given(rule_lists, rule_lists, chances)
def test_a_change_names_exactly_the_packets_that_change(before, after, chance) -> None:
    change = diff(before, after)
    for packet in packets(chance, before, after):
        old, new = passes(before, packet), passes(after, packet)
        assert passes(change.gained, packet) == (new and not old)
        assert passes(change.lost, packet) == (old and not new)


# --- laws


@given(rule_lists, rule_lists)
def test_a_change_applied_is_the_target(before, after) -> None:
    assert apply(before, diff(before, after)) == normal(after)


@given(rule_lists, chances)
def test_the_normal_form_does_not_depend_on_how_rules_are_cut(rules, chance) -> None:
    parts = split(chance, rules)
    assert normal(parts) == normal(rules)
    assert same(parts, rules)
    assert diff(rules, parts) == Change()


@given(rule_lists)
def test_the_normal_form_is_short_and_says_nothing_twice(rules) -> None:
    once = normal(rules)
    assert normal(once) == once
    assert shadowed(once) == []
    for rule in once:
        rest = [other for other in once if other != rule]
        assert not subsumes(rest, [rule])
        assert parse_rule(format_rule(rule)) == rule


@given(rule_lists, rule_lists, rule_lists)
def test_union_is_idempotent_commutative_and_associative(a, b, c) -> None:
    assert union(a, a) == normal(a) == union(a, [])
    assert union(a, b) == union(b, a)
    assert union(union(a, b), c) == union(a, union(b, c))


@given(rule_lists, rule_lists, rule_lists)
def test_intersection_and_difference_keep_the_laws_of_sets(a, b, c) -> None:
    assert intersection(a, a) == normal(a)
    assert intersection(a, b) == intersection(b, a)
    assert intersection(a, union(b, c)) == union(intersection(a, b), intersection(a, c))
    assert difference(a, a) == () == intersection(difference(a, b), b)
    assert difference(a, union(b, c)) == difference(difference(a, b), c)
    assert union(difference(a, b), intersection(a, b)) == normal(a)


@given(rule_lists, rule_lists)
def test_comparisons_follow_from_the_operations(a, b) -> None:
    assert subsumes(union(a, b), a)
    assert subsumes(a, b) == (union(a, b) == normal(a))
    assert overlaps(a, b) == bool(intersection(a, b))
    assert same(a, b) == (normal(a) == normal(b)) == (subsumes(a, b) and subsumes(b, a))


@given(rule_lists)
def test_a_shadowed_rule_is_covered_by_one_that_is_not(rules) -> None:
    pairs = shadowed(rules)
    left = list(rules)
    for rule, other in pairs:
        assert subsumes([other], [rule])
        left.remove(rule)
    assert all(other in left for _, other in pairs)
    assert same(left, rules)
    for place, rule in enumerate(left):
        assert not any(subsumes([other], [rule]) for other in left[:place] + left[place + 1 :])


# --- cases


@pytest.mark.parametrize(
    ("given_rules", "expected"),
    [
        ([], []),
        (
            ["nodes inbound tcp 22 from 0.0.0.0/1", "nodes inbound tcp 22 from 128.0.0.0/1"],
            ["nodes inbound tcp 22 from 0.0.0.0/0"],
        ),
        (
            ["nodes inbound tcp 1-100 from ::/0", "nodes inbound tcp 101-65535 from ::/0"],
            ["nodes inbound tcp all from ::/0"],
        ),
        # A narrow rule across a wide one is left as it is, and not cut to pieces.
        (
            ["nodes inbound tcp all from 203.0.113.7", "nodes inbound tcp 22 from 0.0.0.0/0"],
            ["nodes inbound tcp all from 203.0.113.7/32", "nodes inbound tcp 22 from 0.0.0.0/0"],
        ),
        # Two that overlap in ports only: the part in common needs no rule of its own.
        (
            ["nodes inbound tcp 1-10 from 8.8.8.8", "nodes inbound tcp 5-15 from 8.8.8.9"],
            ["nodes inbound tcp 1-10 from 8.8.8.8/32", "nodes inbound tcp 5-15 from 8.8.8.9/32"],
        ),
        (
            ["nodes inbound tcp 1000 from tag:web", "nodes inbound tcp 22 from tag:web"],
            ["nodes inbound tcp 22 from tag:web", "nodes inbound tcp 1000 from tag:web"],
        ),
        (
            ["nodes inbound icmp from tag:web", "nodes inbound icmp from tag:web"],
            ["nodes inbound icmp from tag:web"],
        ),
    ],
)
def test_the_normal_form_is_what_a_person_would_write(given_rules, expected) -> None:
    assert [format_rule(rule) for rule in normal(text(*given_rules))] == expected


def test_splitting_a_network_is_no_change() -> None:
    whole = text("nodes inbound tcp 22 from 203.0.113.0/24")
    halves = text(
        "nodes inbound tcp 22 from 203.0.113.0/25", "nodes inbound tcp 22 from 203.0.113.128/25"
    )
    assert diff(whole, halves) == Change() == diff(halves, whole)


def test_a_rule_under_a_wider_one_gains_nothing() -> None:
    wide = text("nodes inbound tcp 22 from 203.0.113.0/24")
    narrow = text("nodes inbound tcp 22 from 203.0.113.7")
    assert diff(wide, wide + narrow) == Change()
    assert diff(wide + narrow, narrow).lost == difference(wide, narrow)


def test_a_new_address_gains_and_the_old_one_loses() -> None:
    change = diff(
        text("nodes inbound tcp 22 from 203.0.113.7"), text("nodes inbound tcp 22 from 203.0.113.8")
    )
    assert [format_rule(rule) for rule in change.gained] == [
        "nodes inbound tcp 22 from 203.0.113.8/32"
    ]
    assert [format_rule(rule) for rule in change.lost] == [
        "nodes inbound tcp 22 from 203.0.113.7/32"
    ]


def test_a_label_is_no_change() -> None:
    one = Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32", "ssh (me)")
    assert diff([one], [dataclasses.replace(one, label="office")]) == Change()
    assert normal([one]) == (dataclasses.replace(one, label=""),)


@pytest.mark.parametrize(
    ("everybody", "stranger"), [("0.0.0.0/0", "::1"), ("::/0", "0.0.0.1"), ("::/0", "203.0.113.7")]
)
def test_the_address_families_never_mix(everybody, stranger) -> None:
    rules = text(f"nodes inbound tcp 22 from {everybody}")
    assert not admits(rules, "nodes", "inbound", "tcp", port=22, address=stranger)
    assert not overlaps(rules, text(f"nodes inbound tcp 22 from {stranger}"))


def test_a_name_is_equal_to_itself_only() -> None:
    everybody = text("nodes inbound tcp all from 0.0.0.0/0", "nodes inbound tcp all from ::/0")
    web = text("nodes inbound tcp 22 from tag:web")
    assert not subsumes(everybody, web)
    assert not overlaps(web, text("nodes inbound tcp 22 from tag:db"))
    assert admits(web, "nodes", "inbound", "tcp", port=22, address="tag:web")


def test_a_network_passes_when_all_of_it_does() -> None:
    halves = text("nodes inbound icmp from 10.0.0.0/9", "nodes inbound icmp from 10.128.0.0/9")
    assert admits(halves, "nodes", "inbound", "icmp", address="10.0.0.0/8")
    assert not admits(halves, "nodes", "inbound", "icmp", address="10.0.0.0/7")


def test_addresses_are_counted_once() -> None:
    rules = text(
        "nodes inbound tcp 443 from 203.0.113.0/24",
        "nodes inbound udp 53 from 203.0.113.128/25",
        "database inbound tcp 25060 from 198.51.100.7",
        "nodes inbound tcp 443 from 2001:db8::/64",
        "nodes inbound tcp 443 from tag:web",
    )
    assert addresses(rules) == (257, 2**64)
    assert addresses([]) == (0, 0)
    assert addresses(text("nodes outbound icmp to 0.0.0.0/0", "nodes outbound icmp to ::/0")) == (
        2**32,
        2**128,
    )


def test_of_equal_rules_the_later_is_shadowed() -> None:
    first = Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32", "office")
    second = dataclasses.replace(first, label="again")
    assert shadowed([first, second]) == [(second, first)]
    assert shadowed([second, first]) == [(first, second)]


def test_what_shadows_is_named_in_the_order_of_the_shadowed() -> None:
    host, half, whole, other = text(
        "nodes inbound tcp 22 from 203.0.113.7",
        "nodes inbound tcp 22-23 from 203.0.113.0/25",
        "nodes inbound tcp all from 203.0.113.0/24",
        "nodes inbound udp 22 from 203.0.113.7",
    )
    assert shadowed([host, half, other, whole]) == [(host, whole), (half, whole)]


def test_two_rules_that_cover_a_third_together_shadow_nothing() -> None:
    rules = text(
        "nodes inbound tcp 22 from 203.0.113.0/24",
        "nodes inbound tcp 22 from 203.0.113.0/25",
        "nodes inbound tcp 22-23 from 203.0.113.128/25",
        "nodes inbound tcp 1-22 from 203.0.113.0/26",
    )
    assert shadowed(rules) == [(rules[1], rules[0])]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"peer": ""}, InvalidAddress),
        ({"peer": "example.com"}, InvalidAddress),
        ({"peer": "203.0.113.7/24"}, InvalidAddress),
        ({"ports": "9000-8000"}, SpecError),
        ({"ports": "0"}, SpecError),
        ({"ports": ""}, SpecError),
        ({"protocol": "icmp"}, SpecError),
        ({"protocol": "sctp"}, SpecError),
    ],
)
@pytest.mark.parametrize("use", [normal, shadowed, lambda rules: diff([], rules)])
def test_what_is_no_rule_is_refused(changes, error, use) -> None:
    rule = Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32")
    with pytest.raises(error) as caught:
        use([dataclasses.replace(rule, **changes)])
    assert caught.value.fix

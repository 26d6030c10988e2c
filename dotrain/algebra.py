"""Rule algebra: what rules admit together, and what a change of them gains and loses.

Rules are allow-lists that add up. They are taken for what they are worth, the
packets they admit, so that it makes no difference how they are split, ordered
or labelled. A peer is a network, or a name such as ``"tag:web"`` or ``"me"``
which stands for nobody but itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from dotrain.notation import is_name
from dotrain.ports import Ports, parse_ports
from dotrain.regions import (
    DIFFERENCE,
    INTERSECTION,
    UNION,
    Interval,
    Operation,
    Region,
    boxes,
    combine,
    integer_set,
    region,
    runs,
)
from dotrain.rules import Rule
from dotrain.sources import parse_network

# The spaces that peers lie in: one of each address family, and one of each name's own.
_IPV4, _IPV6 = "4", "6"
_Peer = tuple[str, int, int]
_Key = tuple[str, str, str, str]
_Regions = dict[_Key, Region]


@dataclass(frozen=True)
class Change:
    """What a change of rules does, both parts in normal form.

    Parameters
    ----------
    gained : tuple of Rule
        What is admitted after it and was not before.
    lost : tuple of Rule
        What was admitted before it and is not after.
    """

    gained: tuple[Rule, ...] = ()
    lost: tuple[Rule, ...] = ()


def normal(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules that say the same without repeating themselves, in one order.

    Two lists have the same normal form exactly when they admit the same packets.

    Examples
    --------
    >>> from dotrain.notation import format_rule, parse_rule
    >>> halves = ("nodes inbound tcp 22 from 203.0.113.0/25",
    ...           "nodes inbound tcp 22 from 203.0.113.128/25")
    >>> [format_rule(rule) for rule in normal(map(parse_rule, halves))]
    ['nodes inbound tcp 22 from 203.0.113.0/24']
    """
    return _rules(_regions(rules))


def union(one: Iterable[Rule], other: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return what either list admits, in normal form."""
    return _rules(_combine(_regions(one), _regions(other), UNION))


def intersection(one: Iterable[Rule], other: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return what both lists admit, in normal form."""
    return _rules(_combine(_regions(one), _regions(other), INTERSECTION))


def difference(one: Iterable[Rule], other: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return what `one` admits and `other` does not, in normal form.

    Examples
    --------
    >>> from dotrain.notation import format_rule, parse_rule
    >>> wide = [parse_rule("nodes inbound tcp 22-23 from 203.0.113.0/24")]
    >>> narrow = [parse_rule("nodes inbound tcp 22 from 203.0.113.0/24")]
    >>> [format_rule(rule) for rule in difference(wide, narrow)]
    ['nodes inbound tcp 23 from 203.0.113.0/24']
    """
    return _rules(_combine(_regions(one), _regions(other), DIFFERENCE))


def subsumes(one: Iterable[Rule], other: Iterable[Rule]) -> bool:
    """Return whether `one` admits everything that `other` does."""
    return not _combine(_regions(other), _regions(one), DIFFERENCE)


def overlaps(one: Iterable[Rule], other: Iterable[Rule]) -> bool:
    """Return whether some packet is admitted by both."""
    return bool(_combine(_regions(one), _regions(other), INTERSECTION))


def same(one: Iterable[Rule], other: Iterable[Rule]) -> bool:
    """Return whether both admit the same packets."""
    return _regions(one) == _regions(other)


def admits(
    rules: Iterable[Rule],
    layer: str,
    direction: str,
    protocol: str,
    *,
    port: int = 0,
    address: str,
) -> bool:
    """Return whether a packet passes one layer.

    Parameters
    ----------
    rules : iterable of Rule
        The rules; those of other layers don't count.
    layer, direction, protocol : str
        As in a rule.
    port : int
        The port it is for; 0 for ICMP, which has none.
    address : str
        Where it comes from, or goes to. Of a network, all packets have to pass.

    Examples
    --------
    >>> from dotrain.notation import parse_rule
    >>> rules = [parse_rule("nodes inbound tcp 8000-9000 from 203.0.113.0/24")]
    >>> admits(rules, "nodes", "inbound", "tcp", port=8080, address="203.0.113.7")
    True
    """
    packet = Rule(
        layer=layer,
        direction=direction,
        protocol=protocol,
        ports=str(port) if port else "",
        peer=address,
    )
    return subsumes(rules, [packet])


def diff(before: Iterable[Rule], after: Iterable[Rule]) -> Change:
    """Return who gains and who loses access when `after` takes the place of `before`.

    Examples
    --------
    >>> from dotrain.notation import parse_rule
    >>> before = [parse_rule("nodes inbound tcp 22 from 203.0.113.0/24")]
    >>> after = [*before, parse_rule("nodes inbound tcp 22 from 203.0.113.7")]
    >>> diff(before, after)
    Change(gained=(), lost=())
    """
    old, new = _regions(before), _regions(after)
    return Change(
        gained=_rules(_combine(new, old, DIFFERENCE)),
        lost=_rules(_combine(old, new, DIFFERENCE)),
    )


def apply(before: Iterable[Rule], change: Change) -> tuple[Rule, ...]:
    """Return what `before` admits after a change, in normal form."""
    kept = _combine(_regions(before), _regions(change.lost), DIFFERENCE)
    return _rules(_combine(kept, _regions(change.gained), UNION))


def addresses(rules: Iterable[Rule]) -> tuple[int, int]:
    """Return how many IPv4 and IPv6 addresses the rules name, each counted once.

    Examples
    --------
    >>> from dotrain.notation import parse_rule
    >>> addresses([parse_rule("nodes inbound tcp 443 from 203.0.113.0/24")])
    (256, 0)
    """
    spans: dict[str, set[Interval]] = defaultdict(set)
    for rule in rules:
        space, first, last = _peer(rule.peer)
        spans[space].add((first, last))
    v4, v6 = (
        sum(last - first + 1 for first, last in runs(integer_set(frozenset(spans[space]))))
        for space in (_IPV4, _IPV6)
    )
    return v4, v6


def shadowed(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Return the rules that one other rule makes superfluous, each with that one.

    Of equal rules, the first stays. The rule named as the other is superfluous
    itself in no case, so all of those found can go at once.

    Examples
    --------
    >>> from dotrain.notation import parse_rule
    >>> wide = parse_rule("nodes inbound tcp all from 203.0.113.0/24")
    >>> narrow = parse_rule("nodes inbound tcp 22 from 203.0.113.7")
    >>> shadowed([narrow, wide]) == [(narrow, wide)]
    True
    """
    ordered = list(rules)
    kept: dict[tuple[_Key, int, int], list[tuple[Ports, Rule]]] = defaultdict(list)
    sizes: dict[_Key, set[int]] = defaultdict(set)
    found: dict[int, tuple[Rule, Rule]] = {}
    # Widest first, so that what could cover a rule has been seen before it.
    for _, _, place in sorted(_extent(rule, place) for place, rule in enumerate(ordered)):
        rule = ordered[place]
        key, first, last, ports = _parts(rule)
        size = last - first + 1
        cover = next(
            (
                wide
                for other in sizes[key]
                for held, wide in kept.get((key, first // other, other), ())
                if held.first <= ports.first and ports.last <= held.last
            ),
            None,
        )
        if cover:
            found[place] = (rule, cover)
        else:
            kept[key, first // size, size].append((ports, rule))
            sizes[key].add(size)
    return [found[place] for place in sorted(found)]


def _extent(rule: Rule, place: int) -> tuple[int, int, int]:
    _, first, last, ports = _parts(rule)
    return first - last, ports.first - ports.last, place


def _parts(rule: Rule) -> tuple[_Key, int, int, Ports]:
    space, first, last = _peer(rule.peer)
    key = (rule.layer, rule.direction, rule.protocol, space)
    return key, first, last, parse_ports(rule.ports, rule.protocol)


@lru_cache(maxsize=4096)
def _peer(peer: str) -> _Peer:
    """Return the space of a peer, and its first and last address there."""
    if is_name(peer):
        return peer, 0, 0
    network = parse_network(peer)
    first = int(network.network_address)
    size = 1 << (network.max_prefixlen - network.prefixlen)
    space = _IPV4 if isinstance(network, IPv4Network) else _IPV6
    return space, first, first + size - 1


def _regions(rules: Iterable[Rule]) -> _Regions:
    networks: dict[_Key, dict[Interval, set[Interval]]] = {}
    for rule in rules:
        key, first, last, ports = _parts(rule)
        held = networks.setdefault(key, {}).setdefault((first, last), set())
        held.add((ports.first, ports.last))
    return {key: region(held) for key, held in networks.items()}


def _combine(one: _Regions, other: _Regions, operation: Operation) -> _Regions:
    combined = {
        key: combine(one.get(key, ()), other.get(key, ()), operation) for key in {*one, *other}
    }
    return {key: packets for key, packets in combined.items() if packets}


def _rules(regions: _Regions) -> tuple[Rule, ...]:
    # By number, and not by text: port 22 comes before port 1000.
    ordered = sorted(
        (layer, direction, protocol, ports, space, first, bits)
        for (layer, direction, protocol, space), packets in regions.items()
        for first, bits, ports in boxes(packets)
    )
    return tuple(
        Rule(
            layer=layer,
            direction=direction,
            protocol=protocol,
            ports=str(Ports(*ports)),
            peer=_peer_text(space, first, bits),
        )
        for layer, direction, protocol, ports, space, first, bits in ordered
    )


@lru_cache(maxsize=4096)
def _peer_text(space: str, first: int, bits: int) -> str:
    if space == _IPV4:
        return str(IPv4Network((first, 32 - bits)))
    if space == _IPV6:
        return str(IPv6Network((first, 128 - bits)))
    return space

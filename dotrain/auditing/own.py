"""Checks of dotrain's own clusters: what is in force against what was asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from dotrain.auditing.estate import Estate
from dotrain.auditing.finding import Hit, described, listed
from dotrain.auditing.reach import V4, V6, Block, Opening, blocks, merged, openings, pieces
from dotrain.rules import Rule

_Ports = tuple[int, int]
_Spans = list[tuple[int, int]]
_Traffic = tuple[str, str, str]
# The addresses of each version, and the peers that are no addresses.
_Peers = tuple[dict[int, _Spans], set[str]]
_MOST_ADDRESSES = 4


class _Asked:
    """Rules that were asked for, to look up what they let pass together.

    Addresses and ports count, not texts: a /24 that is in force as two /25 is
    what was asked for.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        # By their ports first: there are few ranges, however many addresses.
        self._openings: dict[_Traffic, dict[_Ports, list[Opening]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for one in _without_ports(openings(rules)):
            self._openings[_traffic(one)][one.ports].append(one)
        self._known: dict[tuple[_Traffic, _Ports], _Peers] = {}
        self._cut: dict[tuple[_Traffic, _Ports], list[_Peers]] = {}

    def holds(self, opening: Opening) -> bool:
        """Return whether everything that `opening` lets pass was asked for."""
        key = _traffic(opening), opening.ports
        if key not in self._cut:
            asked = pieces(self._openings[key[0]], opening.ports)
            self._cut[key] = [self._at(key[0], piece) for piece in asked]
        for spans, peers in self._cut[key]:
            if opening.block is None:
                if opening.rule.peer not in peers:
                    return False
            elif not _holds(spans[opening.block.bits], opening.block):
                return False
        return True

    def _at(self, traffic: _Traffic, piece: _Ports) -> _Peers:
        """Return the addresses, and the other peers, that may use these ports."""
        if (traffic, piece) not in self._known:
            found = [
                one
                for ports, some in self._openings[traffic].items()
                if ports[0] <= piece[0] and piece[1] <= ports[1]
                for one in some
            ]
            spans = {
                bits: merged(one.block for one in found if one.block and one.block.bits == bits)
                for bits in (V4, V6)
            }
            self._known[traffic, piece] = spans, {one.rule.peer for one in found if not one.block}
        return self._known[traffic, piece]


def _holds(spans: _Spans, block: Block) -> bool:
    # Of sorted spans, only the last that begins at or before the block may hold it.
    number = bisect_right(spans, block.first, key=lambda span: span[0]) - 1
    return number >= 0 and block.last <= spans[number][1]


def _traffic(opening: Opening) -> _Traffic:
    rule = opening.rule
    return rule.layer, rule.direction, rule.protocol


def _without_ports(found: Iterable[Opening]) -> list[Opening]:
    # A control plane and a database have one port each, which DigitalOcean
    # chooses: their firewalls name none, and neither may a spec.
    return [one if one.rule.layer == "nodes" else one._replace(ports=(0, 0)) for one in found]


def expired_in_force(estate: Estate) -> Iterator[Hit]:
    """Find rules whose time is over and whose peers are still let in.

    Such access is in force through a rule that nothing else asks for: dotrain
    was not called since, and no ``dotrain sweep`` runs.
    """
    for cluster, own in estate.own.items():
        asked = _Asked(own.wanted)
        over = [one for one in _without_ports(openings(own.expired)) if not asked.holds(one)]
        if not over:
            continue
        for kind, name, found in estate.in_force(cluster):
            surplus = [one for one in _without_ports(found) if not asked.holds(one)]
            for ended in over:
                through = [one.rule for one in surplus if _meet(ended, one)]
                if through:
                    label = f" ({ended.rule.label})" if ended.rule.label else ""
                    yield Hit(
                        kind,
                        name,
                        f"{described([ended.rule])}{label} has expired and is still in force, "
                        f"by {described(through)}.",
                        f"Run cluster.up() on {cluster}, and 'dotrain sweep' regularly.",
                    )


def _meet(one: Opening, other: Opening) -> bool:
    return (
        _traffic(one) == _traffic(other)
        and one.ports[0] <= other.ports[1]
        and other.ports[0] <= one.ports[1]
        and (
            _overlap(one.block, other.block)
            if one.block and other.block
            else one.rule.peer == other.rule.peer
        )
    )


def _overlap(one: Block, other: Block) -> bool:
    # Networks lie in each other or apart.
    shorter = min(one.prefix, other.prefix)
    return one.bits == other.bits and one.widened(shorter) == other.widened(shorter)


def unused_rules(estate: Estate) -> Iterator[Hit]:
    """Find rules in force on clusters of dotrain's own that no spec asks for.

    Somebody added them by hand, or an apply stopped half-way. Rules that have
    expired are `expired_in_force`'s to report.
    """
    for cluster, own in estate.own.items():
        asked = _Asked([*own.wanted, *own.expired])
        for kind, name, found in estate.in_force(cluster):
            surplus = [one.rule for one in _without_ports(found) if not asked.holds(one)]
            if surplus:
                yield Hit(
                    kind,
                    name,
                    f"Nobody asked for {described(surplus)}.",
                    f"Run cluster.up() on {cluster} to remove it, allow() it if it is meant, or "
                    "delete the firewall if dotrain did not make it.",
                )


def own_address_stale(estate: Estate) -> Iterator[Hit]:
    """Find clusters that know this machine by an address it no longer has.

    The old address may be somebody else's by now, and they would enter in this
    machine's place.
    """
    now = blocks(estate.address)
    for cluster, own in estate.own.items():
        recorded = blocks(own.me)
        if not now or not recorded:
            continue
        # An address of a version that was never recorded is no move: machines
        # gain and lose IPv6 by the hour. With no version in common, it is one.
        common = {one.bits for one in now} & {one.bits for one in recorded}
        moved = [
            text
            for text, one in zip(estate.address, now, strict=True)
            if (one.bits in common or not common)
            and not any(one.prefix >= old.prefix and _overlap(one, old) for old in recorded)
        ]
        if moved:
            yield Hit(
                "cluster",
                cluster,
                f"This machine is at {listed(moved, _MOST_ADDRESSES)}, and 'me' still stands for "
                f"{listed(own.me, _MOST_ADDRESSES)}.",
                "Run cluster.allow_me(), or keep 'dotrain allow-me --watch' running.",
            )

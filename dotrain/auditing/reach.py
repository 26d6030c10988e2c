"""Addresses and ports as numbers, so that an audit compares sets and never texts.

A firewall may hold 50,000 addresses. They are parsed once, sorted and merged,
and looked up by their prefixes; nothing compares each with each.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from dotrain.rules import Rule

V4, V6 = 32, 128
_ALL_PORTS = 1, 65535


class Block(NamedTuple):
    """A network.

    Parameters
    ----------
    bits : int
        The length of its addresses: 32 or 128.
    first : int
        Its first address.
    prefix : int
        The length of its prefix.
    """

    bits: int
    first: int
    prefix: int

    @property
    def last(self) -> int:
        """The last address."""
        return self.first + self.size - 1

    @property
    def size(self) -> int:
        """The number of addresses."""
        return 1 << (self.bits - self.prefix)

    def widened(self, prefix: int) -> Block:
        """Return the network with this shorter prefix that this one lies in."""
        shift = self.bits - prefix
        return Block(self.bits, self.first >> shift << shift, prefix)


class Opening(NamedTuple):
    """A rule, with its ports and its peer as numbers.

    Parameters
    ----------
    rule : Rule
        The rule.
    ports : tuple of int
        The first and the last port; of ICMP, which has none, all.
    block : Block or None
        The peer's addresses; None when the peer is a tag, a Droplet or the like.
    """

    rule: Rule
    ports: tuple[int, int]
    block: Block | None

    @property
    def everywhere(self) -> bool:
        """Whether the peer is every address of its version."""
        return self.block is not None and not self.block.prefix

    def admits(self, protocol: str, port: int) -> bool:
        """Return whether it lets this port pass."""
        return self.rule.protocol == protocol and self.ports[0] <= port <= self.ports[1]


@lru_cache(maxsize=1 << 16)
def block(text: str) -> Block | None:
    """Return the network that `text` names, None when it names none."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return Block(network.max_prefixlen, int(network.network_address), network.prefixlen)


def blocks(texts: Iterable[str]) -> list[Block]:
    """Return the networks among `texts`."""
    return [found for found in map(block, texts) if found]


@lru_cache(maxsize=1 << 12)
def _ports(text: str) -> tuple[int, int]:
    if text in ("", "all"):
        return _ALL_PORTS
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def openings(rules: Iterable[Rule]) -> tuple[Opening, ...]:
    """Return rules with their ports and peers as numbers."""
    return tuple(Opening(rule, _ports(rule.ports), block(rule.peer)) for rule in rules)


def merged(found: Iterable[Block]) -> list[tuple[int, int]]:
    """Return the first and last addresses of the fewest spans that hold the same addresses.

    All blocks are of one version.
    """
    spans: list[tuple[int, int]] = []
    for first, last in sorted((one.first, one.last) for one in found):
        if spans and first <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return spans


# Addresses that nobody on the Internet has: who admits all others admits everybody.
_NOBODY = {
    V4: blocks(
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "224.0.0.0/3",
        )
    ),
    V6: blocks(("::/3", "4000::/2", "8000::/1")),
}
_SOMEBODY = {bits: (1 << bits) - sum(one.size for one in some) for bits, some in _NOBODY.items()}


def may_be_everybody(size: int, bits: int) -> bool:
    """Return whether networks of so many addresses may be everybody; cheap, to ask first."""
    return size >= _SOMEBODY[bits]


def everybody(found: Iterable[Block], bits: int) -> bool:
    """Return whether networks together hold every public address of a version."""
    of_version = [one for one in found if one.bits == bits]
    if not may_be_everybody(sum(one.size for one in of_version), bits):
        return False
    return merged([*of_version, *_NOBODY[bits]]) == [(0, (1 << bits) - 1)]


def pieces(ranges: Iterable[tuple[int, int]], within: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Cut a range of ports where other ranges begin or end.

    Examples
    --------
    >>> list(pieces([(22, 22)], (1, 100)))
    [(1, 21), (22, 22), (23, 100)]
    """
    start, stop = within
    cuts = {start, stop + 1}
    for first, last in ranges:
        cuts.update(cut for cut in (first, last + 1) if start < cut <= stop)
    ordered = sorted(cuts)
    for first, following in pairwise(ordered):
        yield first, following - 1

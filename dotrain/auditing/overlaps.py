"""Checks of what the rules of one firewall make together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dotrain.auditing.estate import Estate, Guard
from dotrain.auditing.finding import Hit, described, listed
from dotrain.auditing.reach import V4, V6, Block, Opening, everybody, may_be_everybody, pieces

_MOST_PAIRS = 4
_DNS = 53
_Ports = tuple[int, int]


def open_by_parts(estate: Estate) -> Iterator[Hit]:
    """Find firewalls whose sources together are everybody, though none of them is.

    0.0.0.0/1 and 128.0.0.0/1 pass every check that looks at one source at a
    time. For each protocol and each port the sources of all rules that admit
    it are added up, and with them the addresses that nobody on the Internet
    has. See https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/
    """
    for guard in estate.changeable:
        for traffic, bits, found in _parts(guard):
            yield Hit(
                "firewall",
                guard.name,
                f"Everybody with an IPv{4 if bits == V4 else 6} address may enter on {traffic}, "
                f"by rules that together are everybody: {described(one.rule for one in found)}.",
                "Name the addresses that need to enter, and no others.",
            )


def _parts(guard: Guard) -> Iterator[tuple[str, int, list[Opening]]]:
    groups: dict[tuple[str, int], list[Opening]] = defaultdict(list)
    for one in guard.going("inbound"):
        if one.block:
            groups[one.rule.protocol, one.block.bits].append(one)
    for (protocol, bits), some in groups.items():
        by_ports: dict[_Ports, list[Opening]] = defaultdict(list)
        for one in some:
            by_ports[one.ports].append(one)
        open_pieces: list[_Ports] = []
        parts: dict[Opening, None] = {}
        # With at most 50 rules there are few ranges, however many addresses:
        # the sizes alone rule out nearly every piece without sorting any.
        sizes = {ports: sum(_size(one) for one in same) for ports, same in by_ports.items()}
        for piece in pieces(by_ports, (min(by_ports)[0], max(last for _, last in by_ports))):
            covering = [
                ports for ports in by_ports if ports[0] <= piece[0] and piece[1] <= ports[1]
            ]
            if not may_be_everybody(sum(sizes[ports] for ports in covering), bits):
                continue
            admitted = [one for ports in covering for one in by_ports[ports]]
            # One entry that is everybody is DIG-0001's to report.
            if any(one.everywhere for one in admitted):
                continue
            if everybody((one.block for one in admitted if one.block), bits):
                open_pieces.append(piece)
                parts.update(dict.fromkeys(admitted))
        if open_pieces:
            yield _traffic(protocol, open_pieces), bits, list(parts)


def _size(opening: Opening) -> int:
    return opening.block.size if opening.block else 0


def _traffic(protocol: str, found: Sequence[_Ports]) -> str:
    if protocol == "icmp":
        return protocol
    ports = (str(first) if first == last else f"{first}-{last}" for first, last in found)
    return f"{protocol} {listed(ports, _MOST_PAIRS)}"


def shadowed(estate: Estate) -> Iterator[Hit]:
    """Find rules that another of the same firewall covers.

    Such a rule admits nothing of its own. Who removes it believes to have closed
    something, and has not. See
    https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/
    """
    for guard in estate.changeable:
        pairs = [
            f"{described([one.rule])} is within {described([other.rule])}"
            for one, other in _shadowed(guard.openings)
        ]
        if pairs:
            yield Hit(
                "firewall",
                guard.name,
                f"Rules admit nothing of their own: {listed(pairs, _MOST_PAIRS, '; ')}.",
                "Remove them, or the wider rules if these are what was meant.",
            )


def _shadowed(found: Sequence[Opening]) -> Iterator[tuple[Opening, Opening]]:
    """Yield each opening that another covers, with that one.

    Networks either lie in each other or apart, so what covers one is among its
    own wider prefixes: a few look-ups for each, and no comparison of all pairs.
    """
    index: dict[tuple[str, str, Block | str], list[int]] = defaultdict(list)
    prefixes: dict[int, set[int]] = {V4: set(), V6: set()}
    for number, one in enumerate(found):
        index[one.rule.direction, one.rule.protocol, one.block or one.rule.peer].append(number)
        if one.block:
            prefixes[one.block.bits].add(one.block.prefix)
    for number, one in enumerate(found):
        wider: list[Block | str] = (
            [
                one.block.widened(length)
                for length in prefixes[one.block.bits]
                if length <= one.block.prefix
            ]
            if one.block
            else [one.rule.peer]
        )
        candidates = (
            other
            for peer in wider
            for other in index.get((one.rule.direction, one.rule.protocol, peer), ())
        )
        for other in sorted(candidates):
            covering = found[other]
            if not (covering.ports[0] <= one.ports[0] and one.ports[1] <= covering.ports[1]):
                continue
            # Of two that are the same, the first one stays.
            same = (covering.ports, covering.block) == (one.ports, one.block)
            if other < number if same else True:
                yield one, covering
                break


def no_dns(estate: Estate) -> Iterator[Hit]:
    """Find firewalls behind which no name resolves: udp 53 is closed.

    Many examples open tcp 53 alone, and nothing resolves. A firewall beside
    another of the owner's that lets names be asked for is no finding. That
    DOKS' own firewalls let everything out today does not count: nobody
    promises it. See
    https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/
    """
    asking = {
        guard
        for guard in estate.changeable
        if any(one.admits("udp", _DNS) for one in guard.going("outbound"))
    }
    selected: dict[Guard, list[bool]] = defaultdict(list)
    for _, guards in estate.guarded:
        served = any(guard in asking for guard in guards)
        for guard in guards:
            selected[guard].append(served)
    for guard in estate.changeable:
        droplets = selected[guard]
        if guard in asking or (droplets and all(droplets)):
            continue
        out = described(one.rule for one in guard.going("outbound"))
        yield Hit(
            "firewall",
            guard.name,
            f"No name resolves behind it: udp 53 is closed; open is {out or 'nothing'}.",
            "Let udp 53 and tcp 53 out, at least to the resolvers.",
        )

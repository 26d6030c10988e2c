"""The text form of a rule, to be typed and shown."""

from __future__ import annotations

import re

from dotrain.errors import SpecError
from dotrain.ports import parse_ports
from dotrain.rules import Rule
from dotrain.sources import ME, parse_network

LAYERS = ("nodes", "control-plane", "database", "doks-managed")
_PREPOSITION = {"inbound": "from", "outbound": "to"}

_TEXT = re.compile(r"(\S+)\s+(\S+)\s+(\S+)\s+(?:(\S+)\s+)?(from|to)\s+(\S.*)")
# A kind, a colon and an id. What only has characters of an IPv6 address is none.
_NAME = re.compile(r"(?![0-9a-fA-F:./]*(?:%|$))[a-z][a-z0-9 _-]*:[^\s/]\S*")


def parse_rule(text: str) -> Rule:
    """Return the rule that `text` describes, without a label.

    Raises
    ------
    SpecError
        When it describes none.
    InvalidAddress
        When its peer is neither a network nor a name.

    Examples
    --------
    >>> parse_rule("nodes inbound tcp 22 from 203.0.113.7").peer
    '203.0.113.7/32'
    """
    match = _TEXT.fullmatch(text.strip())
    if not match:
        raise SpecError(
            f"{text!r} is not a rule.",
            "A rule has a layer, a direction, a protocol, ports and a peer, in this order.",
            "Write it like 'nodes inbound tcp 22 from 203.0.113.0/24'.",
        )
    layer, direction, protocol, ports, preposition, peer = match.groups(default="")
    for word, meaning, choices in (
        (layer, "layer", LAYERS),
        (direction, "direction", tuple(_PREPOSITION)),
    ):
        if word not in choices:
            raise SpecError(
                f"{word!r} is not a {meaning}.", fix=f"Give one of {', '.join(choices)}."
            )
    if preposition != _PREPOSITION[direction]:
        raise SpecError(
            f"An {direction} rule has no '{preposition}'.",
            "Traffic comes in from a peer and goes out to one.",
            f"Write '{_PREPOSITION[direction]} {peer}', or the other direction.",
        )
    return Rule(
        layer=layer,
        direction=direction,
        protocol=protocol,
        ports=str(parse_ports(ports, protocol)),
        peer=peer if is_name(peer) else str(parse_network(peer)),
    )


def format_rule(rule: Rule) -> str:
    """Return a rule as text that `parse_rule` reads.

    Examples
    --------
    >>> format_rule(Rule("nodes", "outbound", "udp", "53", "0.0.0.0/0", "dns"))
    'nodes outbound udp 53 to 0.0.0.0/0'
    """
    words = (rule.layer, rule.direction, rule.protocol, rule.ports)
    return " ".join((*filter(None, words), _PREPOSITION[rule.direction], rule.peer))


def is_name(peer: str) -> bool:
    """Return whether a peer is a name, and so no network: a kind and an id, or ``"me"``.

    Examples
    --------
    >>> is_name("tag:web"), is_name("2001:db8::/32")
    (True, False)
    """
    return peer == ME or bool(_NAME.fullmatch(peer))

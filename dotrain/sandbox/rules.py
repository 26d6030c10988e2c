"""A firewall's rules: read, checked, and written the one way the API shows them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from dotrain.sandbox.answers import Doc, invalid
from dotrain.sandbox.validate import check_address

if TYPE_CHECKING:
    from dotrain.sandbox.validate import Fields

# Which list of rules names its other end how.
SIDES = {"inbound_rules": "sources", "outbound_rules": "destinations"}
MOST_RULES = 50
_MOST_ENTRIES = 1000
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_LAST_PORT = 65535
_TEXTS = ("addresses", "tags", "load_balancer_uids", "kubernetes_ids")
# All ports, and what stands for them in answers.
_ALL = "0"


def read(rule: Fields, side: str) -> Doc:
    """Return a rule in its normal form; fields unknown here are kept as they came."""
    protocol = rule.choice("protocol", ("tcp", "udp", "icmp"))
    ports = rule.text("ports", "")
    return {
        **rule.data,
        "protocol": protocol,
        "ports": _icmp_ports(ports, rule) if protocol == "icmp" else _ports(ports, rule),
        side: _ends(rule.block(side)),
    }


def same(one: Doc, other: Doc) -> bool:
    """Return whether two rules in normal form mean the same."""
    return _meaning(one) == _meaning(other)


def _icmp_ports(ports: str, rule: Fields) -> str:
    # "0" and "all" are accepted: it is how the API itself shows such a rule.
    if ports not in ("", _ALL, "all"):
        raise invalid(f"{rule.name('ports')} must not be given for icmp.")
    return _ALL


def _ports(ports: str, rule: Fields) -> str:
    if ports in (_ALL, "all"):
        return _ALL
    if not ports:
        raise invalid(f"{rule.name('ports')} is required for tcp and udp.")
    found = _PORTS.fullmatch(ports)
    first = int(found[1]) if found else 0
    last = int(found[2] or first) if found else 0
    if not 1 <= first <= last <= _LAST_PORT:
        raise invalid(
            f"{rule.name('ports')}: {ports!r} is no port, range such as 8000-9000, or 'all'."
        )
    return ports


def _ends(block: Fields) -> Doc:
    for key in _TEXTS:
        if any(not value for value in block.texts(key)):
            raise invalid(f"{block.name(key)} must not contain an empty value.")
    for address in block.texts("addresses"):
        check_address(address, block.name("addresses"))
    block.tags()
    block.numbers("droplet_ids")
    ends = {key: value for key, value in block.data.items() if value not in (None, [])}
    if not any(key in ends for key in (*_TEXTS, "droplet_ids")):
        raise invalid(f"{block.name('addresses')}: a rule needs at least one other end.")
    if sum(len(value) for value in ends.values() if isinstance(value, list)) > _MOST_ENTRIES:
        raise invalid(f"{block.name('addresses')}: at most {_MOST_ENTRIES} entries in a rule.")
    return ends


def _meaning(rule: Doc) -> str:
    ends = {
        side: {key: sorted(map(str, value)) for key, value in rule[side].items()}
        for side in SIDES.values()
        if side in rule
    }
    return json.dumps({**rule, **ends}, sort_keys=True)

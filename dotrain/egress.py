"""What nodes may reach: presets, and rules of one's own.

======  ==============================================================
web     DNS, NTP, HTTP and HTTPS, to everywhere
open    everything
locked  DNS and NTP alone; name the rest: ``"tcp 443 to 203.0.113.0/24"``
======  ==============================================================

DNS is udp and tcp: with tcp alone, as many examples have it, no name resolves.
Rules add up, and DigitalOcean's own firewall on the nodes of a cluster lets
everything out; so what is locked here is locked for other Droplets on the tag,
and says what training needs, but does not hold a determined program back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dotrain.errors import SpecError
from dotrain.ports import parse_ports
from dotrain.sources import parse_network

EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Way:
    """One way out.

    Parameters
    ----------
    label : str
        What it is for.
    protocol : str
        ``"tcp"``, ``"udp"`` or ``"icmp"``.
    ports : str
        A port, a range, ``"all"``, or empty for ICMP.
    to : tuple of str
        The CIDRs it leads to.
    """

    label: str
    protocol: str
    ports: str
    to: tuple[str, ...] = EVERYWHERE


_NAMES = (Way("dns", "udp", "53"), Way("dns", "tcp", "53"), Way("ntp", "udp", "123"))
PRESETS = {
    "web": (*_NAMES, Way("http", "tcp", "80"), Way("https", "tcp", "443")),
    "open": (Way("any", "tcp", "all"), Way("any", "udp", "all"), Way("any", "icmp", "")),
    "locked": _NAMES,
}


def ways(entries: Sequence[str]) -> list[Way]:
    """Return the ways out that `entries` stand for, each once.

    Parameters
    ----------
    entries : sequence of str
        Presets, and rules such as ``"tcp 443 to 203.0.113.0/24"``.

    Raises
    ------
    SpecError
        When an entry is neither.
    InvalidAddress
        When a rule leads to no network.

    Examples
    --------
    >>> [way.label for way in ways(("locked", "tcp 443 to 203.0.113.0/24"))]
    ['dns', 'dns', 'ntp', 'own']
    """
    found: list[Way] = []
    for entry in entries:
        found += PRESETS.get(entry) or [_own(entry)]
    return list(dict.fromkeys(found))


def check(entries: Sequence[str]) -> None:
    """Raise unless `entries` name ways out; raises as `ways` does."""
    if isinstance(entries, str) or not entries:
        raise SpecError(
            f"{entries!r} is not a list of ways out.",
            "Nodes that reach nothing cannot pull an image.",
            f"Give at least one of {', '.join(PRESETS)}.",
        )
    ways(entries)


def _own(entry: str) -> Way:
    what, _, network = str(entry).partition(" to ")
    protocol, _, ports = what.partition(" ")
    if protocol not in ("tcp", "udp", "icmp") or not network:
        raise SpecError(
            f"{entry!r} is not a choice of egress.",
            f"It is none of the presets {', '.join(PRESETS)}, and no rule.",
            "Choose a preset, or write a rule: 'tcp 443 to 203.0.113.0/24'.",
        )
    return Way("own", protocol, str(parse_ports(ports, protocol)), (str(parse_network(network)),))

"""Addresses and networks: read them, and put them together.

DigitalOcean's firewalls take IPv4 and IPv6 on nodes, and IPv4 only on the
control plane and on databases.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from dotrain.errors import InvalidAddress

ME = "me"
_WORLD_V4, _WORLD_V6 = 8, 16

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_network(text: object) -> Network:
    """Return the network an address or CIDR names.

    Raises
    ------
    InvalidAddress
        When it names none, or has bits set beyond its prefix.

    Examples
    --------
    >>> parse_network("203.0.113.7")
    IPv4Network('203.0.113.7/32')
    """
    if isinstance(text, str) and not text.strip():
        raise InvalidAddress(
            "An empty address lets nobody in.",
            "DigitalOcean refuses an empty source address.",
            "Give 'me', an address such as '203.0.113.7' or a CIDR such as '203.0.113.0/24'.",
        )
    try:
        if "%" in str(text):
            raise ValueError(text)  # noqa: TRY301 - a zone means something on one link only
        return ipaddress.ip_network(str(text).strip(), strict=True)
    except ValueError as error:
        raise InvalidAddress(
            f"{text!r} is not an IP address or CIDR.",
            f"{_reason(str(text))}.",
            "Give 'me', an address such as '203.0.113.7' or a CIDR such as '203.0.113.0/24'.",
        ) from error


def _reason(text: str) -> str:
    try:
        loose = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return "Firewalls know addresses only, no host names"
    return f"It has bits set beyond its prefix; the network it lies in is {loose}"


def is_world(network: Network) -> bool:
    """Return whether a network is so wide that letting it in is letting the world in.

    Nobody owns more than a /8 of IPv4, and no site gets more than a /16 of
    IPv6; 2000::/3 is all there is of public IPv6.
    """
    return network.prefixlen < (_WORLD_V4 if network.version == 4 else _WORLD_V6)  # noqa: PLR2004


def collapse(networks: Iterable[Network]) -> list[Network]:
    """Return the fewest networks that hold the same addresses, IPv4 first."""
    networks = list(networks)
    v4 = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    v6 = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6)]

"""Ports of a rule: one, a range, all of them, or none for ICMP."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from dotrain.errors import SpecError

PROTOCOLS = ("tcp", "udp", "icmp")
_FIRST, _LAST = 1, 65535
_ALL = "all"
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_CHOICES = "Give a port such as '22', a range such as '8000-9000', or 'all'."


@dataclass(frozen=True, order=True)
class Ports:
    """Consecutive ports, both ends included.

    Parameters
    ----------
    first : int
        The lowest port, from 1.
    last : int
        The highest port, up to 65535.

    Raises
    ------
    SpecError
        When a port does not exist, or the last comes before the first.

    Examples
    --------
    >>> str(Ports(8000, 9000)), str(Ports(22, 22)), str(Ports(1, 65535))
    ('8000-9000', '22', 'all')
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        # No port has the number 0, so 0 to 0 can stand for a protocol without ports.
        if (self.first, self.last) == (0, 0):
            return
        for port in (self.first, self.last):
            if not _FIRST <= port <= _LAST:
                raise SpecError(
                    f"There is no port {port}.", f"Ports go from {_FIRST} to {_LAST}.", _CHOICES
                )
        if self.last < self.first:
            raise SpecError(
                f"The ports {self.first}-{self.last} hold none.",
                "A range goes from the lower port to the higher.",
                f"Give '{self.last}-{self.first}'.",
            )

    def __str__(self) -> str:
        if self == NO_PORTS:
            return ""
        if (self.first, self.last) == (_FIRST, _LAST):
            return _ALL
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


NO_PORTS = Ports(0, 0)


@lru_cache(maxsize=1024)
def parse_ports(text: str, protocol: str) -> Ports:
    """Return the ports that `text` names; ``str`` of them is its shortest spelling.

    Parameters
    ----------
    text : str
        A port, a range such as ``"8000-9000"``, ``"all"``, or empty for ICMP.
    protocol : str
        ``"tcp"``, ``"udp"`` or ``"icmp"``.

    Raises
    ------
    SpecError
        When the protocol is unknown, `text` names no ports, or the two don't go together.

    Examples
    --------
    >>> parse_ports("8000-9000", "tcp")
    Ports(first=8000, last=9000)
    >>> parse_ports("", "icmp") == NO_PORTS
    True
    """
    if protocol not in PROTOCOLS:
        raise SpecError(
            f"{protocol!r} is not a protocol that a firewall knows.",
            fix="Give 'tcp', 'udp' or 'icmp'.",
        )
    if protocol == "icmp":
        if text:
            raise SpecError(
                "ICMP has no ports.", f"{text!r} was given for them.", "Leave the ports out."
            )
        return NO_PORTS
    if not text:
        raise SpecError(f"A {protocol} rule needs ports.", "None were given.", _CHOICES)
    if text == _ALL:
        return Ports(_FIRST, _LAST)
    match = _RANGE.fullmatch(text)
    if not match:
        raise SpecError(
            f"{text!r} is not a port.", "Ports are numbers, or two with a '-' between.", _CHOICES
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if first == last == 0:
        raise SpecError("There is no port 0.", f"Ports go from {_FIRST} to {_LAST}.", _CHOICES)
    return Ports(first, last)

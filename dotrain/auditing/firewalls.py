"""Checks of one firewall at a time that others publish, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dotrain.auditing.estate import Estate, Guard
from dotrain.auditing.finding import INFO, Hit, described
from dotrain.auditing.reach import Opening

# What Checkov and ScoutSuite compare with, letter by letter.
_QUAD_ZERO = ("0.0.0.0/0", "::/0")
_NARROW = "Name the addresses that need to enter, for example cluster.allow('me')."


def unrestricted_ingress(estate: Estate) -> Iterator[Hit]:
    """Find firewalls that let every address in.

    Trivy's DIG-0001 compares each source with 0.0.0.0/0, ::/0 and ::/0 written
    out; here it is any network without a prefix. What the firewalls of DOKS
    let in is told at INFO: it follows the cluster's NodePort services.
    """
    for guard in estate.guards:
        if guard.managed:
            fix = "Make the NodePort service a ClusterIP: DigitalOcean then closes its port itself."
            yield from _hit(guard, "inbound", _everywhere(guard, "inbound"), fix, INFO)
        else:
            yield from _hit(guard, "inbound", _everywhere(guard, "inbound"), _NARROW)


def unrestricted_egress(estate: Estate) -> Iterator[Hit]:
    """Find firewalls that let traffic out to every address.

    Trivy's DIG-0003, compared like DIG-0001. Nodes that pull images and data
    from the open web trip it: accept that with a suppression that says so.
    """
    fix = "Name the addresses that nodes need to reach, or suppress it with the reason."
    for guard in estate.changeable:
        yield from _hit(guard, "outbound", _everywhere(guard, "outbound"), fix)


def wide_open_ingress(estate: Estate) -> Iterator[Hit]:
    """Find firewalls that name 0.0.0.0/0 or ::/0 as a source.

    Checkov's CKV_DIO_4 compares the text of each source and nothing else;
    DOT-003 finds what it misses.
    """
    for guard in estate.changeable:
        yield from _hit(guard, "inbound", _quad_zero(guard), _NARROW)


def all_ports_public(estate: Estate) -> Iterator[Hit]:
    """Find firewalls that open all ports to 0.0.0.0/0 or ::/0.

    ScoutSuite's networking-firewalls-quad-zero looks for the port "0", with
    which the API answers for all ports. It does so for ICMP, too, which has
    no ports: that is no finding here.
    """
    for guard in estate.changeable:
        yield from _hit(
            guard, "inbound", (one for one in _quad_zero(guard) if one.rule.ports == "all"), _NARROW
        )


def public_ports(estate: Estate) -> Iterator[Hit]:
    """Find firewalls that open a port to 0.0.0.0/0 or ::/0.

    ScoutSuite's networking-firewalls-public-ports; ICMP, which has no ports,
    is no finding here.
    """
    for guard in estate.changeable:
        yield from _hit(
            guard, "inbound", (one for one in _quad_zero(guard) if one.rule.ports), _NARROW
        )


def _everywhere(guard: Guard, direction: str) -> list[Opening]:
    return [one for one in guard.going(direction) if one.everywhere]


def _quad_zero(guard: Guard) -> list[Opening]:
    return [one for one in guard.going("inbound") if one.rule.peer in _QUAD_ZERO]


def _hit(
    guard: Guard, direction: str, found: Iterable[Opening], fix: str, severity: str = ""
) -> Iterator[Hit]:
    rules = [one.rule for one in found]
    if rules:
        verb = "lets everybody in" if direction == "inbound" else "lets traffic out to everywhere"
        yield Hit("firewall", guard.name, f"It {verb}: {described(rules)}.", fix, severity)

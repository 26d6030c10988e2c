"""Checks that weigh rules together: by parts, covered, expired, not asked for, and "me"."""

from __future__ import annotations

import pytest

from dotrain.auditing import Own, Subject
from dotrain.rules import Rule
from tests.unit.audit_subjects import (
    EVERYWHERE,
    HALVES,
    ME,
    cluster,
    firewall,
    found,
    healthy,
    managed,
    one_firewall,
    rule,
    source,
)

OFFICE = "198.51.100.0/24"


@pytest.mark.parametrize(
    ("inbound", "traffic"),
    [
        # In one rule, in two, and where two ranges of ports meet.
        ([("tcp", "22", HALVES)], "IPv4 address may enter on tcp 22,"),
        ([("udp", "22", HALVES[:1]), ("udp", "22", HALVES[1:])], "on udp 22,"),
        ([("tcp", "1-100", HALVES[:1]), ("tcp", "50-200", HALVES[1:])], "on tcp 50-100,"),
        ([("tcp", "0", HALVES[:1]), ("tcp", "22", HALVES[1:])], "on tcp 22,"),
        ([("icmp", "0", HALVES)], "on icmp,"),
        ([("tcp", "22", ("::/1", "8000::/1"))], "IPv6 address may enter on tcp 22,"),
        # All that anybody has, though not all there is.
        ([("tcp", "22", ("2000::/3",))], "IPv6 address may enter on tcp 22,"),
        ([("tcp", "22", HALVES), ("tcp", "80", HALVES)], "on tcp 22, 80,"),
    ],
)
def test_sources_that_add_up_to_everybody_are_found(inbound, traffic) -> None:
    (finding,) = found(one_firewall(*inbound), "DOT-003")
    assert traffic in finding.what


@pytest.mark.parametrize(
    "inbound",
    [
        [("tcp", "22", ("0.0.0.0/0",)), ("tcp", "22", HALVES)],  # DIG-0001 says it
        [("tcp", "22", HALVES[:1]), ("udp", "22", HALVES[1:])],
        [("tcp", "22", ("0.0.0.0/2", *HALVES[1:]))],
        [("tcp", "22", ("0.0.0.0/1", "0.0.0.0/1"))],
        [("tcp", "22", ("0.0.0.0/1", "8000::/1"))],
    ],
)
def test_sources_that_do_not_add_up_are_none(inbound) -> None:
    assert found(one_firewall(*inbound), "DOT-003") == []


def test_every_half_may_be_split_again() -> None:
    parts = [f"{first}.0.0.0/8" for first in range(224)]
    assert found(one_firewall(("tcp", "22", parts)), "DOT-003")
    assert found(one_firewall(("tcp", "22", parts[:203] + parts[204:])), "DOT-003") == []


@pytest.mark.parametrize(
    ("inbound", "text"),
    [
        (
            [("tcp", "22", (OFFICE, "198.51.100.7"))],
            "198.51.100.7/32 is within tcp 22 from " + OFFICE,
        ),
        (
            [("tcp", "22", (ME,)), ("tcp", "22", (ME,))],
            f"tcp 22 from {ME} is within tcp 22 from {ME}",
        ),
        ([("tcp", "22", (ME,)), ("tcp", "20-30", (ME,))], "within tcp 20-30"),
        ([("tcp", "20-30", (ME,)), ("tcp", "0", (ME,))], "within tcp all"),
        ([("icmp", "0", (ME,)), ("icmp", "0", EVERYWHERE)], "within icmp from 0.0.0.0/0"),
        ([("tcp", "22", ("2001:db8::1", "2001:db8::/32"))], "2001:db8::1/128 is within"),
    ],
)
def test_a_rule_that_another_covers_is_named_with_it(inbound, text) -> None:
    (finding,) = found(one_firewall(*inbound), "DOT-006")
    assert text in finding.what
    assert finding.what.count(" within ") == 1


@pytest.mark.parametrize(
    "inbound",
    [
        [("tcp", "22", (OFFICE,)), ("udp", "22", ("198.51.100.7",))],
        [("tcp", "20-30", (ME,)), ("tcp", "25-40", (ME,))],
        [("tcp", "22", ("198.51.100.0/25", "198.51.100.128/25"))],
        [("tcp", "22-23", ("198.51.100.7",)), ("tcp", "22", (OFFICE,))],
    ],
)
def test_a_rule_with_something_of_its_own_is_not_covered(inbound) -> None:
    assert found(one_firewall(*inbound), "DOT-006") == []


def test_peers_that_are_no_addresses_cover_each_other_by_name() -> None:
    def tagged(*tags):
        subject = one_firewall(("tcp", "22", ()), ("tcp", "0", ()))
        for one, tag in zip(subject.firewalls[0]["inbound_rules"], tags, strict=True):
            one["sources"]["tags"] = [tag]
        return subject

    assert found(tagged("web", "db"), "DOT-006") == []
    (finding,) = found(tagged("web", "web"), "DOT-006")
    assert "tcp 22 from tag:web is within tcp all from tag:web" in finding.what


def _spoiled(own: Own, **parts) -> Subject:
    """A cluster with one more peer than was asked for, in each layer."""
    inbound = [("tcp", "22", (ME, OFFICE))]
    plane = {"enabled": True, "allowed_addresses": [ME, OFFICE]}
    return healthy(
        firewalls=(firewall(inbound, (), "by-tag", ("dotrain:bert",)), *managed()),
        clusters=(cluster(control_plane_firewall=plane),),
        trusted_sources={"db-1": (source(ME), source(OFFICE))},
        own={"bert": own},
        **parts,
    )


WANTED = (rule("22", ME), rule("443", ME, "control-plane"), rule("25060", ME, "database"))


def test_what_nobody_asked_for_is_found_in_every_layer() -> None:
    findings = found(_spoiled(Own(WANTED)), "DOT-005")
    assert [one.where for one in findings] == [
        "cluster bert",
        "database dotrain-bert",
        "firewall by-tag",
    ]
    assert all(OFFICE in one.what and ME not in one.what for one in findings)


def test_what_has_expired_is_told_once_and_as_that() -> None:
    expired = (
        rule("22", OFFICE, label="office"),
        rule("443", OFFICE, "control-plane", "office"),
        rule("1", OFFICE, "database", "office"),  # the port is DigitalOcean's choice
    )
    subject = _spoiled(Own(WANTED, expired))
    findings = found(subject, "DOT-004")
    assert [one.where for one in findings] == [
        "cluster bert",
        "database dotrain-bert",
        "firewall by-tag",
    ]
    assert all("(office) has expired" in one.what for one in findings)
    assert found(subject, "DOT-005") == []


def test_what_has_expired_is_in_force_in_a_wider_rule_and_in_a_part() -> None:
    for peer in ("198.51.0.0/16", "198.51.100.7/32"):
        expired = (rule("20-30", peer, label="visit"),)
        assert found(_spoiled(Own(WANTED, expired)), "DOT-004")
    assert found(_spoiled(Own(WANTED, (rule("23", OFFICE),))), "DOT-004") == []
    assert found(_spoiled(Own(WANTED, (rule("22", "192.0.2.0/24"),))), "DOT-004") == []


def test_what_has_expired_and_is_gone_is_no_finding() -> None:
    own = Own(healthy().own["bert"].wanted, (rule("22", OFFICE),), (ME,))
    assert found(healthy(own={"bert": own}), "DOT-004") == []


def test_a_peer_that_is_no_address_is_asked_for_by_name() -> None:
    subject = healthy(trusted_sources={"db-1": (source(ME), {"type": "tag", "value": "web"})})
    (finding,) = found(subject, "DOT-005")
    assert finding.what == "Nobody asked for tcp 25060 from tag:web."


def test_another_clusters_firewall_is_not_measured_by_this_ones_spec() -> None:
    other = firewall([("tcp", "22", (OFFICE,))], name="dotrain-gpt", tags=("dotrain:gpt",))
    subject = healthy()
    assert found(healthy(firewalls=(*subject.firewalls, other)), "DOT-005") == []


def test_asking_for_ports_in_parts_is_asking_for_all_of_them() -> None:
    halves = Own((rule("1-1000", ME), rule("1001-65535", ME)))
    parts = {
        "firewalls": (firewall([("tcp", "0", (ME,))], (), "dotrain-bert"),),
        "own": {"bert": halves},
    }
    assert found(Subject(**parts), "DOT-005") == []
    gap = Own((rule("1-1000", ME), rule("1002-65535", ME)))
    assert found(Subject(**{**parts, "own": {"bert": gap}}), "DOT-005")


def _at(address, me) -> bool:
    own = Own((Rule("nodes", "inbound", "tcp", "22", ME),), (), tuple(me))
    return bool(found(Subject(address=tuple(address), own={"bert": own}), "DOT-007"))


@pytest.mark.parametrize(
    ("address", "me", "stale"),
    [
        (["203.0.113.7/32"], [ME], False),
        (["203.0.113.8/32"], [ME], True),
        (["203.0.113.7/32"], ["203.0.113.0/24"], False),
        (["203.0.113.0/24"], [ME], True),
        ([], [ME], False),
        (["203.0.113.8/32"], [], False),
        # IPv6 that comes or goes is no move, unless nothing else is left.
        (["203.0.113.7/32", "2001:db8::1/128"], [ME], False),
        (["203.0.113.7/32"], [ME, "2001:db8::1/128"], False),
        (["2001:db8::1/128"], [ME], True),
        (["203.0.113.7/32", "2001:db8::2/128"], [ME, "2001:db8::1/128"], True),
    ],
)
def test_me_is_stale_when_this_machine_has_moved(address, me, stale) -> None:
    assert _at(address, me) is stale

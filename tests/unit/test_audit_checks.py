"""Each check: a subject that trips it, and the same made good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain.auditing import CHECKS, SEVERITIES, Own, audit
from tests.unit.audit_subjects import (
    CLUSTER_ID,
    DNS,
    EVERYWHERE,
    HALVES,
    ME,
    balancer,
    cluster,
    database,
    droplet,
    firewall,
    found,
    healthy,
    managed,
    one_firewall,
    only,
    rule,
    source,
)

SSH = ("tcp", "22", (ME,))
NODE = droplet(1, "k8s", f"k8s:{CLUSTER_ID}", "k8s:worker")
OPEN_PLANE = {"enabled": False, "allowed_addresses": [ME]}


def of_cluster(**changes):
    return only(clusters=(cluster(**changes),))


def of_database(*peers):
    sources = {"db-1": tuple(source(peer) for peer in peers)}
    return only(databases=(database(),), trusted_sources=sources)


def of_own(observed, wanted, expired=()):
    return only(
        firewalls=(firewall([("tcp", "22", observed)], (), "dotrain-bert"),),
        own={"bert": Own(tuple(rule("22", peer) for peer in wanted), tuple(expired))},
    )


def of_balancer(**changes):
    return only(clusters=(cluster(),), load_balancers=(balancer(**changes),))


OVER = rule("22", "198.51.100.0/24", label="office")
# The id, a subject that trips it, the object it is about, and a subject that does not.
CASES = [
    (
        "DIG-0001",
        one_firewall(("tcp", "443", ("::/0",))),
        "firewall fence",
        one_firewall(("tcp", "443", ("::/1", ME))),
    ),
    (
        "DIG-0003",
        one_firewall(SSH, outbound=[("tcp", "443", EVERYWHERE)]),
        "firewall fence",
        one_firewall(SSH, outbound=[("tcp", "443", ("198.51.100.0/24",))]),
    ),
    ("DIG-0005", of_cluster(surge_upgrade=False), "cluster bert", of_cluster()),
    ("DIG-0008", of_cluster(auto_upgrade=False), "cluster bert", of_cluster()),
    (
        "CKV_DIO_4",
        one_firewall(("udp", "443", (ME, "0.0.0.0/0"))),
        "firewall fence",
        # It compares letters: this is for DOT-003.
        one_firewall(("udp", "443", HALVES)),
    ),
    (
        "networking-firewalls-quad-zero",
        one_firewall(("tcp", "0", ("0.0.0.0/0",))),
        "firewall fence",
        one_firewall(("tcp", "1-65535", ("0.0.0.0/0",)), ("icmp", "0", ("0.0.0.0/0",))),
    ),
    (
        "networking-firewalls-public-ports",
        one_firewall(("tcp", "443", ("0.0.0.0/0",))),
        "firewall fence",
        one_firewall(("icmp", "0", ("0.0.0.0/0",)), SSH),
    ),
    (
        "droplet-droplets-port-22-exposed",
        one_firewall(("tcp", "20-30", ("0.0.0.0/0",))),
        "droplet machine-1",
        one_firewall(("tcp", "443", ("0.0.0.0/0",)), ("udp", "22", ("0.0.0.0/0",)), SSH),
    ),
    (
        "database-databases-postgres-trusted-sources",
        of_database(),
        "database dotrain-bert",
        of_database("0.0.0.0/0"),
    ),
    (
        "kubernetes-kubernetes-surge-upgrade",
        of_cluster(surge_upgrade=None),
        "cluster bert",
        of_cluster(),
    ),
    ("kubernetes-kubernetes-ha-enabled", of_cluster(ha=False), "cluster bert", of_cluster()),
    (
        "kubernetes-kubernetes-autoupgrade-minor",
        of_cluster(auto_upgrade=False),
        "cluster bert",
        of_cluster(),
    ),
    ("DOT-001", of_cluster(control_plane_firewall=OPEN_PLANE), "cluster bert", of_cluster()),
    ("DOT-002", of_database("0.0.0.0/1", "128.0.0.0/1"), "database dotrain-bert", of_database(ME)),
    (
        "DOT-003",
        one_firewall(("tcp", "22", HALVES)),
        "firewall fence",
        one_firewall(("tcp", "22", HALVES[:1]), ("tcp", "23", HALVES[1:])),
    ),
    (
        "DOT-004",
        of_own([OVER.peer], [], [OVER]),
        "firewall dotrain-bert",
        # Ended as it is, the same is asked for by another rule.
        of_own([OVER.peer], [OVER.peer], [OVER]),
    ),
    (
        "DOT-005",
        of_own([ME, "198.51.100.1/32"], [ME]),
        "firewall dotrain-bert",
        # The same addresses in two parts are what was asked for.
        of_own(["198.51.100.0/25", "198.51.100.128/25"], ["198.51.100.0/24"]),
    ),
    (
        "DOT-006",
        one_firewall(("tcp", "0", ("198.51.100.0/24",)), ("tcp", "22", ("198.51.100.7",))),
        "firewall fence",
        one_firewall(("tcp", "80", ("198.51.100.0/24",)), ("tcp", "22", ("198.51.100.7",))),
    ),
    ("DOT-007", healthy(address=("192.0.2.1/32",)), "cluster bert", healthy()),
    (
        "DOT-008",
        one_firewall(SSH, outbound=[("tcp", "53", EVERYWHERE)]),
        "firewall fence",
        one_firewall(SSH, outbound=[("udp", "50-60", ("192.0.2.53",))]),
    ),
    (
        "DOT-009",
        one_firewall(SSH, tags=["wbe"], droplet_ids=[2]),
        "firewall fence",
        one_firewall(SSH, tags=[], droplet_ids=[1]),
    ),
    (
        "DOT-010",
        only(clusters=(cluster(),), firewalls=managed(), droplets=(NODE,)),
        "cluster bert",
        only(clusters=(cluster(),), firewalls=(firewall(tags=["k8s:worker"]),), droplets=(NODE,)),
    ),
    ("DOT-011", of_balancer(), "load balancer a1b2", of_balancer(network="INTERNAL")),
]


@pytest.mark.parametrize(("key", "bad", "where", "good"), CASES, ids=[case[0] for case in CASES])
def test_each_check_finds_what_it_is_about_and_nothing_else(key, bad, where, good) -> None:
    (finding,) = found(bad, key)
    assert finding.where == where
    assert finding.severity == CHECKS[key].severity
    assert finding.what.endswith(".")
    assert finding.fix.endswith(".")
    assert found(good, key) == []


def test_every_check_has_a_case_and_is_documented() -> None:
    assert [case[0] for case in CASES] == list(CHECKS)
    for check in CHECKS.values():
        assert check.severity in SEVERITIES
        assert check.url.startswith("https://")
        assert check.description
    # One function may stand behind two ids, each id has a source of its own.
    named = [check for check in CHECKS.values() if not check.id.startswith("DOT-")]
    assert len({check.url for check in named}) == len(named)


def test_a_cluster_as_dotrain_makes_it_has_nothing_but_open_web() -> None:
    assert [(one.id, one.severity, one.where) for one in audit(healthy())] == [
        ("DIG-0003", "CRITICAL", "firewall dotrain-bert"),
        # NodePort services, which DOKS opens and closes.
        ("DIG-0001", "INFO", f"firewall k8s-public-access-{CLUSTER_ID}"),
    ]


def test_an_account_without_anything_has_no_findings() -> None:
    assert audit(only()) == []


def test_what_dotrain_did_not_make_is_audited_too() -> None:
    subject = healthy(own={})
    foreign = replace(
        subject,
        clusters=(cluster(tags=[], control_plane_firewall=None),),
        databases=(database(tags=None),),
        trusted_sources={"db-1": ()},
    )
    assert {"DOT-001", "DOT-002"} <= {one.id for one in audit(foreign)}


def test_a_firewall_that_takes_the_name_of_a_managed_one_does_not_hide() -> None:
    for tags in (["web"], ["k8s:worker"], [f"k8s:{CLUSTER_ID}"]):
        subject = only(firewalls=(firewall([("tcp", "22", EVERYWHERE)], (), "k8s-worker", tags),))
        assert found(subject, "CKV_DIO_4"), tags


def test_a_rule_that_denies_opens_nothing() -> None:
    subject = one_firewall(("tcp", "22", EVERYWHERE))
    subject.firewalls[0]["inbound_rules"][0]["action"] = "deny"
    assert audit(subject) == []


def test_the_api_may_answer_null_for_lists() -> None:
    empty = {"name": "fence", "tags": None, "droplet_ids": None}
    nulls = {"inbound_rules": None, "outbound_rules": None}
    bare = {"id": 1, "name": "machine-1", "tags": None}
    subject = only(firewalls=({**empty, **nulls},), droplets=(bare,))
    assert {one.id for one in audit(subject)} == {
        "droplet-droplets-port-22-exposed",
        "DOT-008",
        "DOT-009",
    }


def test_a_droplet_behind_no_firewall_is_open() -> None:
    (finding,) = found(only(droplets=(droplet(),)), "droplet-droplets-port-22-exposed")
    assert "no firewall" in finding.what


def test_port_22_is_open_when_two_firewalls_add_up_to_everybody() -> None:
    halves = tuple(
        firewall([("tcp", "22", (half,))], name=f"half-{number}")
        for number, half in enumerate(HALVES)
    )
    subject = only(firewalls=halves, droplets=(droplet(),))
    (finding,) = found(subject, "droplet-droplets-port-22-exposed")
    assert "half-0, half-1" in finding.what
    # Neither of them is everybody.
    assert found(subject, "DOT-003") == []
    whole = firewall([("tcp", "0", EVERYWHERE)], name="whole")
    subject = only(firewalls=(*halves, whole), droplets=(droplet(),))
    (finding,) = found(subject, "droplet-droplets-port-22-exposed")
    assert "by firewall whole." in finding.what


def test_a_control_plane_is_open_by_parts_too() -> None:
    for addresses, is_open in ((HALVES, True), (("0.0.0.0/0",), True), ((ME,), False), ((), False)):
        plane = {"enabled": True, "allowed_addresses": list(addresses)}
        assert bool(found(of_cluster(control_plane_firewall=plane), "DOT-001")) is is_open


def test_a_database_whose_sources_nobody_asked_for_is_not_judged() -> None:
    assert audit(only(databases=(database(),))) == []


def test_sources_other_than_addresses_are_nobody_in_particular() -> None:
    trusted = {"db-1": ({"type": "tag", "value": "web"},)}
    assert audit(only(databases=(database(),), trusted_sources=trusted)) == []


def test_nodes_of_an_unknown_cluster_are_named_themselves() -> None:
    (finding,) = found(only(droplets=(droplet(3, "k8s", "k8s:gone"),)), "DOT-010")
    assert finding.where == "droplet machine-3"
    assert found(only(droplets=(droplet(3, "k8sish"),)), "DOT-010") == []


@pytest.mark.parametrize(
    ("changes", "public"),
    [
        ({"network": "EXTERNAL"}, True),
        ({"vpc_uuid": "vpc-2"}, False),
        ({"vpc_uuid": None}, False),
        ({"firewall": {"allow": ["cidr:198.51.100.0/24", "ip:192.0.2.7"]}}, False),
        ({"firewall": {"allow": ["cidr:0.0.0.0/1", "cidr:128.0.0.0/1"]}}, True),
        ({"firewall": {"allow": [], "deny": ["ip:192.0.2.7"]}}, True),
    ],
)
def test_a_load_balancer_is_public_unless_it_says_otherwise(changes, public) -> None:
    assert bool(found(of_balancer(**changes), "DOT-011")) is public


def test_dns_may_come_from_another_firewall_of_the_owners() -> None:
    fence = firewall([SSH], ())
    other = firewall((), [DNS], "resolver")
    both = only(firewalls=(fence, other), droplets=(droplet(),))
    assert found(both, "DOT-008") == []
    # A second Droplet that only the first firewall selects has no DNS.
    other["tags"], other["droplet_ids"] = [], [1]
    apart = only(firewalls=(fence, other), droplets=(droplet(), droplet(2)))
    assert [one.where for one in found(apart, "DOT-008")] == ["firewall fence"]


def test_findings_are_sorted_worst_first_and_the_same_each_time() -> None:
    subject = healthy(
        clusters=(cluster(ha=False, auto_upgrade=False, control_plane_firewall=None),),
        trusted_sources={"db-1": ()},
        address=("192.0.2.1/32",),
    )
    findings = audit(subject)
    ranks = [SEVERITIES.index(one.severity) for one in findings]
    assert ranks == sorted(ranks)
    turned = replace(subject, firewalls=subject.firewalls[::-1], droplets=subject.droplets[::-1])
    assert audit(turned) == findings

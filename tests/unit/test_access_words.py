"""What the Access tab says: rules and grants, what a grant opens, which call takes it back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from dotrain import changes, grants
from dotrain.auditing.finding import Finding
from dotrain.errors import SpecError
from dotrain.grants import Grant
from dotrain.rules import Rule
from dotrain.spec import ClusterSpec, Database, Resolved
from dotrain.widgets.access import admitting, entering, ruled
from dotrain.widgets.access.admitting import Entry
from tests.unit.looks import EVIL, NOW, firewall, look

ANN, BEN = "ann@desk", "ben@desk"
OFFICE = Grant("203.0.113.0/24", ("https",), "office", "2026-01-02T20:00:00Z")
PLAIN = Grant("203.0.113.0/24")
SPEC = ClusterSpec("bert", allow=(Grant("me"), PLAIN, OFFICE, Grant("198.51.100.9")))
MINE = Resolved("1.34", {ANN: ("198.51.100.4/32",)})
SHARED = Resolved("1.34", {**MINE.me, BEN: ("198.51.100.5/32",)})


@pytest.mark.parametrize(
    ("grant", "call"),
    [
        (OFFICE, 'revoke(label="office")'),
        # By its source alone the labelled one would go, too.
        (PLAIN, 'revoke("203.0.113.0/24", label="")'),
        (SPEC.allow[3], 'revoke("198.51.100.9/32")'),
        (SPEC.allow[0], 'revoke("me")'),
    ],
)
def test_a_revocation_takes_one_grant_and_no_other(grant, call) -> None:
    spec = replace(SPEC, allow=tuple(replace(one, source=_cidr(one)) for one in SPEC.allow))
    grant = replace(grant, source=_cidr(grant))
    arguments = entering.revocation(spec, grant, MINE, ANN)
    assert entering.revoking("bert", arguments) == f'dotrain.get("bert").{call}'
    named = [arguments.get(key) for key in ("source", "label", "to")]
    left = changes.revoked(spec, *named).allow
    assert left == tuple(one for one in spec.allow if one != grant)


def _cidr(one: Grant) -> str:
    return one.source if one.source == "me" else grants.make(one.source, now=NOW).source


def test_two_grants_of_one_source_without_labels_are_told_apart_by_their_services() -> None:
    spec = ClusterSpec("bert", allow=(Grant("me"), PLAIN, replace(PLAIN, to=("https",))))
    arguments = entering.revocation(spec, spec.allow[2], MINE, ANN)
    assert arguments == {"source": "203.0.113.0/24", "label": "", "to": ["https"]}
    assert entering.titles(spec.allow)[1:] == [
        "203.0.113.0/24 to ssh, api, database",
        "203.0.113.0/24 to https",
    ]


def test_the_last_grant_is_still_named_rightly() -> None:
    spec = ClusterSpec("bert")
    assert entering.revocation(spec, spec.allow[0], MINE, ANN) == {"source": "me"}


def test_who_shares_a_cluster_takes_back_what_me_is_here() -> None:
    assert entering.revocation(SPEC, SPEC.allow[0], SHARED, ANN) == {"source": "me"}
    assert entering.who(SPEC.allow[0], SHARED) == (f"me ({ANN}: 198.51.100.4; {BEN}: 198.51.100.5)")


def test_the_same_grant_with_another_end_ends_then() -> None:
    longer = replace(OFFICE, expires="2026-01-03T00:00:00Z")
    assert changes.granted(SPEC, longer).allow == (*SPEC.allow[:2], longer, SPEC.allow[3])
    forever = replace(OFFICE, expires="")
    assert forever in changes.granted(SPEC, forever).allow
    assert changes.granted(SPEC, OFFICE) == SPEC
    both = replace(SPEC, allow=(PLAIN, replace(PLAIN, expires=OFFICE.expires)))
    assert changes.granted(both, PLAIN).allow == (PLAIN,)
    with pytest.raises(SpecError, match="labelled 'office'"):
        changes.granted(SPEC, replace(OFFICE, source="192.0.2.0/24"))


def test_services_are_the_same_in_any_order() -> None:
    before = replace(SPEC, allow=(*SPEC.allow[:1], Grant("192.0.2.1/32", ("ssh", "api"))))
    longer = Grant("192.0.2.1/32", ("api", "ssh"), expires=OFFICE.expires)
    assert changes.granted(before, longer).allow == (*SPEC.allow[:1], longer)


def test_what_others_enter_by_does_not_end_sooner_for_them() -> None:
    ends, later = (Grant("me", expires=f"2026-01-0{day}T00:00:00Z") for day in (2, 3))
    spec = ClusterSpec("bert")
    with pytest.raises(SpecError, match=f"{BEN} may enter by the same grant") as caught:
        changes.granted(spec, ends, others=[BEN])
    assert "allow('203.0.113.7'" in caught.value.fix
    with pytest.raises(SpecError, match="for them, too"):
        changes.granted(replace(spec, allow=(later,)), ends, others=[BEN])
    # Nobody else is there, it ends later, or it is a grant of its own.
    assert changes.granted(spec, ends).allow == (ends,)
    assert changes.granted(replace(spec, allow=(ends,)), later, others=[BEN]).allow == (later,)
    visit = replace(ends, label="visit")
    assert changes.granted(spec, visit, others=[BEN]).allow == (Grant("me"), visit)


def test_an_end_is_said_with_the_time_left() -> None:
    assert entering.ends(OFFICE.expires, NOW) == "in 8 h (2026-01-02 20:00 UTC)"
    assert entering.ends("2026-01-02T11:00:00Z", NOW) == "over (2026-01-02 11:00 UTC)"
    assert entering.ends("", NOW) == "never"


@pytest.mark.parametrize(
    ("entry", "field", "said"),
    [
        (Entry("example.com"), "source", "no host names"),
        (Entry("203.0.113.7/24"), "source", "beyond its prefix"),
        (Entry("0.0.0.0/0"), "source", "open to the world"),
        (Entry("198.51.100.9", ()), "to", "lets nobody in"),
        (Entry("nodes"), "to", "need no grant"),
        (Entry("2001:db8::/32", ("api",)), "to", "IPv4 only"),
        (Entry("198.51.100.9", ports="tcp 9000-8000"), "ports", ""),
        (Entry("198.51.100.9", ports="telnet"), "ports", "not a service"),
        (Entry("198.51.100.9", label="<b>"), "label", "cannot be a label"),
        (Entry("198.51.100.9", label="office"), "label", "labelled 'office'"),
        (Entry("198.51.100.9", expires="soon"), "expires", "not a span"),
        (Entry("198.51.100.9", expires="2026-01-03T20:00"), "expires", "no time zone"),
        (Entry("198.51.100.9", expires="2026-01-02T11:00Z"), "expires", "is over"),
        (Entry("198.51.100.9", expires="2026-13-01T11:00Z"), "expires", "no instant"),
        # Nothing is said of what is not typed yet.
        (Entry("", label="<b>"), "label", "cannot be a label"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_alone(entry, field, said) -> None:
    found = admitting.problems(entry, SPEC, NOW)
    assert set(found) == {field}
    assert said in found[field]


def test_what_would_end_the_access_of_others_is_said_before_the_click() -> None:
    entry = Entry("me", expires="8h")
    assert admitting.problems(entry, SPEC, NOW) == {}
    found = admitting.problems(entry, SPEC, NOW, others=("bob@lab",))
    assert "bob@lab may enter by the same grant" in found["label"]


@pytest.mark.parametrize(
    ("entry", "call"),
    [
        (Entry("198.51.100.9 "), 'allow("198.51.100.9")'),
        (Entry("me", ("ssh",)), 'allow("me", to="ssh")'),
        (
            Entry("203.0.113.0/24", ("https",), "tcp 80-90, udp 53", "x", "8h"),
            'allow("203.0.113.0/24", to=["https", "tcp 80-90", "udp 53"], label="x", expires="8h")',
        ),
    ],
)
def test_the_call_is_what_one_would_write(entry, call) -> None:
    assert admitting.problems(entry, SPEC, NOW) == {}
    assert admitting.source("bert", admitting.arguments(entry)) == f'dotrain.get("bert").{call}'


def test_an_end_may_be_an_instant_as_for_allow() -> None:
    entry = Entry("198.51.100.9", ("ssh",), expires="2026-01-02T20:00+01:00")
    assert admitting.problems(entry, SPEC, NOW) == {}
    made = admitting.grant(entry, NOW)
    assert made.expires == "2026-01-02T19:00:00Z"
    assert made == grants.make(
        "198.51.100.9", "ssh", expires=dt.datetime.fromisoformat(entry.expires), now=NOW
    )
    assert admitting.arguments(entry)["expires"] == entry.expires


def test_a_grant_says_what_it_opens() -> None:
    def opens(entry: Entry, spec: ClusterSpec = SPEC) -> list[str]:
        return admitting.opens(admitting.grant(entry, NOW), spec, MINE, NOW)

    assert opens(Entry("203.0.113.7")) == [
        "203.0.113.7/32 may reach the nodes on tcp 22 and the Kubernetes API."
    ]
    assert opens(Entry("203.0.113.7", ("ssh",), expires="8h")) == [
        "203.0.113.7/32 may reach the nodes on tcp 22 for 8 h, until 2026-01-02 20:00 UTC."
    ]
    assert opens(Entry("me", ("database",)))[-1].startswith("There is no database")
    assert opens(Entry("me", ("database",)), replace(SPEC, database=Database())) == [
        "198.51.100.4/32 may reach the database."
    ]
    assert opens(Entry("nodes", ("nccl",))) == ["tag:dotrain:bert may reach the nodes on tcp all."]


def test_every_service_can_be_chosen_with_what_it_stands_for() -> None:
    assert [name for _, name in admitting.choices()] == list(grants.SERVICES)
    assert ("torchrun: the nodes, tcp 29400 and 29500", "torchrun") in admitting.choices()


def test_rules_are_in_groups_and_drift_stands_out() -> None:
    seen = look(resolved=Resolved("1.34", {ANN: ("203.0.113.7/32",)}))
    strange = firewall("203.0.113.7/32", "0.0.0.0/0")
    managed = {**strange, "name": "k8s-public-access-1", "tags": ["k8s:id-1"]}
    seen = replace(seen, observed=replace(seen.observed, firewalls=(strange, managed)))
    groups = entering.groups(seen.rules, seen.at)
    assert list(groups) == [entering.ENTERING, entering.LEAVING, entering.MANAGED]
    nodes = [row for row in groups[entering.ENTERING] if row[0] == "into the nodes"]
    assert [row[-1].partition(":")[0] for row in nodes] == ["extra", "in force"]
    # What differs in its ports alone is one row.
    assert groups[entering.LEAVING][0][:3] == (
        "out of the nodes",
        "tcp 443, tcp 53, tcp 80, udp 123, udp 53",
        "0.0.0.0/0",
    )
    assert {row[-1] for row in groups[entering.MANAGED]} == {"DigitalOcean's"}
    assert entering.summary(seen.rules) == "1 rule differs from what should be: 1 extra."
    html = ruled.saved(seen)
    assert '<span class="dotrain-badge dotrain-bad">extra' in html
    assert html.count("<caption>") == 1 + len(groups)
    # The rest is folded.
    assert html.index("<details>") < html.index(entering.LEAVING)
    assert html.index("What may enter") < html.index("<details>")
    assert "nodes inbound tcp 22 from 0.0.0.0/0  extra" in ruled.lines(seen)


def test_a_hostile_peer_is_harmless() -> None:
    seen = look()
    hostile = {**firewall(EVIL), "name": "dotrain-bert"}
    seen = replace(seen, observed=replace(seen.observed, firewalls=(hostile,)))
    assert "<img" not in ruled.saved(seen)
    bad = Finding(EVIL, "HIGH", EVIL, EVIL, EVIL)
    assert "<img" not in ruled.findings([bad])


def test_an_audit_is_said_in_a_few_words() -> None:
    bad = [Finding(str(rank), rank, "Bad.", "here", "Mend it.") for rank in ("LOW", "HIGH", "INFO")]
    accepted = [replace(one, suppressed="by design") for one in bad]
    assert ruled.verdict(bad) == ("3 findings, worst HIGH", "bad")
    assert ruled.verdict(bad[:1]) == ("passed, with 1 finding, worst LOW", "ok")
    assert ruled.verdict(accepted) == ("passed", "ok")
    badge = ruled.badge(bad, dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), stale=True)
    assert "as of 2026-01-02 00:00 UTC, before the last change" in badge
    assert "accepted: by design" in ruled.findings(accepted)


def test_the_api_lets_an_address_in_that_lies_in_a_network() -> None:
    rules = [Rule("control-plane", "inbound", "tcp", "443", peer) for peer in ("203.0.113.0/24",)]
    assert entering.covers(rules, ["203.0.113.7/32", "2001:db8::1/128"])
    assert not entering.covers(rules, ["198.51.100.4/32"])
    assert not entering.covers([], ["198.51.100.4/32"])

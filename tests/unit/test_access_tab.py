"""The Access tab: real widgets, a cluster that only notes what is asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pandas as pd
import pytest

from dotrain import config, display, errors
from dotrain.address import Address
from dotrain.auditing.finding import Finding
from dotrain.grants import Grant
from dotrain.inspection import Audit
from dotrain.snapshot import Snapshot
from dotrain.spec import Resolved
from dotrain.widgets.access.tab import AccessTab
from tests.unit.looks import NOW, SPEC, firewall, look

HERE, ELSEWHERE = "203.0.113.7/32", "198.51.100.4/32"
OFFICE = Grant("203.0.113.0/24", ("https",), "office", "2026-01-02T20:00:00Z")
BAD = Finding("DIG-0003", "HIGH", "Everybody enters.", "firewall dotrain-bert", "Close it.")


class Noted:
    """A cluster that notes what is asked of it."""

    name = "bert"
    _target = SimpleNamespace(is_sandbox=True)

    def __init__(self) -> None:
        self.spec = replace(SPEC, allow=(Grant("me"), OFFICE))
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.findings: tuple[Finding, ...] = (BAD,)
        # That of the cluster that looks show.
        self.outputs = {"k8s_cluster_id": "id-1"}

    def allow(self, source: str, **asked: Any) -> None:
        self._note("allow", {"source": source, **asked})

    def revoke(self, **asked: Any) -> None:
        self._note("revoke", asked)

    def allow_me(self) -> pd.DataFrame:
        self._note("allow_me", {})
        return pd.DataFrame({"peer": [ELSEWHERE, "0.0.0.0/0"]})

    def up(self) -> None:
        self._note("up", {})

    def audit(self) -> Audit:
        self.calls.append(("audit", {}))
        return Audit(self.findings)

    def _note(self, call: str, asked: dict[str, Any]) -> None:
        assert isinstance(display.choose(), display.Silent)
        self.calls.append((call, asked))
        if self.error is not None and not asked.get("force"):
            raise self.error


def seen(cluster: Noted, **more: Any) -> Snapshot:
    usual = {"resolved": Resolved("1.34", {config.identity(): (HERE,)}), "spec": cluster.spec}
    return look(**{**usual, **more})


def tab(cluster: Noted, find: Callable[[], Address] = lambda: Address((HERE,))) -> AccessTab:
    made = AccessTab(cluster, find_address=find)
    made.show(seen(cluster))
    return made


def rows(made: AccessTab) -> dict[str, Any]:
    return {row.revoke.widget.tooltip: row for row in made.grants.by_grant.values()}


def done(made: AccessTab, click: Callable[[], None]) -> None:
    click()
    assert made.join(10)


def locate(made: AccessTab) -> None:
    """Have the address looked up once, as the tab's own thread does."""
    made.here.take(made.here.look())


def test_each_grant_has_a_button_that_says_in_full_what_it_revokes() -> None:
    cluster = Noted()
    made = tab(cluster)
    assert list(rows(made)) == ["Revoke me", "Revoke 203.0.113.0/24 (office)"]
    office = rows(made)["Revoke 203.0.113.0/24 (office)"]
    # In short for the eye; the title is what a screen reader says.
    assert office.revoke.widget.description == "Revoke"
    assert "dotrain-named" in office.revoke.widget._dom_classes
    assert "in 8 h" in office.about.value
    assert "rules()" in made.code.value
    done(made, office.revoke.click)
    assert cluster.calls == [("revoke", {"label": "office"})]
    assert "revoke(label=&quot;office&quot;)" in made.code.value
    assert "203.0.113.0/24 (office) is not let in any more." in made.said.text


def test_a_click_on_a_row_that_has_just_come_to_where_another_was_changes_nothing() -> None:
    cluster = Noted()
    made = tab(cluster)
    cluster.spec = replace(cluster.spec, allow=(OFFICE,))
    made.show(seen(cluster))
    (office,) = rows(made).values()
    done(made, office.revoke.click)
    assert cluster.calls == []
    assert "Click again if it is meant." in made.said.text
    office.placed -= 1
    done(made, office.revoke.click)
    assert cluster.calls == [("revoke", {"label": "office"})]


@pytest.mark.parametrize("other", [replace(OFFICE, to=("https", "ssh")), replace(OFFICE, label="")])
def test_a_grant_that_somebody_has_changed_meanwhile_is_not_touched(other: Grant) -> None:
    cluster = Noted()
    made = tab(cluster)
    office = rows(made)["Revoke 203.0.113.0/24 (office)"]
    office.expires.value = "2h"
    # No look has shown that yet.
    cluster.spec = replace(cluster.spec, allow=(Grant("me"), other))
    for button in (office.revoke, office.set_end):
        done(made, button.click)
        assert "not granted like that any more" in made.said.text
    assert cluster.calls == []


def test_nothing_is_done_to_another_cluster_that_has_the_name_by_now() -> None:
    cluster = Noted()
    made = tab(cluster, lambda: Address((ELSEWHERE,)))
    locate(made)
    made.adding.source.value = "198.51.100.9"
    cluster.outputs = {"k8s_cluster_id": "id-2"}
    office = rows(made)["Revoke 203.0.113.0/24 (office)"]
    for button in (office.revoke, made.adding.add, made.allow_me):
        done(made, button.click)
    assert cluster.calls == []
    assert "is not the one that was meant" in made.told.text


def test_a_row_stays_the_same_when_another_goes() -> None:
    cluster = Noted()
    made = tab(cluster)
    mine = rows(made)["Revoke me"]
    mine.expires.value = "2"
    cluster.spec = replace(cluster.spec, allow=(Grant("me"),))
    made.show(seen(cluster))
    assert rows(made) == {"Revoke me": mine}
    assert made.grants.widget.children[1:] == (mine.widget,)
    assert mine.expires.value == "2"


def test_a_row_that_goes_leaves_nothing_behind() -> None:
    cluster = Noted()
    made = tab(cluster)
    made.show(seen(cluster))
    there = cluster.spec.allow
    instances = ipywidgets.widgets.widget._instances
    before = len(made._worker._listeners), len(instances)
    for number in range(3):
        for allow in ((*there, Grant("203.0.113.9", label=f"{number}")), there):
            cluster.spec = replace(cluster.spec, allow=allow)
            made.show(seen(cluster))
    assert (len(made._worker._listeners), len(instances)) == before


def test_the_end_of_a_grant_is_changed_by_the_same_grant_with_another_end() -> None:
    cluster = Noted()
    made = tab(cluster)
    office = rows(made)["Revoke 203.0.113.0/24 (office)"]
    office.expires.value = "soon"
    assert "not a span of time" in office.error
    assert office.set_end.widget.disabled
    office.expires.value = "2h"
    again = {"source": "203.0.113.0/24", "to": "https", "label": "office", "expires": "2h"}
    assert "expires=&quot;2h&quot;" in made.code.value
    done(made, office.set_end.click)
    assert "(office) ends in 2h." in made.said.text
    later = f"{time.gmtime().tm_year + 2}-01-02T20:00"
    office.expires.value = later
    assert "no time zone" in office.error
    office.expires.value = f"{later}Z"
    done(made, office.set_end.click)
    assert f"(office) ends at {later}Z." in made.said.text
    office.expires.value = ""
    done(made, office.set_end.click)
    never = {key: value for key, value in again.items() if key != "expires"}
    then = {**again, "expires": f"{later}Z"}
    assert cluster.calls == [("allow", again), ("allow", then), ("allow", never)]
    # What has no end, and gets none, is not asked for.
    assert rows(made)["Revoke me"].set_end.widget.disabled


def test_what_is_typed_is_judged_beside_its_field_and_explained_before_it_is_done() -> None:
    cluster = Noted()
    cluster.spec = replace(cluster.spec, allow=(Grant("me"), replace(OFFICE, expires="")))
    made = tab(cluster)
    adding = made.adding
    assert adding.add.widget.disabled
    adding.source.value = "0.0.0.0/0"
    assert "open to the world" in adding.error("source")
    assert adding.add.widget.disabled
    adding.source.value = "198.51.100.9"
    adding.to.value = ("ssh", "https")
    adding.expires.value = "8h"
    adding.label.value = "office"
    assert "labelled 'office'" in adding.error("label")
    adding.label.value = "home"
    assert "198.51.100.9/32 may reach the nodes on tcp 22 and tcp 443 for" in adding.opens.value
    # A refresh leaves what is typed alone.
    made.show(seen(cluster))
    assert adding.source.value == "198.51.100.9"
    done(made, adding.add.click)
    asked = {"to": ["ssh", "https"], "label": "home", "expires": "8h"}
    assert cluster.calls == [("allow", {"source": "198.51.100.9", **asked})]
    assert adding.source.value == ""
    assert adding.add.widget.disabled


def test_what_was_refused_stays_in_the_fields_with_the_reason() -> None:
    cluster = Noted()
    made = tab(cluster)
    cluster.error = errors.ApiError("No.", "DigitalOcean is busy.", "Try again.")
    made.adding.source.value = "198.51.100.9"
    done(made, made.adding.add.click)
    made.show(seen(cluster))
    assert "DigitalOcean is busy" in made.adding.said.text
    assert made.adding.source.value == "198.51.100.9"
    assert made.forcing.widget.layout.display == "none"


def test_losing_ones_access_needs_a_second_decision() -> None:
    cluster = Noted()
    made = tab(cluster)
    cluster.error = errors.LockedOut("You would be locked out.", "Why.", "Pass force=True.")
    assert made.forcing.widget.layout.display == "none"
    done(made, rows(made)["Revoke me"].revoke.click)
    assert "locked out" in made.said.text
    assert made.forcing.widget.layout.display is None
    assert made.forcing.forced.widget.disabled
    made.forcing.agreed.value = True
    done(made, made.forcing.forced.click)
    assert cluster.calls[-1] == ("revoke", {"source": "me", "force": True})
    assert made.forcing.widget.layout.display == "none"
    # Nothing is left of it for the next time.
    done(made, rows(made)["Revoke me"].revoke.click)
    assert made.forcing.forced.widget.disabled


def test_an_address_that_moved_is_let_in_with_one_click() -> None:
    cluster = Noted()
    at = [Address((HERE,))]
    made = tab(cluster, lambda: at[0])
    locate(made)
    assert made.allow_me.widget.layout.display == "none"
    at[0] = Address((ELSEWHERE,), "This kernel runs on Kaggle.")
    locate(made)
    said = made.here.notice.value
    assert "Your address is now 198.51.100.4; the rules let 203.0.113.7 in." in said
    assert "Kaggle" in said
    assert ("198.51.100.4") in made.adding.source.options
    assert made.allow_me.widget.layout.display is None
    done(made, made.allow_me.click)
    assert cluster.calls == [("allow_me", {})]
    assert "allow_me()" in made.code.value
    assert made.told.text == "198.51.100.4 is let in; 203.0.113.7 is not any more."
    made.show(seen(cluster, resolved=Resolved("1.34", {config.identity(): (ELSEWHERE,)})))
    assert made.allow_me.widget.layout.display == "none"


def test_a_machine_that_nothing_lets_in_is_told_so() -> None:
    cluster = Noted()
    cluster.spec = replace(cluster.spec, allow=(OFFICE,))
    made = tab(cluster, lambda: Address((ELSEWHERE,)))
    locate(made)
    assert "Nothing lets this machine in. Its address is 198.51.100.4." in made.here.notice.value
    assert made.allow_me.widget.layout.display is None


def test_an_address_that_is_not_found_is_said_once_and_quietly() -> None:
    def find() -> Address:
        raise errors.AddressError("Nobody says it.", "No network.", "Wait.")

    made = tab(Noted(), find)
    locate(made)
    notice = made.here.notice.value
    assert "Nobody says it." in notice
    assert "dotrain-info" in notice
    assert made.said.text == ""
    assert made.allow_me.widget.layout.display == "none"


def test_the_first_look_audits_and_the_findings_are_a_click_away() -> None:
    cluster = Noted()
    made = tab(cluster)
    done(made, made.opened)
    done(made, made.opened)
    assert cluster.calls == [("audit", {})]
    audited = made.audited
    assert "1 finding, worst HIGH" in audited.badge.value
    assert audited.table.value == ""
    audited.findings.value = True
    assert "Everybody enters." in audited.table.value
    done(made, rows(made)["Revoke me"].revoke.click)
    assert "before the last change" in audited.badge.value
    cluster.findings = ()
    done(made, audited.again.click)
    assert "passed" in audited.badge.value
    assert "before the last change" not in audited.badge.value


def test_drift_is_counted_and_mended() -> None:
    cluster = Noted()
    made = tab(cluster)
    cluster.spec = replace(cluster.spec, allow=(Grant("me"),))
    made.show(seen(cluster))
    assert made.drifted.layout.display == "none"
    good = seen(cluster)
    opened = replace(good.observed, firewalls=(firewall(HERE, "0.0.0.0/0"),))
    made.show(replace(good, observed=opened))
    assert made.drifted.layout.display is None
    assert "1 rule differs" in made.drift.value
    assert "1 rule differs" in made.html()
    assert made.text().startswith("1 rule differs")
    cluster.error = errors.ApiError("No.", "DigitalOcean is busy.", "Try again.")
    done(made, made.mend.click)
    assert cluster.calls == [("up", {})]
    assert "DigitalOcean is busy" in made.told.text
    # It stays until the next action, wherever that is.
    made.show(seen(cluster))
    assert "DigitalOcean is busy" in made.told.text
    cluster.error = None
    done(made, rows(made)["Revoke me"].revoke.click)
    assert made.told.text == ""


@pytest.mark.parametrize("spec", [None, SPEC])
def test_without_rules_nothing_is_offered(spec: Any) -> None:
    made = tab(Noted())
    made.show(replace(look(), spec=spec, observed=None, at=NOW))
    assert made.drifted.layout.display == "none"
    assert "not known" in made.text()
    assert made.allow_me.widget.layout.display == "none"


def test_nothing_of_the_address_is_asked_before_somebody_looks() -> None:
    asked: list[int] = []

    def find() -> Address:
        asked.append(1)
        return Address((HERE,))

    made = tab(Noted(), find)
    made.here.widget.set_trait("_view_count", 1)
    assert asked == []
    made.opened()
    deadline = time.monotonic() + 10
    while made.here.found is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    made.here.stop()
    assert asked

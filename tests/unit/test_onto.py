"""A change that waited is made on what others have made of the spec meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from dotrain.grants import Grant
from dotrain.merging import onto
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Database
from tests.unit.strategies import specs

BASE = ClusterSpec("bert")
OFFICE, HOME = Grant("198.51.100.0/24"), Grant("192.0.2.0/24")


@given(specs, specs)
def test_where_nothing_else_has_changed_it_is_what_was_asked_for(
    spec: ClusterSpec, before: ClusterSpec
) -> None:
    assert onto(spec, before, before) == spec


@given(specs, specs)
def test_where_nothing_was_asked_for_it_is_what_there_is(
    before: ClusterSpec, now: ClusterSpec
) -> None:
    assert onto(before, before, now) == now


def test_changes_of_different_things_are_both_made() -> None:
    asked = replace(BASE, pools=(Pool(count=3),))
    now = replace(BASE, allow=(*BASE.allow, OFFICE), database=Database("pg"))
    assert onto(asked, BASE, now) == replace(now, pools=(Pool(count=3),))


def test_grants_and_revocations_of_both_hold() -> None:
    before = replace(BASE, allow=(*BASE.allow, OFFICE))
    asked, now = replace(BASE, allow=(*before.allow, HOME)), BASE
    assert onto(asked, before, now).allow == (*BASE.allow, HOME)
    assert onto(BASE, before, replace(before, allow=asked.allow)).allow == (*BASE.allow, HOME)


def test_pools_are_changed_one_by_one() -> None:
    before = replace(BASE, pools=(Pool(name="a"), Pool(name="b")))
    asked = replace(BASE, pools=(Pool(name="a", count=2), Pool(name="b")))
    now = replace(BASE, pools=(Pool(name="a"), Pool(name="b", count=3), Pool(name="c")))
    counts = {pool.name: pool.count for pool in onto(asked, before, now).pools}
    assert counts == {"a": 2, "b": 3, "c": 1}
    assert onto(replace(BASE, pools=(Pool(name="a", count=2),)), before, before).pools == (
        Pool(name="a", count=2),
    )


def test_two_change_other_parts_of_one_pool() -> None:
    before = replace(BASE, pools=(Pool("a", count=2), Pool("b")))
    bigger = replace(BASE, pools=(Pool("a", "s-4vcpu-8gb", 2), Pool("b")))
    scaled = replace(BASE, pools=(Pool("a", count=3, min=1, max=4), Pool("b")))
    both = (Pool("a", "s-4vcpu-8gb", 3, min=1, max=4), Pool("b"))
    assert onto(bigger, before, scaled).pools == onto(scaled, before, bigger).pools == both


def test_how_many_nodes_there_are_is_one_decision() -> None:
    before = replace(BASE, pools=(Pool("a", count=2, min=1, max=4),))
    wider = replace(BASE, pools=(Pool("a", count=2, min=1, max=8),))
    fixed = replace(BASE, pools=(Pool("a", count=3),))
    assert onto(wider, before, fixed).pools == wider.pools
    assert onto(fixed, before, wider).pools == fixed.pools


@pytest.mark.parametrize(
    "change",
    [{"paused": True}, {"max_age": "12h"}, {"idle": "1h"}, {"budget": 50.0}, {"reaper": True}],
)
def test_what_only_one_has_changed_is_as_he_has_it(change) -> None:
    other = replace(BASE, pools=(Pool(labels={"team": "nlp"}, taints=["spot:NoExecute"]),))
    assert onto(replace(BASE, **change), BASE, other) == replace(other, **change)
    assert onto(other, BASE, replace(BASE, **change)) == replace(other, **change)

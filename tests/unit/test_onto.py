"""A change that waited is made on what others have made of the spec meanwhile."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from dotrain.changes import onto
from dotrain.grants import Grant
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

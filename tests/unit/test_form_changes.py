"""Of a cluster that exists the form says what would change, who loses access, and what may go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain.address import Address
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Database
from dotrain.widgets.form import values as of
from dotrain.widgets.form.asked import ask
from dotrain.widgets.form.values import PoolRow, SourceRow
from tests.unit.forms import BERT, NOW, known


def test_a_moved_address_gains_and_the_old_one_loses() -> None:
    shown = ask(BERT, known(ClusterSpec("bert")), NOW)
    assert shown.changes == []
    assert {rule.peer for rule in shown.gained} == {"203.0.113.7/32"}
    assert {rule.peer for rule in shown.lost} == {"198.51.100.1/32"}


def test_whoever_would_be_locked_out_is_told_unless_that_is_meant() -> None:
    there = known(ClusterSpec("bert"))
    there = replace(there, address=Address(("198.51.100.1/32",)))
    typed = replace(BERT, me=False, sources=(SourceRow("192.0.2.9"),))
    shown = ask(typed, there, NOW)
    assert list(shown.errors) == ["force"]
    assert "This would lock you out." in shown.errors["force"]
    assert ask(replace(typed, force=True), there, NOW).errors == {}


@pytest.mark.parametrize(
    ("before", "typed", "cause"),
    [
        (ClusterSpec("bert"), {"region": "ams3"}, "region: nyc3 → ams3"),
        (ClusterSpec("bert"), {"pools": (PoolRow("other"),)}, "pools: without train"),
        (ClusterSpec("bert", database=Database()), {"engine": "mysql"}, "database: pg → mysql"),
        (ClusterSpec("bert", ha=True), {"ha": False}, "ha: True → False"),
    ],
)
def test_what_may_be_destroyed_has_to_be_named(before, typed, cause) -> None:
    there = known(before)
    values = replace(of.of_spec(before), **typed)
    shown = ask(values, there, NOW)
    assert list(shown.errors) == ["replace"]
    assert cause in shown.errors["replace"]
    assert shown.causes == (cause,)
    named = ask(replace(values, replace="bert"), there, NOW)
    assert named.errors == {}
    assert named.arguments["replace"] == "bert"


def test_what_would_change_is_said_in_words() -> None:
    before = ClusterSpec("bert", pools=(Pool(count=2), Pool("old")), max_age="12h")
    typed = replace(
        of.of_spec(before),
        pools=(PoolRow(count=4, labels="team=nlp"), PoolRow("gpu", "gpu-h100x1-80gb")),
        engine="pg",
        max_age="",
        ha=True,
        me=False,
        sources=(SourceRow("203.0.113.7"),),
        region="nyc2",
    )
    assert ask(typed, known(before), NOW).changes == [
        "pool old: goes",
        "pool train: count 2 → 4",
        "pool train: labels none → team=nlp",
        "pool gpu: 1 x gpu-h100x1-80gb, new",
        "region: nyc3 → nyc2",
        "database: none → pg, 1 x db-s-1vcpu-1gb",
        "ha: off → on",
        "max_age: 12h → none",
        "who may enter",
    ]

"""What the fields of the Nodes tab ask for: the call, what it does, what it costs."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from dotrain.account import Observed
from dotrain.changes import resized
from dotrain.pools import Pool
from dotrain.pricing import Price
from dotrain.spec import ClusterSpec, Database
from dotrain.widgets.nodes import effects, pooled, resizing
from dotrain.widgets.nodes.resizing import Wish
from tests.unit.looks import EVIL, SPEC, look, pool
from tests.unit.looks import cluster as described

SMALL, LARGE = "s-4vcpu-8gb", "s-8vcpu-16gb"
ONE = ClusterSpec("bert", pools=(Pool(size=SMALL, count=2),))
TWO = replace(ONE, pools=(*ONE.pools, Pool("gpu", size=LARGE, count=1, min=0, max=4)))
PRICES = {SMALL: Price(0.08, 48.0), LARGE: Price(0.16, 96.0)}
SAME = Wish("train", SMALL, 2)


@pytest.mark.parametrize(
    ("spec", "wish", "call"),
    [
        (ONE, replace(SAME, count=4), "resize(count=4)"),
        (ONE, replace(SAME, size=LARGE), 'resize(size="s-8vcpu-16gb")'),
        (ONE, replace(SAME, size=LARGE, drain=False), 'resize(size="s-8vcpu-16gb", drain=False)'),
        (
            ONE,
            replace(SAME, size=LARGE, drain_timeout="1h"),
            'resize(size="s-8vcpu-16gb", drain_timeout="1h")',
        ),
        # A lower count drains nothing, whatever the fields say.
        (ONE, replace(SAME, count=1, drain=False), "resize(count=1)"),
        (ONE, replace(SAME, least=1, most=4), "resize(min=1, max=4)"),
        (TWO, Wish("gpu", LARGE, 1, 0, 6), 'resize(max=6, pool="gpu")'),
        (TWO, Wish("gpu", LARGE, 1), 'resize(count=1, pool="gpu")'),
    ],
)
def test_only_what_differs_is_asked_for(spec, wish, call) -> None:
    outcome = resizing.outcome(spec, wish)
    assert resizing.source("bert", outcome.arguments) == f'dotrain.get("bert").{call}'
    assert outcome.ready
    terms = {"drain", "drain_timeout"}
    asked = {key: one for key, one in outcome.arguments.items() if key not in terms}
    names = {"min": "least", "max": "most"}
    again = resized(spec, **{names.get(key, key): one for key, one in asked.items()})
    assert outcome.spec == again


def test_what_is_as_it_was_asks_for_nothing() -> None:
    for spec in (ONE, TWO):
        for one in spec.pools:
            outcome = resizing.outcome(spec, Wish.of(one))
            assert (outcome.arguments, outcome.ready) == ({}, False)


@pytest.mark.parametrize(
    ("wish", "field", "said"),
    [
        (replace(SAME, count=0), "count", "at least 1"),
        (replace(SAME, least=4, most=2), "most", "between min and max"),
        (replace(SAME, size=LARGE, drain_timeout="soon"), "drain_timeout", "not a span of time"),
        (replace(SAME, pool="tpu"), "pool", "no pool 'tpu'"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(wish, field, said) -> None:
    outcome = resizing.outcome(ONE, wish)
    assert said in outcome.problems[field]
    assert not outcome.ready


def words(spec: ClusterSpec, wish: Wish, now: int = 2) -> str:
    return " ".join(effects.words(spec, wish, resizing.outcome(spec, wish), now=now))


def test_fewer_nodes_go_without_a_drain() -> None:
    said = words(replace(ONE, pools=(Pool(size=SMALL, count=4),)), replace(SAME, count=2), 4)
    assert "4 → 2 nodes: DigitalOcean chooses which 2 nodes go, without draining" in said
    assert "which node goes" in words(ONE, replace(SAME, count=1))
    assert "not touched" in words(ONE, replace(SAME, count=3))


def test_another_size_makes_the_new_pool_first() -> None:
    said = words(ONE, replace(SAME, size=LARGE))
    assert said.startswith("A new pool of 2 x s-8vcpu-16gb is made first")
    assert "PodDisruptionBudgets" in said
    assert "within 10m" in said
    assert said.endswith("The cluster stays.")
    assert "killed" in words(ONE, replace(SAME, size=LARGE, drain=False))


def test_the_autoscaler_is_explained_on_and_off() -> None:
    assert "keeps 1 to 4 nodes" in words(ONE, replace(SAME, least=1, most=4))
    assert "switched off" in words(TWO, Wish("gpu", LARGE, 1), 1)


def test_a_paused_cluster_makes_no_node() -> None:
    paused = replace(ONE, paused=True)
    wish = replace(SAME, count=4)
    assert "paused" in words(paused, wish)
    money = effects.money(paused, wish, resizing.outcome(paused, wish), PRICES, now=2)
    assert money == "$0.16/h → $0.32/h once it is resumed; nothing while it is paused."


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (replace(SAME, count=4), "$0.16/h → $0.32/h, +$0.16/h, +$96.00 a month."),
        (replace(SAME, count=1), "$0.16/h → $0.08/h, -$0.08/h, -$48.00 a month."),
        (replace(SAME, size=LARGE, count=1), "$0.16/h, as now."),
        (replace(SAME, least=1, most=4), "$0.16/h → $0.16/h (at most $0.32/h)."),
        (
            replace(SAME, size="gpu-x", count=1),
            "$0.16/h → price unknown: what it adds is not known.",
        ),
        (replace(SAME, count=0), ""),
    ],
)
def test_money_is_what_it_is_now_and_then_and_the_difference(wish, said) -> None:
    assert effects.money(ONE, wish, resizing.outcome(ONE, wish), PRICES, now=2) == said


def test_what_would_destroy_something_is_found_before_it_is_asked_for() -> None:
    database = replace(TWO, database=Database())
    assert resizing.lost(ONE, ONE) == ()
    assert resizing.lost(TWO, pooled.without(TWO, "gpu")) == ("pools: without gpu",)
    assert resizing.lost(database, TWO) == ("database: pg → none",)
    system = replace(ONE, system=replace(ONE.system, size="s-2vcpu-2gb"))
    assert resizing.lost(ONE, system)[0].startswith("system: ")


def test_a_removal_names_the_cluster_and_says_what_goes() -> None:
    here = look(spec=TWO)
    assert pooled.removal(TWO, "gpu", {"drain": False}) == {
        "pools": [TWO.pools[0]],
        "replace": "bert",
        "drain": False,
    }
    assert "destroys the pool gpu" in pooled.removing(here, "gpu")
    assert "stays: pause" in pooled.removing(look(spec=ONE), "train")
    call = pooled.code("bert", "up", pooled.removal(TWO, "gpu", {}))
    assert "replace=&quot;bert&quot;" in call


def test_a_pause_says_what_still_costs() -> None:
    said = pooled.pausing(look(spec=replace(ONE, database=Database())))
    assert "$0.020 an hour" in said
    assert "database: 1 x db-s-1vcpu-1gb (price unknown)" in said


def test_what_is_paid_for_now_is_what_the_account_has_and_not_what_should_be() -> None:
    # Somebody has made two more in DigitalOcean's control panel.
    more = pool("train-s-4vcpu-8gb", "s-4vcpu-8gb", ("running",) * 4)
    seen = look(observed=Observed(described(more)))
    paid = sum(one.hourly or 0 for one in seen.lines)
    (row,) = [one for one in seen.pools if one.role == "training"]
    assert pooled.cost(row, seen) == "$0.28/h"
    assert paid == pytest.approx(0.28)
    assert pooled.present(seen, SPEC.pools[0]) == 4
    # A pool that is not there yet is as it should be.
    assert pooled.present(look(), TWO.pools[1]) == 1


def test_a_saved_table_escapes_what_the_api_says() -> None:
    seen = look()
    hostile = described(pool(EVIL, EVIL, ("running",)))
    observed = replace(seen.observed, cluster=hostile)
    html = pooled.table(replace(seen, observed=observed))
    assert "<img" not in html
    assert "&lt;img" in html
    assert "train" in pooled.text(seen)
    empty = replace(seen, spec=None, observed=None, at=dt.datetime.now(dt.timezone.utc))
    assert pooled.text(empty) == pooled.NOTHING

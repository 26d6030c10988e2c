"""Random histories above the API: dotrain, its program and the provider, and no Pulumi CLI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test as run

import dotrain
from dotrain import belongings, bodies, errors, guarded, rules, spending
from tests.histories import running, worlds
from tests.histories.faults import Fault
from tests.histories.machine import Histories
from tests.histories.told import HERE, rehearsed

HISTORIES = int(os.environ.get("DOTRAIN_HISTORIES", "200"))
STEPS = int(os.environ.get("DOTRAIN_HISTORY_STEPS", "5"))
MOST = 200
"""So many histories has the machine to find what is broken; it takes a few."""

# Some of the clusters grow old.
pytestmark = pytest.mark.filterwarnings("ignore::dotrain.errors.EndsSoon")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    with worlds.inside(tmp_path_factory.mktemp("histories") / "home") as made:
        made.prepare()
        yield made


def _begun(world: worlds.World, start: str) -> Histories:
    """Return a history that goes as it is written."""
    Histories.world = world
    begun = Histories()
    begun.begin(start=start)
    return begun


@pytest.fixture
def state(world: worlds.World) -> Iterator[Histories]:
    """A history from a cluster that is there."""
    begun = _begun(world, "plain")
    yield begun
    begun.nothing_was_unguarded()
    begun.all_is_as_it_should_be()


def test_whatever_happens_the_account_is_what_the_model_says(world: worlds.World) -> None:
    class Here(Histories):
        pass

    Here.world = world
    run(Here, settings=rehearsed(HISTORIES, STEPS))


# What histories have found.

APPLIED = ["500 after", "reset after", "cut short", "silence after"]


@pytest.mark.parametrize("kind", APPLIED)
def test_a_grant_that_failed_and_is_in_force_can_be_taken_back(state: Histories, kind: str) -> None:
    fault = Fault("change firewall", kind, 0, "always")
    state.allow(name="bert", source="192.0.2.17", to=("ssh",), fault=fault)
    state.revoke(name="bert", source="192.0.2.17", force=False, fault=None)


@pytest.mark.parametrize("kind", APPLIED)
def test_nodes_that_are_there_although_that_failed_can_go_again(
    state: Histories, kind: str
) -> None:
    state.resize(name="bert", pool="train", count=3, fault=Fault("change pool", kind, 0, "always"))
    state.resize(name="bert", pool="train", count=1, fault=None)


@pytest.mark.parametrize("kind", APPLIED)
def test_what_nodes_may_reach_is_taken_back_although_the_change_failed(
    state: Histories, kind: str
) -> None:
    fault = Fault("change firewall", kind, 0, "always")
    state.egress(name="bert", preset="locked", fault=fault)
    state.egress(name="bert", preset="web", fault=None)


def test_one_who_moves_and_comes_back_is_let_in_where_he_is(state: Histories) -> None:
    state.move(place="198.51.100.4")
    state.allow_me(name="bert", fault=Fault("change firewall", "500 after", 0, "always"))
    state.move(place=HERE)
    state.allow_me(name="bert", fault=None)


@pytest.mark.parametrize(("at", "skip"), [("make pool", 0), ("see pool", 0), ("see database", 1)])
def test_a_database_that_is_made_while_something_fails_lets_in_nobody_else(
    world: worlds.World, at: str, skip: int
) -> None:
    state = _begun(world, "nothing")
    asked: dict[str, Any] = {"name": "ada", "size": "s-2vcpu-4gb", "count": 1}
    fault = Fault(at, "401", skip, "always")
    state.up(**asked, second=False, database=True, fault=fault)
    (database,) = state.account.objects()["databases"]
    assert {one["value"] for one in database["rules"]} > {HERE}
    state.all_is_as_it_should_be()
    state.up(**asked, second=False, database=True, fault=None)
    state.all_is_as_it_should_be()


def test_a_database_that_cannot_be_shut_is_told_of_and_shut_by_the_next_call(
    state: Histories,
) -> None:
    asked: dict[str, Any] = {"name": "bert", "size": "s-2vcpu-4gb", "count": 1}
    fault = Fault("change trusted sources", "401", 0, "always")
    state.up(**asked, second=False, database=True, fault=fault)
    assert "its trusted sources were not set" in dotrain.get("bert").operation.log
    state.up(**asked, second=False, database=True, fault=None)


def test_what_a_teardown_that_stopped_half_way_has_left_is_named(state: Histories) -> None:
    state.down(name="bert", fault=Fault("delete firewall", "401", 0, "always"))
    with pytest.raises(errors.ClusterNotFound, match=r"still has: firewall; .* dotrain\.down"):
        dotrain.get("bert").up()
    state.down(name="bert", fault=None)


def test_a_teardown_that_stopped_half_way_opens_nothing(world: worlds.World) -> None:
    state = _begun(world, "database")
    state.down(name="bert", fault=Fault("delete database", "401", 0, "once"))
    state.all_is_as_it_should_be()
    state.down(name="bert", fault=None)
    state.all_is_as_it_should_be()


@pytest.mark.parametrize("kind", ["401", *APPLIED])
def test_what_has_expired_and_could_not_be_ended_ends_with_the_next_call(
    state: Histories, kind: str
) -> None:
    state.allow_for_an_hour(name="bert", to=("api",), fault=None)
    state.an_hour_goes_by(name="bert", fault=Fault("change cluster", kind, 0, "always"))


def test_the_last_who_may_use_kubernetes_is_let_in_no_longer_than_granted(
    state: Histories,
) -> None:
    state.allow_for_an_hour(name="bert", to=("api",), fault=None)
    state.revoke(name="bert", source="me", force=True, fault=None)
    state.an_hour_goes_by(name="bert", fault=None)


@pytest.mark.parametrize("kind", ["401", "500 after"])
@pytest.mark.parametrize(
    "at",
    [
        "delete pool", "delete database", "delete cluster", "delete VPC", "make VPC",
        "make cluster", "make pool", "make database", "change trusted sources",
    ],
)  # fmt: skip
def test_a_cluster_that_moves_is_whole_again_whatever_stops_it(
    world: worlds.World, at: str, kind: str
) -> None:
    state = _begun(world, "database")
    fault = Fault(at, kind, 0, "always")
    state.move_the_cluster(name="bert", region="ams3", fault=fault)
    state.all_is_as_it_should_be()
    # Neither this nor any other call that does not name it destroys what is still there.
    state.move(place="203.0.113.9")
    state.allow_me(name="bert", fault=None)
    state.all_is_as_it_should_be()
    state.move_the_cluster(name="bert", region="ams3", fault=None)
    state.all_is_as_it_should_be()
    assert state.clusters["bert"].exact


def test_a_pool_that_nobody_wants_any_more_goes_although_no_state_knows_it(
    state: Histories,
) -> None:
    asked: dict[str, Any] = {"name": "bert", "pool": "train"}
    state.change_size(**asked, size="s-4vcpu-8gb", fault=Fault("see pool", "409", 1, "always"))
    state.change_size(**asked, size="s-2vcpu-4gb", fault=None)


def test_a_pool_that_nobody_wants_any_more_is_not_waited_for(state: Histories) -> None:
    asked: dict[str, Any] = {"name": "bert", "pool": "train"}
    never = Fault("see pool", "never ready", 0, "always")
    state.change_size(**asked, size="s-4vcpu-8gb", fault=never)
    state.all_is_as_it_should_be()
    state.change_size(**asked, size="s-2vcpu-4gb", fault=never)
    assert state.clusters["bert"].exact


@pytest.mark.parametrize(("at", "skip"), [("see pool", 1), ("see database", 1)])
def test_what_no_state_knows_stops_no_replacement(state: Histories, at: str, skip: int) -> None:
    fault = Fault(at, "422", skip, "always")
    asked: dict[str, Any] = {"name": "bert", "size": "s-4vcpu-8gb", "count": 1}
    state.up(**asked, second=True, database=True, fault=fault)
    state.move_the_cluster(name="bert", region="ams3", fault=None)


# The machine can fail: dotrain is broken on purpose, and it finds that.


def _forgets_a_rule(patch: pytest.MonkeyPatch) -> None:
    entries = bodies.entries
    patch.setattr(bodies, "entries", lambda *asked: entries(*asked)[:-1])


def _leaves_networks(patch: pytest.MonkeyPatch) -> None:
    find, delete = belongings.Search._find, running.Run._deleted

    def blind(search: belongings.Search, kind: str) -> list[belongings.Object]:
        return [] if kind == "VPC" else find(search, kind)

    def idle(run: running.Run, urn: str, one: running.Entry) -> None:
        if not urn.endswith("::vpc"):
            delete(run, urn, one)

    patch.setattr(belongings.Search, "_find", blind)
    patch.setattr(running.Run, "_deleted", idle)


def _shows_no_door_that_others_opened(patch: pytest.MonkeyPatch) -> None:
    compare = rules.compare

    def blind(*asked: Any) -> list[rules.Compared]:
        return [one for one in compare(*asked) if one.drift != "extra"]

    patch.setattr(guarded, "compare", blind)


def _counts_a_node_too_many(patch: pytest.MonkeyPatch) -> None:
    line = spending.pool_line

    def more(name: str, size: str, count: int, *rest: Any, **also: Any) -> Any:
        return line(name, size, count + 1, *rest, **also)

    patch.setattr(spending, "pool_line", more)


@pytest.mark.long(70)
@pytest.mark.parametrize(
    "broken",
    [
        _forgets_a_rule,
        _leaves_networks,
        _shows_no_door_that_others_opened,
        _counts_a_node_too_many,
    ],
)
def test_the_machine_finds_what_is_broken(
    world: worlds.World,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
) -> None:
    class Broken(Histories):
        pass

    Broken.world = world
    broken(monkeypatch)
    with pytest.raises(AssertionError, match=r"bert|ada"):
        run(Broken, settings=rehearsed(MOST, STEPS, shrink=False))


def test_a_history_finds_what_it_has_found_before(
    state: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.histories.engine.Engine.is_settled", lambda _: True)
    state.resize(
        name="bert", pool="train", count=3, fault=Fault("change pool", "500 after", 0, "always")
    )
    state.resize(name="bert", pool="train", count=1, fault=None)
    with pytest.raises(AssertionError, match="has the pools"):
        state.all_is_as_it_should_be()
    monkeypatch.undo()
    state.mend(name="bert", fault=None)

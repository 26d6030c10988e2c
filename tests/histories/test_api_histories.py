"""Random histories above the API: dotrain, its program and the provider, and no Pulumi CLI."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis.stateful import run_state_machine_as_test as run

import dotrain
from dotrain import belongings, bodies, leftovers
from tests.histories import worlds
from tests.histories.faults import Fault
from tests.histories.machine import Histories
from tests.histories.told import HERE, rehearsed

HISTORIES = int(os.environ.get("DOTRAIN_HISTORIES", "200"))
STEPS = 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    with worlds.inside(tmp_path_factory.mktemp("histories") / "home") as made:
        made.begin()
        dotrain.up("bert")
        made.keep("plain")
        dotrain.up("bert", database=dotrain.Database("pg", size="db-s-1vcpu-1gb"))
        made.keep("database")
        yield made


@pytest.fixture
def state(world: worlds.World) -> Iterator[Histories]:
    """A history that goes as it is written, from a cluster that is there."""
    Histories.world = world
    begun = Histories()
    begun.begin(start="plain")
    yield begun
    begun.nothing_was_unguarded()
    begun.all_is_as_it_should_be()


def test_whatever_happens_the_account_is_what_the_model_says(world: worlds.World) -> None:
    class Here(Histories):
        pass

    Here.world = world
    run(Here, settings=rehearsed(HISTORIES, STEPS))


# What histories have found.

APPLIED = ["500 after", "reset after", "cut short"]


@pytest.mark.parametrize("kind", APPLIED)
def test_a_grant_that_failed_and_is_in_force_can_be_taken_back(state: Histories, kind: str) -> None:
    fault = Fault("change firewall", kind, 0, "always")
    state.allow(name="bert", source="192.0.2.17", to=("ssh",), fault=fault)
    state.revoke(name="bert", source="192.0.2.17", force=False, fault=None)


@pytest.mark.parametrize("kind", APPLIED)
def test_nodes_that_are_there_although_that_failed_can_go_again(
    state: Histories, kind: str
) -> None:
    state.resize(name="bert", count=3, fault=Fault("change pool", kind, 0, "always"))
    state.resize(name="bert", count=1, fault=None)


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


# The machine can fail: dotrain is broken on purpose, and a history finds it.


def _forgets_a_rule(patch: pytest.MonkeyPatch) -> None:
    entries = bodies.entries
    patch.setattr(bodies, "entries", lambda *asked: entries(*asked)[:-1])


def _overlooks_volumes(patch: pytest.MonkeyPatch) -> None:
    patch.delitem(leftovers._KINDS, "volumes")


def _leaves_networks(patch: pytest.MonkeyPatch) -> None:
    kinds = tuple(one for one in belongings.KINDS if one != "VPC")
    patch.setattr(belongings, "KINDS", kinds)


def _takes_it_for_settled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tests.histories.engine.Engine.is_settled", lambda _: True)


@pytest.mark.parametrize(
    "broken",
    [_forgets_a_rule, _overlooks_volumes, _takes_it_for_settled],
    ids=lambda one: one.__name__,
)
def test_the_machine_finds_what_is_broken(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, broken: object
) -> None:
    class Broken(Histories):
        pass

    Broken.world = world
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        run(Broken, settings=rehearsed(400, STEPS, shrink=False))

"""Random histories with the real engine: public calls, processes of their own, real HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis.stateful import rule
from hypothesis.stateful import run_state_machine_as_test as run

from tests.histories import worlds
from tests.histories.faults import Fault
from tests.histories.machine import Histories
from tests.histories.told import rehearsed

HISTORIES = int(os.environ.get("DOTRAIN_ENGINE_HISTORIES", "20"))
STEPS = int(os.environ.get("DOTRAIN_HISTORY_STEPS", "4"))

# Some of the clusters grow old.
pytestmark = pytest.mark.filterwarnings("ignore::dotrain.errors.EndsSoon")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.World]:
    with worlds.outside(tmp_path_factory.mktemp("histories") / "home") as made:
        made.prepare()
        yield made


def test_with_the_real_engine_the_account_is_what_the_model_says(world: worlds.World) -> None:
    class Real(Histories):
        @rule()
        def restart_the_kernel(self) -> None:
            """The kernel is another one: what it knew, and its warm processes, are gone."""
            worlds.restart()

    Real.world = world
    run(Real, settings=rehearsed(HISTORIES, STEPS))


def test_what_was_done_although_it_failed_can_be_taken_back(world: worlds.World) -> None:
    Histories.world = world
    state = Histories()
    state.begin(start="plain")
    state.resize(
        name="bert", pool="train", count=3, fault=Fault("change pool", "500 after", 0, "always")
    )
    state.resize(name="bert", pool="train", count=1, fault=None)
    state.nothing_was_unguarded()
    state.all_is_as_it_should_be()

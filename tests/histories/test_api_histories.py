"""Random histories above the API: dotrain, its program and the provider, and no Pulumi CLI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

import dotrain
from tests.histories import worlds
from tests.histories.machine import Histories

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


def test_whatever_happens_the_account_is_what_the_model_says(world: worlds.World) -> None:
    class Here(Histories):
        pass

    Here.world = world
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

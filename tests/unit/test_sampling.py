"""The sample of modules that take long: another one each day, and none is forgotten."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests import sampling

NAMES = st.sets(st.sampled_from([f"tests/{kind}/test_{n}.py" for kind in "ab" for n in range(9)]))


@given(NAMES, st.integers(1, 5), st.integers(0, 1000))
def test_over_so_many_days_each_has_its_turn(modules, one_in, week) -> None:
    days = [week * one_in + day for day in range(one_in)]
    left = [sampling.left_out(modules, seed=day, one_in=one_in) for day in days]
    run = Counter(module for out in left for module in modules - out)
    assert run == Counter(modules)


@given(NAMES, st.integers(2, 5), st.integers(0, 5000))
def test_each_directory_has_its_share(modules, one_in, day) -> None:
    run = modules - sampling.left_out(modules, seed=day, one_in=one_in)
    for directory in ("tests/a/", "tests/b/"):
        there = [module for module in modules if module.startswith(directory)]
        chosen = [module for module in run if module.startswith(directory)]
        assert len(there) // one_in <= len(chosen) <= -(-len(there) // one_in)


def test_whoever_names_a_test_runs_it() -> None:
    assert sampling.left_out(["tests/a/test_1.py"], one_in=1) == set()


def test_what_is_run_is_said_so_that_it_can_be_run_again() -> None:
    assert sampling.told(seed=7, one_in=4) == "one in 4, chosen by DOTRAIN_TEST_SEED=7"
    assert sampling.told(one_in=1) == "all"

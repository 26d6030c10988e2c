"""The sample of modules that take long: another one each day, and none is forgotten."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import sampling

MODULES = st.dictionaries(
    st.sampled_from([f"tests/live/test_{number}.py" for number in range(20)]),
    st.sampled_from([10, 20, 40, 90, 270]),
)


@given(MODULES, st.integers(1, 8), st.integers(0, 1000))
def test_over_so_many_days_each_has_its_turn(modules, one_in, day) -> None:
    shares = [sampling.share(modules, seed=day + one, one_in=one_in) for one in range(one_in)]
    assert Counter(path for share in shares for path in share) == Counter(list(modules))


@given(MODULES, st.integers(2, 8), st.integers(0, 5000))
def test_no_day_takes_longer_than_its_share_and_a_module(modules, one_in, day) -> None:
    run = sampling.share(modules, seed=day, one_in=one_in)
    longest = max(modules.values(), default=0)
    assert sum(modules[path] for path in run) <= sum(modules.values()) / one_in + longest


def test_whoever_names_a_test_runs_it() -> None:
    assert sampling.share({"tests/live/test_1.py": 20}, one_in=1) == {"tests/live/test_1.py"}


@pytest.mark.parametrize(
    ("one_in", "said"), [(4, "one in 4, chosen by DOTRAIN_TEST_SEED=7"), (1, "all")]
)
def test_what_is_run_is_said_so_that_it_can_be_run_again(one_in, said) -> None:
    assert sampling.told(seed=7, one_in=one_in) == said

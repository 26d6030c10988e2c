"""Sums of money: what people write is read, what is none is refused, a cent is a cent."""

from __future__ import annotations

import pytest

from dotrain import money
from dotrain.errors import SpecError
from dotrain.spec import ClusterSpec


@pytest.mark.parametrize(
    ("written", "dollars"),
    [("$50", 50.0), ("49.90", 49.9), (" $ 7 ", 7.0), (50, 50.0), (0.25, 0.25), ("0.0179", 0.0179)],
)
def test_sums_are_read_as_people_write_them(written, dollars) -> None:
    assert money.parse(written) == dollars


@pytest.mark.parametrize(
    "wrong",
    ["", "fifty", "-5", "$", "5 EUR", "1,000", "1e3", "٣", 0, -1, float("nan"), float("inf"), True,
     None, [50], "$9999999999"],
)  # fmt: skip
def test_what_is_no_sum_is_refused_and_shown(wrong) -> None:
    with pytest.raises(SpecError) as caught:
        money.parse(wrong)
    assert repr(wrong) in str(caught.value)
    assert "'$50'" in caught.value.fix


def test_a_budget_is_kept_to_the_cent_and_none_is_no_limit() -> None:
    assert money.budget("$49.999") == 50.0
    assert money.budget(0.01) == 0.01
    assert money.budget(" None ") is None
    assert ClusterSpec("bert", budget="none").budget is None


def test_a_budget_of_less_than_a_cent_is_refused() -> None:
    with pytest.raises(SpecError, match="less than a cent"):
        money.budget(0.004)


@pytest.mark.parametrize("budget", ["$50", 0.29, 1.005, "8191.99", 999_999_999])
def test_a_budget_survives_the_spec_unchanged(budget) -> None:
    spec = ClusterSpec("bert", budget=budget)
    assert ClusterSpec.from_dict(spec.to_dict()) == spec


def test_sums_are_written_to_the_cent_and_little_is_not_nothing() -> None:
    assert [money.text(one) for one in (0, 0.004, 0.01, 1234.567)] == [
        "$0.00",
        "under $0.01",
        "$0.01",
        "$1,234.57",
    ]

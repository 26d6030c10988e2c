"""A budget is a tag on the cluster, which anybody reads back as the same sum."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain import limits, names
from dotrain.spec import ClusterSpec


@given(st.integers(min_value=1, max_value=10**11))
def test_a_budget_comes_back_from_its_tag_to_the_cent(cents) -> None:
    spec = ClusterSpec("bert", budget=cents / 100)
    (tag,) = limits.tags(spec)
    assert re.fullmatch(r"[a-zA-Z0-9_\-:]{1,255}", tag)
    assert limits.budget(["k8s", tag]) == spec.budget == cents / 100


def test_without_a_budget_there_is_no_tag() -> None:
    assert limits.tags(ClusterSpec("bert")) == []
    assert limits.budget(["dotrain", "dotrain:bert"]) is None


def test_a_limit_is_not_taken_for_the_clusters_name() -> None:
    tags = [*limits.tags(ClusterSpec("bert", budget=5)), "dotrain", "dotrain:bert"]
    assert names.cluster_of(tags) == "bert"


@pytest.mark.parametrize("value", ["", "5.0", "٣", "0", "000", "-5", "9" * 240])
def test_a_tag_that_says_no_sum_is_no_limit_and_is_told(value) -> None:
    tag = f"dotrain-budget:{value}"
    assert limits.budget([tag]) is None
    assert limits.unreadable(["x", "dotrain-budget:5000", tag]) == [tag]


def test_of_two_budgets_the_smaller_counts() -> None:
    assert limits.budget(["dotrain-budget:5000", "dotrain-budget:1"]) == 0.01


@pytest.mark.parametrize(
    ("tag", "limit"),
    [
        ("dotrain", False),
        ("dotrain-budget:5000", True),
        ("dotrain-max-age:12h", True),
        ("dotrain:bert", False),
        ("dotrain-bert", False),
        ("k8s:worker", False),
        ("my-dotrain-budget:1", False),
    ],
)
def test_a_limit_is_told_from_the_tags_of_one_cluster_and_of_others(tag, limit) -> None:
    assert names.is_limit(tag) is limit

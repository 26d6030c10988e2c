"""What a cluster costs that stays is said: until when, an hour, a day, and how to end it."""

from __future__ import annotations

import datetime as dt
import warnings

import pytest

from dotrain import staying
from dotrain.bills import Bill
from dotrain.errors import NothingElseEndsIt
from dotrain.pricing import Line
from dotrain.spec import ClusterSpec

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)


def words(*tags: str, lines: tuple[Line, ...] = (Line("nodes", 2.5),)) -> str:
    made = {"name": "bert", "tags": list(tags), "created_at": "2026-01-01T00:00:00Z"}
    return staying.words(made, Bill("bert", lines), NOON)


def test_without_a_max_age_it_says_an_hour_a_day_and_what_would_end_it() -> None:
    assert words() == (
        "The cluster 'bert' stays until dotrain.down('bert'), and costs $2.500 an hour, $60.00 a "
        "day. With dotrain.up('bert', max_age='12h') a sweep ends it."
    )


def test_with_a_max_age_it_says_until_when_and_what_that_costs() -> None:
    assert words("dotrain-max-age:16h") == (
        "The cluster 'bert' stays until 2026-01-01 16:00 UTC, when a sweep ends it (max age 16h), "
        "and costs $2.500 an hour, $10.00 until then. dotrain.down('bert') ends it now."
    )


def test_a_max_age_that_is_over_promises_no_time() -> None:
    said = words("dotrain-max-age:11h")
    assert "stays until the next sweep, since its max age of 11h is over" in said


def test_what_has_no_known_price_is_named_and_in_no_sum() -> None:
    said = words(lines=(Line("nodes", 2.5), Line("database", None)))
    assert "$60.00 a day, besides database (price unknown)" in said


def test_a_cluster_that_only_this_machine_ends_is_warned_of() -> None:
    with pytest.warns(NothingElseEndsIt, match=r"max_age='12h'.*reaper=True"):
        staying.warn(ClusterSpec("bert"))


@pytest.mark.parametrize("limit", [{"max_age": "12h"}, {"reaper": True}])
def test_a_cluster_that_something_else_ends_is_not_warned_of(limit) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        staying.warn(ClusterSpec("bert", **limit))

"""A cluster's timers: on the account as tags, counted from its creation, warned of in time."""

from __future__ import annotations

import datetime as dt

import pytest

from dotrain import changes, durations, names, timers
from dotrain.errors import SpecError
from dotrain.spec import ClusterSpec

MADE = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)


def cluster(*tags: str) -> dict:
    return {"tags": ["k8s", "dotrain", "dotrain:bert", *tags], "created_at": "2026-01-01T00:00:00Z"}


def test_tags_say_what_the_spec_says_and_nothing_where_it_says_nothing() -> None:
    assert timers.tags(ClusterSpec("bert")) == []
    spec = ClusterSpec("bert", max_age="90m", idle=HOUR)
    assert timers.tags(spec) == ["dotrain-max-age:1h30m", "dotrain-idle:1h"]
    assert timers.of(timers.tags(spec)) == timers.Timers(1.5 * HOUR, HOUR)


@pytest.mark.parametrize("span", ["1s", "12h", "1d1h30m", "3660d"])
def test_a_tag_is_one_that_digitalocean_takes_and_no_cluster_s_name(span) -> None:
    (tag,) = timers.tags(ClusterSpec("bert", max_age=span))
    assert len(tag) <= 255
    assert set(tag) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-:")
    assert names.cluster_of([tag]) is None
    assert names.is_limit(tag)


@pytest.mark.parametrize("tag", ["dotrain", "dotrain:bert", "dotrain:max-age:1h", "my-dotrain-x:1"])
def test_what_else_clusters_carry_is_no_limit(tag) -> None:
    assert not names.is_limit(tag)


def test_a_tag_that_says_no_span_is_told_and_not_acted_on() -> None:
    found = timers.of(["dotrain-max-age:soon", "dotrain-idle:", "dotrain-idle:0s"])
    assert (found.max_age, found.idle) == (None, None)
    assert len(found.unreadable) == 3
    assert not timers.is_over(cluster("dotrain-max-age:soon"), MADE + 9999 * HOUR)


def test_of_two_tags_the_longer_time_counts() -> None:
    assert timers.of(["dotrain-max-age:3h", "dotrain-max-age:2h"]).max_age == 3 * HOUR


@pytest.mark.parametrize(
    ("age", "hours", "near", "over"),
    [
        ("12h", 10.7, False, False),
        ("12h", 10.9, True, False),
        ("12h", 12, True, True),
        ("1h", 0.7, False, False),
        ("1h", 0.8, True, False),
        ("10m", 0, True, False),
    ],
)
def test_a_warning_comes_in_the_last_tenth_or_15_minutes(age, hours, near, over) -> None:
    one, now = cluster(f"dotrain-max-age:{age}"), MADE + hours * HOUR
    assert (timers.is_near(one, now), timers.is_over(one, now)) == (near, over)


def test_without_a_max_age_there_is_no_end() -> None:
    one = cluster("dotrain-idle:1h")
    assert timers.ends(one) is None
    assert timers.outlook(one, MADE) == ""
    assert not timers.is_near(one, MADE + 10**5 * HOUR)


def test_the_outlook_says_when_it_ends_and_when_it_should_have() -> None:
    one = cluster("dotrain-max-age:12h")
    assert timers.outlook(one, MADE + 12 * HOUR - HOUR / 1.5) == "ends in 40 min (max age 12h)"
    late = "should have ended 2 h ago (max age 12h)"
    assert timers.outlook(one, MADE + 14 * HOUR) == late


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h"), (90061, "1 d 1 h"), (86460, "1 d")],
)
def test_a_rough_span_has_two_units_at_most(seconds, said) -> None:
    assert durations.rough(dt.timedelta(seconds=seconds)) == said


def test_extending_adds_to_the_max_age() -> None:
    longer = changes.extended(ClusterSpec("bert", max_age="12h", idle="1h"), "2h30m")
    assert (longer.max_age, longer.idle) == ("14h30m", "1h")


@pytest.mark.parametrize(("age", "by"), [(None, "2h"), ("12h", "later"), ("12h", "3660d")])
def test_what_cannot_be_extended_is_refused(age, by) -> None:
    with pytest.raises(SpecError):
        changes.extended(ClusterSpec("bert", max_age=age), by)


def test_a_timer_stays_until_it_is_taken_back() -> None:
    before = ClusterSpec("bert", max_age="12h", idle="1h")
    kept = changes.asked(before, {"max_age": None, "ha": True}, "bert", MADE)
    assert (kept.max_age, kept.idle) == ("12h", "1h")
    assert changes.asked(before, {"max_age": "none"}, "bert", MADE).max_age is None

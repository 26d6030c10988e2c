"""Whatever is given for a rule, a size, a sum, a span or a name: an error, or a value."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain import (
    Database,
    Pool,
    durations,
    egress,
    grants,
    limits,
    money,
    notation,
    pools,
    ports,
    sources,
    timers,
)
from dotrain.jobs import quantities
from dotrain.spec import ClusterSpec
from tests.fuzz.strategies import QUICK, Refused, exchanged, mangled, refusals, texts, values

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
WORDS = {
    "money": (money.parse, "$49.90"),
    "budget": (money.budget, "$50"),
    "duration": (durations.parse, "1d12h30m"),
    "duration-text": (durations.text, "1h"),
    "end": (lambda text: durations.ends(text, NOW), "2026-03-02T20:00+01:00"),
    "tcp-ports": (lambda text: ports.parse_ports(text, "tcp"), "8000-9000"),
    "protocol": (lambda text: ports.parse_ports("22", text), "tcp"),
    "network": (sources.parse_network, "203.0.113.0/24"),
    "rule": (notation.parse_rule, "nodes inbound tcp 22 from 203.0.113.0/24"),
    "service": (grants.service, "tcp 8000-9000"),
    "egress": (lambda text: egress.check([text]), "tcp 443 to 203.0.113.0/24"),
    "taint": (pools.parse_taint, "team=nlp:NoSchedule"),
    "memory": (quantities.memory, "16Gi"),
    "budget-tag": (lambda text: limits.budget([text]), "dotrain-budget:5000"),
    "timer-tag": (lambda text: timers.of([text]), "dotrain-max-age:12h"),
    "source": (grants.Grant, "203.0.113.7"),
    "label": (lambda text: grants.Grant("me", label=text), "office"),
    "name": (ClusterSpec, "bert"),
    "size": (lambda text: Pool(size=text), "s-4vcpu-8gb"),
}
# What takes more than text from users.
VALUES: dict[str, Callable[[Any], object]] = {
    "money": money.parse,
    "budget": money.budget,
    "duration": durations.parse,
    "end": lambda value: durations.ends(value, NOW),
    "network": sources.parse_network,
    "taint": pools.parse_taint,
    "memory": quantities.memory,
    "pool": lambda value: Pool(size=value),
    "count": lambda value: Pool(count=value),
    "least": lambda value: Pool(min=value, max=2),
    "database": Database,
    "name": ClusterSpec,
    "region": lambda value: ClusterSpec("bert", region=value),
    "version": lambda value: ClusterSpec("bert", version=value),
    "age": lambda value: ClusterSpec("bert", max_age=value),
    "spend": lambda value: ClusterSpec("bert", budget=value),
}


def tried(parse: Callable[[Any], object], value: object) -> None:
    """Fail when something else than a value or an error of dotrain's comes out."""
    with contextlib.suppress(Refused), refusals():
        parse(value)


@pytest.mark.parametrize("what", WORDS)
def test_a_text_is_understood_or_refused_in_words(what: str) -> None:
    parse, good = WORDS[what]
    parse(good)

    @QUICK
    @given(texts | mangled(good, "0123456789.-:/ ahT$") | st.text())
    def run(text: str) -> None:
        tried(parse, text)

    run()


@pytest.mark.parametrize("what", VALUES)
def test_a_value_is_understood_or_refused_in_words(what: str) -> None:
    @QUICK
    @given(values | st.timedeltas() | st.datetimes(timezones=st.none() | st.timezones()))
    def run(value: object) -> None:
        tried(VALUES[what], value)

    run()


SPEC = ClusterSpec(
    "bert", database=Database(), pools=(Pool(labels={"team": "nlp"}, taints=("a=b:NoExecute",)),)
).to_dict()


@QUICK
@given(exchanged(SPEC))
def test_the_json_of_a_spec_is_read_or_refused_in_words(data: Any) -> None:
    tried(ClusterSpec.from_dict, data)

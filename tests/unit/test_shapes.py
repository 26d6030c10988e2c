"""Of answers: what has the right shape breaks no reader, and what has not is told by its place."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotrain import (
    account,
    auditing,
    catalog,
    exposure,
    frames,
    ledger,
    leftovers,
    losses,
    offers,
    phases,
    pricing,
    readiness,
    shapes,
    spending,
    timers,
    verdicts,
    worth,
)
from dotrain.errors import DotrainError
from dotrain.shapes import Kind, Shape
from dotrain.spec import ClusterSpec
from tests.sandbox import openapi

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
SECRET = "5ecre7"
TAGS = ("dotrain", "dotrain:bert", "k8s:1", "dotrain-budget:100", "dotrain-max-age:1h")
WORDS = st.sampled_from([*TAGS, "bert", "dotrain-bert", "1", "", "tcp", "icmp", "22", "8000-9000"])
ADDRESSES = st.sampled_from(["203.0.113.7", "::/0", "0.0.0.0/0", "nowhere"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    shapes.TEXT.name: WORDS | ADDRESSES,
    shapes.FLAG.name: st.booleans(),
    shapes.ID.name: st.integers(0, 9),
    shapes.COUNT.name: st.integers(0, 9),
    shapes.NUMBER.name: st.integers(0, 9) | st.floats(0, 9),
    shapes.MOMENT.name: st.sampled_from(["2026-01-02T03:04:05Z", "2026-02-02T03:04:05.123Z"]),
    shapes.AMOUNT.name: st.sampled_from(["12.34", "0"]),
    shapes.ENCODED.name: st.sampled_from(["", "QUJD"]),
}


def fitting(shape: Shape) -> st.SearchStrategy[Any]:
    """Return values of a shape: what may be missing or null is, now and then."""
    if isinstance(shape, Kind):
        return VALUES[shape.name]
    if isinstance(shape, list):
        return st.lists(fitting(shape[0]), max_size=2)
    if any(key.startswith("*") for key in shape):
        (inner,) = shape.values()
        return st.dictionaries(st.sampled_from(["pg", "dotrain/pool"]), fitting(inner), max_size=2)
    needed = {key: fitting(one) for key, one in shape.items() if not key.endswith("?")}
    maybe = {
        key.removesuffix("?"): st.none() | fitting(one)
        for key, one in shape.items()
        if key.endswith("?")
    }
    return st.fixed_dictionaries(needed, optional=maybe)


def shape_of(path: str) -> Shape:
    return shapes._READ[path]


def listed(*paths: str) -> st.SearchStrategy[dict[str, list[Any]]]:
    """Return the lists that an account has at these paths, by their names."""
    keys = [(path, path.rpartition("/")[2]) for path in paths]
    return st.fixed_dictionaries(
        {
            {"clusters": "kubernetes_clusters"}.get(key, key): fitting(shape_of(path)).map(
                lambda answer: next((one for one in answer.values() if isinstance(one, list)), [])
            )
            for path, key in keys
        }
    )


ACCOUNT = listed(*(path for path in shapes._READ if shapes._READ[path].keys() & {"links?"}))


def readers(found: dict[str, list[Any]]) -> Iterator[Callable[[], object]]:
    """Yield all that reads lists of an account without asking for more."""
    clusters, firewalls = found["kubernetes_clusters"], found["firewalls"]
    databases, sizes = found["databases"], found["sizes"]
    prices = pricing.prices(sizes)
    yield lambda: leftovers.find(found, [])
    yield lambda: spending.beside(found, clusters, found["vpcs"], NOW)
    yield lambda: verdicts.leftovers(found["tags"], clusters)
    yield lambda: frames.clusters(clusters)
    yield lambda: auditing.audit(
        auditing.Subject(
            clusters=tuple(clusters),
            firewalls=tuple(firewalls),
            databases=tuple(databases),
            load_balancers=tuple(found["load_balancers"]),
            droplets=tuple(found["droplets"]),
        )
    )
    for one in clusters:
        yield lambda one=one: spending.of_cluster(one, prices, NOW)
        yield lambda one=one: verdicts.judge(one, verdicts.Seen(), NOW)
        yield lambda one=one: verdicts.may_be_idle(one, NOW)
        yield lambda one=one: timers.outlook(one, NOW)
        yield lambda one=one: ledger._nodes(one, "")
        yield lambda one=one: phases.pools(ClusterSpec("bert"), one)
        yield lambda one=one: readiness.missing(one, [], [])
        yield lambda one=one: losses.dropped(ClusterSpec("bert"), ClusterSpec("bert"), {}, one)
        yield lambda one=one: [account._leaving("a", pool) for pool in one["node_pools"]]
        yield lambda one=one: exposure.of(one, firewalls, None, (), found["load_balancers"])
        yield lambda one=one: account.Observed(one, tuple(firewalls)).rules()
    for kind, key in (("Droplet", "droplets"), ("load balancer", "load_balancers")):
        for one in found[key]:
            yield lambda kind=kind, one=one: worth.lines(kind, one, sizes)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACCOUNT)
def test_what_has_the_right_shape_breaks_no_reader(found: dict[str, list[Any]]) -> None:
    for key, some in found.items():
        path = "/v2/kubernetes/clusters" if key == "kubernetes_clusters" else f"/v2/{key}"
        assert shapes.wrong(path, {key: some}) == ""
    for read in readers(found):
        with suppress(DotrainError):
            read()


@settings(max_examples=25, deadline=None)
@given(fitting(shape_of("/v2/kubernetes/options")), fitting(shape_of("/v2/databases/options")))
def test_nor_do_options(kubernetes: Any, databases: Any) -> None:
    for read in (
        lambda: catalog.check(ClusterSpec("bert"), kubernetes["options"]),
        lambda: catalog.kubernetes_version(None, kubernetes["options"]),
        lambda: catalog.database_version("pg", None, databases["options"]),
        lambda: offers.offers([], kubernetes["options"]),
    ):
        with suppress(DotrainError):
            read()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(shapes._READ)), st.data())
def test_any_other_value_is_told_by_its_place_and_not_shown(path: str, data: st.DataObject) -> None:
    answer = data.draw(fitting(shape_of(path)))
    text = json.dumps(data.draw(JSON)) + SECRET
    said = shapes.wrong(path.replace("[^/]+", "x"), {**answer, **dict.fromkeys(answer, text)})
    assert said == "" or re.fullmatch(r"has text at [\w.*]+, where [\w ]+ is expected", said)
    assert SECRET not in said
    assert isinstance(shapes.wrong(path.replace("[^/]+", "x"), data.draw(JSON)), str)


@openapi.needs_document
@pytest.mark.parametrize("path", sorted(shapes._READ))
def test_shapes_are_those_of_the_document(path: str) -> None:
    """What it calls nullable may be null here, and nothing is read that it does not have."""
    found = openapi.answer(path.replace("[^/]+", "x"))
    assert found is not None or path in UNDOCUMENTED
    if found is not None:
        assert list(differences(shape_of(path), found, "")) == []


UNDOCUMENTED = ("/v2/snapshots",)
"""What the document, which is cut to what matters, does not have."""


def differences(shape: Shape, schema: Any, place: str) -> Iterator[str]:
    options = schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf") or [schema]
    if isinstance(shape, list):
        items = next((one["items"] for one in options if "items" in one), None)
        if items is None:
            yield f"{place} is no list"
        else:
            yield from differences(shape[0], items, f"{place}.*")
    elif isinstance(shape, dict):
        yield from _of_object(shape, options, place)
    elif not any(_types(one) & _NAMES[shape.name] for one in options):
        yield f"{place} is no {shape.name}"


_NAMES = {
    shapes.TEXT.name: {"string"},
    shapes.FLAG.name: {"boolean"},
    shapes.ID.name: {"integer"},
    shapes.COUNT.name: {"integer"},
    shapes.NUMBER.name: {"number", "integer"},
    shapes.MOMENT.name: {"string"},
    shapes.AMOUNT.name: {"string"},
    shapes.ENCODED.name: {"string"},
}


def _types(schema: Any) -> set[str]:
    inner = schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf") or ()
    return {schema.get("type", "")} | {name for one in inner for name in _types(one)}


def _of_object(shape: dict[str, Shape], options: list[Any], place: str) -> Iterator[str]:
    known = {key: one for each in options for key, one in _properties(each).items()}
    for name, inner in shape.items():
        key = name.removesuffix("?")
        if key == "*" or (place, key) in MORE:
            continue
        if key not in known:
            yield f"{place}.{key} is not in it"
        elif known[key].get("nullable") and not name.endswith("?"):
            yield f"{place}.{key} may be null"
        else:
            yield from differences(inner, known[key], f"{place}.{key}")


def _properties(schema: Any) -> dict[str, Any]:
    inner = schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf") or ()
    return {
        **schema.get("properties", {}),
        **{key: value for one in inner for key, value in _properties(one).items()},
    }


MORE = {
    ("", "links"),
    (".firewalls.*.inbound_rules.*", "action"),
    (".firewalls.*.outbound_rules.*", "action"),
    (".load_balancers.*", "tags"),
    (".options.versions.*", "name"),
}
"""What is read all the same, where an answer says it."""

"""No body, however strange, is answered with a server error."""

import itertools
import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotrain.sandbox import routes
from dotrain.sandbox.core import Sandbox
from dotrain.sandbox.store import Store

from .goods import GOOD, TOKEN, make_all, send

# What deletes comes last: the others need something to work on.
CALLS = sorted(
    ((method, pattern.pattern) for method, pattern, _ in routes._TABLE if method != "GET"),
    key=lambda call: (call[0] == "DELETE", call),
)
NUMBERS = itertools.count()

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]), max_size=8)
    | st.sampled_from(["", "nyc3", "0.0.0.0/0", "do:droplet:1", "\ud800", "t"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places(value, where=()):
    """Return the path to each value inside a JSON value."""
    items = []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    return [where, *(place for key, inner in items for place in places(inner, (*where, key)))]


def replaced(value, place, new):
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


@st.composite
def bodies(draw, path):
    """A good body for this path, under a new name, with one value exchanged for anything."""
    nouns = [noun for noun in reversed(path.split("/")) if noun in GOOD]
    good = GOOD[nouns[0]] if nouns else {"name": "t"}
    good = {**good, "name": f"name-{next(NUMBERS)}"}
    return replaced(good, draw(st.sampled_from(places(good))), draw(anything))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("fuzz") / "sandbox.db")
    yield Sandbox(store, "id", TOKEN, 60)
    store.close()


@pytest.fixture(scope="module")
def ids(sandbox):
    """One of each thing, kept by its place in a path."""
    return make_all(sandbox)


def filled(pattern, ids):
    for name, value in ids.items():
        pattern = pattern.replace(f"(?P<{name}>[^/]+)", value)
    return pattern.replace("(?P<node_id>[^/]+)", "x").replace("(?P<snapshot_id>[^/]+)", "x")


@pytest.mark.parametrize(("method", "pattern"), CALLS, ids=str)
def test_no_body_is_a_server_error(sandbox, ids, caplog, method, pattern):
    path = filled(pattern, ids)

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(body=bodies(pattern))
    def run(body):
        answer = send(sandbox, method, path, body)
        assert answer.status < 500, (body, answer.body)
        # What was kept can still be shown.
        shown = send(sandbox, "GET", "/__sandbox__/objects")
        json.dumps([answer.body, shown.body], allow_nan=False)
        assert shown.status == 200

    with caplog.at_level(logging.ERROR):
        run()

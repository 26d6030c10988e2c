"""Whatever anybody can give, answer, or leave in a file; and what is nearly right."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dotrain.errors import DotrainError


class Refused(Exception):
    """A refusal in words, as it should be."""


@contextlib.contextmanager
def refusals(*words: str, secret: str = "") -> Iterator[None]:
    """Turn an error of dotrain's into `Refused`, once its words are what they should be."""
    found = None
    try:
        yield
    except DotrainError as error:
        found = error
    if found is not None:
        said = str(found)
        assert found.what, "an error says what happened"
        assert found.fix, "and what to do next"
        assert "\x1b" not in said, "it commands no terminal"
        assert not secret or secret not in f"{said}{found!r}", "it shows no secret"
        assert all(one in said for one in words)
        raise Refused from found


QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

texts = st.text(max_size=12) | st.sampled_from(
    ["", " ", "\0", "\x1b[31m", "<b>", "../../x", "9" * 400, "1e999", "-1", "null", "\ud800", "·٣"]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63])
    | st.floats()
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def mangled(good: str, alphabet: str) -> st.SearchStrategy[str]:
    """Return texts that are `good` with some of it exchanged, doubled or gone."""
    return st.builds(
        lambda start, length, middle: good[:start] + middle + good[start + length :],
        st.integers(0, len(good)),
        st.integers(0, 4),
        st.text(alphabet, max_size=4) | texts,
    )


def places(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to each value inside a JSON value."""
    items: Any = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    return [where, *(one for key, inner in items for one in places(inner, (*where, key)))]


def _exchanged(good: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    changed = copy.deepcopy(good)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = new
    return changed


def exchanged(good: Any) -> st.SearchStrategy[Any]:
    """Return JSON values that are `good` with one value in it exchanged for any."""
    return st.builds(_exchanged, st.just(good), st.sampled_from(places(good)), values)


def contents(good: Any) -> st.SearchStrategy[bytes]:
    """Return what may be in a file that should hold the JSON value `good`."""
    written = json.dumps(good).encode()
    return (
        st.binary(max_size=40)
        | st.builds(lambda one: json.dumps(one).encode(), exchanged(good))
        | st.builds(lambda end: written[:end], st.integers(0, len(written)))
        | st.just(b"[" * 20_000)
        | st.just(b'{"a":' * 20_000)
        | st.just(written.replace(b":", b": Infinity and ", 1))
    )

"""Values of the wrong type, for each place in an answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

_WRONG: dict[type, tuple[Any, ...]] = {
    bool: ("yes", [], 7),
    int: ("many", {}, True),
    float: ("much", [], True),
    str: (7, {"text": "x"}, ["x"]),
    list: ({"0": "x"}, 7, "x"),
    dict: ("x", [1], 7),
    type(None): ("x", 7, {"a": 1}, [[]]),
}


def of(answer: Any, choose: random.Random) -> Iterator[tuple[str, Any]]:
    """Yield each place in an answer, as the sandbox's faults name it, with two wrong values.

    One is of another type, the other is null.
    """
    for place, value in dict(_places(answer, "")).items():
        yield place, choose.choice(_WRONG[type(value)])
        # A list of an account that is null is an empty one: Go writes it so.
        is_listing = isinstance(value, list) and "." not in place
        if value is not None and not is_listing:
            yield place, None


def _places(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if place:
        yield place, value
    if isinstance(value, dict):
        for key, inner in value.items():
            # A name with a point in it cannot be said.
            if "." not in key:
                yield from _places(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner, f"{place}.*")

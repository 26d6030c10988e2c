"""Errors: the tree that is documented is the tree that is, and each is one paragraph."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pandas as pd
import pytest

from dotrain import errors
from dotrain.errors import DotrainError

ALL = [
    one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, DotrainError)
]
EXTRAS = {
    errors.UnknownChoice: {"nearest": ("nyc1", "nyc3")},
    errors.ApiError: {"status": 422, "request_id": "req-1"},
    errors.OperationFailed: {"failures": ("cluster: no",)},
    errors.TeardownIncomplete: {"left": pd.DataFrame({"kind": ["VPC"]})},
}


def made(kind: type[DotrainError]) -> tuple[DotrainError, dict[str, object]]:
    extras = next((extra for base, extra in EXTRAS.items() if issubclass(kind, base)), {})
    return kind("It broke.", "It was old.", "Buy another.", **extras), extras


def documented() -> dict[str, str | None]:
    """Return the parent of each error, as the module's docstring draws them."""
    parents: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        drawn = re.match(r"([ │]*)(?:[├└]─ )?([A-Z]\w+)(?:  |$)", line)
        if not drawn or (not parents and drawn[2] != "DotrainError"):
            continue
        depth = drawn.start(2)
        above = [(column, name) for column, name in above if column < depth]
        parents[drawn[2]] = above[-1][1] if above else None
        above.append((depth, drawn[2]))
    return parents


def test_the_documented_tree_is_the_real_one() -> None:
    real = {one.__name__: None if one is DotrainError else one.__mro__[1].__name__ for one in ALL}
    assert documented() == real


def test_attributes_that_the_tree_promises_are_there() -> None:
    promised = re.findall(r"─ (\w+) .*carries (\.\w+(?: and \.\w+)?)", errors.__doc__)
    assert len(promised) >= 4
    for name, attributes in promised:
        error, _ = made(getattr(errors, name))
        for attribute in re.findall(r"\.(\w+)", attributes):
            assert hasattr(error, attribute), name


def test_a_wrong_spec_is_also_a_value_error() -> None:
    for one in ALL:
        assert issubclass(one, ValueError) == issubclass(one, errors.SpecError)


@pytest.mark.parametrize("kind", ALL)
def test_an_error_is_a_paragraph_and_keeps_its_parts(kind) -> None:
    error, extras = made(kind)
    assert str(error) == "It broke. It was old. Buy another."
    assert (error.what, error.why, error.fix) == ("It broke.", "It was old.", "Buy another.")
    for name, value in extras.items():
        assert getattr(error, name) is value


def test_parts_that_are_missing_leave_no_gap() -> None:
    assert str(DotrainError("It broke.")) == "It broke."
    assert str(DotrainError("It broke.", fix="Buy another.")) == "It broke. Buy another."


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_an_error_travels_between_processes(kind, again) -> None:
    error, extras = made(kind)
    same = again(error)
    assert type(same) is kind
    assert str(same) == str(error)
    for name, value in extras.items():
        if isinstance(value, pd.DataFrame):
            assert getattr(same, name).equals(value)
        else:
            assert getattr(same, name) == value


@pytest.mark.parametrize("kind", ALL)
def test_every_error_says_what_it_is(kind) -> None:
    assert kind.__doc__
    assert kind.__module__ == "dotrain.errors"


def test_an_error_commands_no_terminal() -> None:
    said = str(DotrainError("It answered \x1b[31mred\x9b2J\x07.", "a\rb", "Go\non.\t"))
    assert said == "It answered \ufffd[31mred\ufffd2J\ufffd. a\ufffdb Go\non."

"""What is known of a resource's inputs, and what follows from it: no HTTP, no gRPC.

A change is looked for between the inputs and the last known *state*, as the official provider
does, so that drift seen by a refresh shows. An absent value and an empty one are the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dotrain.sandbox.provider.wire import UNKNOWN, Props


def never(_old: Any, _new: Any) -> bool:
    """Say that a change is made in place."""
    return False


def always(_old: Any, _new: Any) -> bool:
    """Say that a change needs a new resource."""
    return True


def itself(value: Any) -> Any:
    """Return the value: two items are the same when they are equal."""
    return value


@dataclass(frozen=True)
class Field:
    """One input property."""

    replaces: Callable[[Any, Any], bool] = never
    computed: bool = False
    """Left out, it keeps what the API says."""
    default: Any = None
    unordered: bool = False
    """A list in which order means nothing."""
    key: Callable[[Any], Any] = itself
    """What makes an item of an unordered list the same item."""
    items: tuple[str, ...] = ()
    """The properties of a list's items that are inputs; all of them when empty."""
    fields: Mapping[str, Field] = field(default_factory=dict)
    """The properties of an object."""
    outputs: tuple[str, ...] = ()
    """The properties of an object that only answers fill."""


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Change:
    """One property that differs."""

    path: str
    old: Any
    new: Any
    replaces: bool

    @property
    def top(self) -> str:
        """The property of the resource that the change is in."""
        return self.path.split(".")[0]


def with_defaults(fields: Fields, news: Props) -> tuple[Props, list[str]]:
    """Return the inputs with defaults filled in, and the names of those filled."""
    filled = dict(news)
    names = []
    for name, item in fields.items():
        value = news.get(name)
        if value is None and item.default is not None:
            filled[name] = item.default
            names.append(name)
        elif item.fields and isinstance(value, dict):
            filled[name], _ = with_defaults(item.fields, value)
    return filled, names


def empty_entries(value: Any, path: str = "") -> list[str]:
    """Return the paths of the empty strings in lists, which the official provider rejects."""
    if isinstance(value, dict):
        return [
            found
            for name, item in value.items()
            if not name.startswith("__")
            for found in empty_entries(item, f"{path}.{name}" if path else name)
        ]
    if isinstance(value, list):
        return [
            found
            for index, item in enumerate(value)
            for found in (
                [f"{path}[{index}]"] if item == "" else empty_entries(item, f"{path}[{index}]")
            )
        ]
    return []


def changes(fields: Fields, state: Props, inputs: Props, prefix: str = "") -> list[Change]:
    """Return what differs between the last known state and the inputs."""
    found = []
    for name, item in fields.items():
        old, new = state.get(name), inputs.get(name)
        if new is None and item.computed:
            continue
        if item.fields and isinstance(old, dict) and isinstance(new, dict):
            found += changes(item.fields, old, new, f"{prefix}{name}.")
        elif _comparable(item, old) != _comparable(item, new):
            found.append(Change(f"{prefix}{name}", old, new, item.replaces(old, new)))
    return found


def resolved(fields: Fields, state: Props, inputs: Props) -> Props:
    """Return the inputs, with what was left to the API as the state has it."""
    kept = {
        name: state[name]
        for name, item in fields.items()
        if item.computed and name in state and inputs.get(name) is None
    }
    return {**inputs, **kept}


def planned(fields: Fields, outputs: Iterable[str], inputs: Props) -> Props:
    """Return a resource that is still to be created: what only the API can say is unknown."""
    unset = [name for name, item in fields.items() if item.computed and inputs.get(name) is None]
    nested = {
        name: {**inputs[name], **dict.fromkeys(item.outputs, UNKNOWN)}
        for name, item in fields.items()
        if item.outputs and isinstance(inputs.get(name), dict)
    }
    return {**inputs, **nested, **dict.fromkeys([*unset, *outputs], UNKNOWN)}


def expected(fields: Fields, state: Props, inputs: Props) -> Props:
    """Return the state that an update will probably lead to."""
    left = {
        name: value for name, value in state.items() if name not in fields or fields[name].computed
    }
    merged = {
        name: {**state[name], **inputs[name]}
        for name, item in fields.items()
        if item.fields and isinstance(state.get(name), dict) and isinstance(inputs.get(name), dict)
    }
    return {**left, **inputs, **merged}


def aligned(fields: Fields, new: Props, old: Props) -> Props:
    """Return the new state with unordered lists in the order that the old one has."""
    result = dict(new)
    for name, item in fields.items():
        now, before = new.get(name), old.get(name)
        if item.unordered and now and before:
            places = {_dumped(item.key(entry)): place for place, entry in enumerate(before)}
            end = len(places)
            ranks = [places.get(_dumped(item.key(entry)), end) for entry in now]
            order = sorted(range(len(now)), key=ranks.__getitem__)
            result[name] = [now[index] for index in order]
        elif item.fields and isinstance(now, dict) and isinstance(before, dict):
            result[name] = aligned(item.fields, now, before)
    return result


def inputs_of(fields: Fields, state: Props, old: Props | None) -> Props:
    """Return the inputs that lead to a state.

    With the inputs of before, those properties and no others; without, as in an import, every
    one that is set.
    """
    names = [name for name in fields if (name in old if old is not None else state.get(name))]
    result = {}
    for name in names:
        item, value = fields[name], state.get(name)
        before = old.get(name) if old is not None else None
        if isinstance(value, dict) and item.fields:
            value = inputs_of(item.fields, value, before if isinstance(before, dict) else None)
        elif isinstance(value, list) and item.items:
            value = [{key: entry[key] for key in item.items} for entry in value]
        if value is not None:
            result[name] = value
    return result


def _comparable(item: Field, value: Any) -> Any:
    if not value:
        return None
    if item.unordered and isinstance(value, list):
        return sorted(_dumped(item.key(entry)) for entry in value)
    return value


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

"""The call that does what a widget does, as one would write it in a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

_WIDTH = 88


def up(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a line or more of Python that call `dotrain.up`, for a cell that has dotrain.

    Examples
    --------
    >>> up("bert", {"region": "ams3", "ha": True})
    'cluster = dotrain.up("bert", region="ams3", ha=True)'
    """
    parts = [literal(name), *(f"{key}={literal(value)}" for key, value in arguments.items())]
    short = f"cluster = dotrain.up({', '.join(parts)})"
    if len(short) <= _WIDTH:
        return short
    lines = [parts[0], *(f"{key}={_long(value, 4)}" for key, value in arguments.items())]
    return "cluster = dotrain.up(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def of_cluster(name: str, method: str, *args: Any, **keywords: Any) -> str:
    """Return a call of a method of the cluster `name`.

    Examples
    --------
    >>> print(of_cluster("bert", "resize", count=4))
    dotrain.get("bert").resize(count=4)
    """
    given = [*map(literal, args), *(f"{key}={literal(value)}" for key, value in keywords.items())]
    return f"dotrain.get({literal(name)}).{method}({', '.join(given)})"


def literal(value: object) -> str:
    r"""Return a value as Python writes it: dotrain's own with what differs from the default.

    Examples
    --------
    >>> from dotrain.pools import Pool
    >>> literal(Pool(count=2)), literal("it's")
    ('dotrain.Pool(count=2)', '"it\'s"')
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(a)}: {literal(b)}" for a, b in value.items()) + "}"
    if isinstance(value, tuple):
        inside = ", ".join(map(literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(literal, value))}]"
    if is_dataclass(value):
        return f"dotrain.{type(value).__name__}({', '.join(_given(value))})"
    return repr(value)


def _given(value: Any) -> list[str]:
    """Return the arguments that make `value`, without those that are left out."""
    usual = type(value)(*_FIRST.get(type(value).__name__, ()))
    first, *rest = fields(value)
    given = [
        f"{one.name}={literal(getattr(value, one.name))}"
        for one in rest
        if getattr(value, one.name) != getattr(usual, one.name)
    ]
    usual_first = getattr(value, first.name) == first.default
    return given if usual_first else [literal(getattr(value, first.name)), *given]


# What has to be given to make one with everything else left out.
_FIRST = {"Grant": ("me",)}


def _text(value: str) -> str:
    written = repr(value)
    # Python takes single quotes where both would do; here, code has double ones.
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in value else written


def _long(value: object, indent: int) -> str:
    """Return a value as `literal` does, a list with a line for each of it where it is long."""
    short = literal(value)
    if len(short) + indent <= _WIDTH - indent or not isinstance(value, list):
        return short
    inner = " " * (indent + 4)
    return "[\n" + "".join(f"{inner}{literal(one)},\n" for one in value) + " " * indent + "]"

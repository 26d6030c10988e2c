"""What a task takes, in the forms that a user may give it in."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dotrain.errors import SpecError


def number(value: Any) -> Any:
    """Return a whole number of another library, such as NumPy's, as one of Python's."""
    if isinstance(value, bool | int | float) or not hasattr(value, "__index__"):
        return value
    return operator.index(value)


def listed(value: object) -> list[Any] | None:
    """Return the items of a sequence; None for what is none."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    return None


def paths(files: object) -> tuple[str, ...] | None:
    """Return one path, or several, as texts; None for none."""
    if files is None:
        return None
    found = [files] if isinstance(files, str | Path) else listed(files)
    if not found or not all(isinstance(one, str | Path) and str(one) for one in found):
        raise SpecError(
            f"{files!r} are no files.",
            "Files are one path or a list of paths.",
            "Give for example files='src/' or files=['train.py', 'configs/'].",
        )
    return tuple(str(one) for one in found)


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise SpecError unless a value is one of those that there are."""
    if value not in choices:
        raise SpecError(
            f"{name} is {value!r}.",
            f"It can be {', '.join(map(repr, choices))}.",
            f"Give for example {name}={choices[0]!r}.",
        )

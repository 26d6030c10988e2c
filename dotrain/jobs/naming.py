"""What a job is called, when its user does not say."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

from dotrain.errors import InvalidName

# Kubernetes calls the Pods "<name>-<index>" and a service by the name alone:
# a label of DNS (RFC 1035), with room for the index.
_LONGEST = 52
# One that is made up fits every backend.
_LONGEST_FRESH = 40
_NAME = re.compile(rf"[a-z]([a-z0-9-]{{0,{_LONGEST - 2}}}[a-z0-9])?")
# What every namespace of jobs has: the policy that closes it, and a service account.
_TAKEN = ("closed", "default")
_SUFFIX_BYTES = 2
_SCRIPT = re.compile(r"[^\s;|&<>()'\"]+\.(?:py|sh)\b")


def check(name: object) -> None:
    """Raise InvalidName unless `name` is a name for a job."""
    if isinstance(name, str) and _NAME.fullmatch(name) and name not in _TAKEN:
        return
    raise InvalidName(
        f"{name!r} cannot be the name of a job.",
        f"A name has 1 to {_LONGEST} lower-case letters, digits and hyphens, begins with a letter "
        "and does not end with a hyphen: its Pods' host names begin with it. "
        f"{' and '.join(_TAKEN)} are taken.",
        "Choose another, for example 'bert-large', or leave name= out.",
    )


def fresh(work: str | Sequence[str] | Callable[..., Any]) -> str:
    """Return a name that nobody else has chosen, such as ``"train-9f3c"``."""
    suffix = secrets.token_hex(_SUFFIX_BYTES)
    longest = _LONGEST_FRESH - len(suffix) - 1
    stem = re.sub(r"[^a-z0-9]+", "-", _stem(work).lower()).lstrip("0123456789-")
    return f"{stem[:longest].strip('-') or 'job'}-{suffix}"


def _stem(work: str | Sequence[str] | Callable[..., Any]) -> str:
    """Return what the work is: a function's name, a script's or a program's."""
    if callable(work):
        # A `functools.partial` has no name of its own.
        named = getattr(work, "func", work)
        return str(getattr(named, "__name__", type(named).__name__))
    words = work.split() if isinstance(work, str) else list(work)
    scripts = (match[0] for word in words if (match := _SCRIPT.search(word)))
    return PurePosixPath(next(scripts, words[0])).stem

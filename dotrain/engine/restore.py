"""Put back a state that cannot be read, from the newest copy that can.

Pulumi keeps the checkpoint before the last one beside it, and a copy of each
operation's last one with its history. What was made after the copy is not
lost: it carries the stack's label, is found by it, and is taken in by the next
`up`, which for that reads from DigitalOcean first.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from dotrain import ownfiles
from dotrain.engine import locks
from dotrain.engine.workspace import Backend
from dotrain.errors import ConfigError, StackLocked, StateRestored

BROKEN = "broken"
"""What stands in the name of a file that could not be read, and is kept."""

_T = TypeVar("_T")
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True)
class Copy(Generic[_T]):
    """A copy of a stack's state.

    Parameters
    ----------
    path : pathlib.Path
        Its file.
    data : bytes
        What is in it.
    content : object
        What that says.
    saved : datetime.datetime
        When it was saved, UTC.
    """

    path: Path
    data: bytes
    content: _T
    saved: dt.datetime


def newest(
    backend: Backend, stack: str, read: Callable[[bytes], tuple[_T, dt.datetime | None]]
) -> Copy[_T] | None:
    """Return the newest copy of a stack's state that can be read, None when none can.

    Parameters
    ----------
    backend : Backend
        Where the stack is; a local one.
    stack : str
        Its name.
    read : callable
        Returns what a copy says and when it was saved, or raises an error.
    """
    found: list[Copy[_T]] = []
    for path in backend.copies(stack):
        with suppress(OSError, *ownfiles.DAMAGED):
            data = path.read_bytes()
            content, saved = read(data)
            # One that does not say is as old as its file.
            moment = saved or dt.datetime.fromtimestamp(path.stat().st_mtime, dt.timezone.utc)
            found.append(Copy(path, data, content, moment))
    return max(found, key=lambda copy: copy.saved, default=None)


def put_back(backend: Backend, stack: str, copy: Copy[_T], why: str) -> None:
    """Make `copy` the state of a stack, keep what was there, and warn of it.

    Parameters
    ----------
    backend : Backend
        Where the stack is.
    stack : str
        Its name.
    copy : Copy
        What to put there.
    why : str
        What is wrong with what is there, as the rest of a sentence.

    Raises
    ------
    StackLocked
        When an operation runs that may be writing the state.
    ConfigError
        When the disk is full, or may not be written.
    """
    holders = [lock for lock in locks.find(backend.locks(stack)) if not lock.dead]
    if holders:
        raise StackLocked(
            f"The state of {stack!r} cannot be read, and is not restored now: {why}.",
            f"An operation may be writing it: {' and '.join(map(str, holders))}.",
            "Wait until that has ended, then run the same call again.",
        )
    path = backend.checkpoint(stack)
    now = dt.datetime.now(dt.timezone.utc)
    kept = path.with_name(f"{path.name}.{BROKEN}-{now:%Y%m%dT%H%M%S%f}") if path.exists() else None
    note = (
        f"The state of {stack!r} could not be read ({why}) and was restored from "
        f"{copy.path.name}, saved at {copy.saved:%Y-%m-%d %H:%M:%S} UTC, {_age(now - copy.saved)}. "
        "What was made since then is found by its label and taken in by the next up(); what "
        "was asked for since then has to be asked for again."
        f"{f' The unreadable file is kept as {kept}.' if kept else ''}"
    )
    # Before the state itself: once that is good again, nobody would say it.
    ownfiles.write_private(_marker(backend, stack), note)
    if kept:
        # Another process may restore it at the same time.
        with suppress(FileNotFoundError):
            path.rename(kept)
    try:
        ownfiles.write_private(path, copy.data)
    except ConfigError:
        if kept:
            kept.rename(path)
        raise
    # Pulumi's note of the content that was there.
    path.with_name(f"{path.name}.attrs").unlink(missing_ok=True)
    warnings.warn(note, StateRestored, stacklevel=2)


def pending(backend: Backend, stack: str) -> str | None:
    """Return how the state of a stack was restored, None when no `up` has to make that good."""
    if backend.directory is None:
        return None
    try:
        return _marker(backend, stack).read_text("utf-8")
    except OSError:
        return None


def settle(backend: Backend, stack: str) -> None:
    """Note that an `up` has taken in what a restored state did not know."""
    if backend.directory is not None:
        _marker(backend, stack).unlink(missing_ok=True)


def _marker(backend: Backend, stack: str) -> Path:
    return backend.checkpoint(stack).with_name(f"{stack}.restored")


def _age(span: dt.timedelta) -> str:
    for unit, seconds in _UNITS:
        number = int(span.total_seconds() // seconds)
        if number:
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "less than a minute ago"

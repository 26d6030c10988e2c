"""What an operation has said, line by line and with the time: of a long one, the end."""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import NamedTuple

# What a page, and a notebook that is saved, can hold.
_KEPT = 500
_WIDEST = 2000


class Entry(NamedTuple):
    """A line of a log.

    Parameters
    ----------
    at : float
        When it was said, seconds since 1970.
    text : str
        What was said.
    """

    at: float
    text: str


class Log:
    """The last lines that an operation said."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self.count = 0

    def add(self, at: float, text: str) -> None:
        """Add a line, said at `at` seconds since 1970."""
        line = " ".join(text.split())
        self._entries.append(Entry(at, line if len(line) <= _WIDEST else f"{line[:_WIDEST]}…"))
        self.count += 1

    def lines(self) -> list[str]:
        """Return the lines with their times in UTC, and before them how many are left out."""
        entries = list(self._entries)
        left_out = self.count - len(entries)
        first = [f"The first {left_out} lines are left out."] if left_out > 0 else []
        return [*first, *(f"{_clock(entry.at)}  {entry.text}" for entry in entries)]

    def __len__(self) -> int:
        return self.count

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _clock(at: float) -> str:
    return f"{dt.datetime.fromtimestamp(at, dt.timezone.utc):%H:%M:%S}"

"""The requests that were answered, kept in memory and without secrets."""

from __future__ import annotations

from collections import deque
from typing import Any

from dotrain.sandbox.answers import Doc

_MOST = 20_000
_SECRET = ("token", "password", "uri")
_HIDDEN = "***"


def redact(value: Any) -> Any:
    """Return a JSON value with its secrets replaced."""
    if isinstance(value, dict):
        return {
            key: _HIDDEN if key in _SECRET and isinstance(item, str) else redact(item)
            for key, item in value.items()
        }
    return [redact(item) for item in value] if isinstance(value, list) else value


class Journal:
    """The last requests, numbered from 1."""

    def __init__(self) -> None:
        self._entries: deque[Doc] = deque(maxlen=_MOST)
        self.last = 0

    def add(self, moment: float, asked: Doc, request: Any, answer: Doc) -> None:
        """Note a request.

        Parameters
        ----------
        moment : float
            When it came, in seconds since the epoch.
        asked : dict
            Its ``method`` and ``path``, the ``agent`` that made it, and whether it met a ``fault``.
        request : object
            What was sent with it.
        answer : dict
            Its ``status`` and ``response``.
        """
        self.last += 1
        self._entries.append(
            {
                "n": self.last,
                "t": round(moment, 3),
                **asked,
                "status": answer["status"],
                "request": redact(request),
                "response": redact(answer["response"]),
            }
        )

    def after(self, number: int) -> list[Doc]:
        """Return the requests after a number."""
        return [entry for entry in self._entries if entry["n"] > number]

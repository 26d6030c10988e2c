"""What is being done to a cluster, and what was, in words: the text of the Activity tab."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dotrain import display, durations, markup
from dotrain.widgets.kit import html

if TYPE_CHECKING:
    from dotrain.operation import Operation

NOTHING = "Nothing has been done to it from this machine yet."
_KINDS = {"running": "info", "done": "ok", "failed": "bad", "not known here": "warn"}


def saved(operation: Operation | None, before: str) -> str:
    """Return what is being done, and `before`, which is what `past` returned, as HTML."""
    steps = display.to_html(operation.progress, log=True) if operation is not None else ""
    return f"{steps}{trouble(operation)}{markup.block(before)}"


def text(operation: Operation | None) -> str:
    """Return what is being done as lines of text."""
    if operation is None:
        return NOTHING
    said = [display.to_text(operation.progress)]
    return "\n".join(said if operation.error is None else [*said, str(operation.error)])


def trouble(operation: Operation | None) -> str:
    """Return as HTML why an operation failed, in full, or that there was none; else empty."""
    if operation is None:
        return html.notice(NOTHING)
    error = operation.error
    return html.notice(str(error), "bad") if error is not None else ""


def past(operations: Iterable[Operation]) -> str:
    """Return operations that were, newest first, as a table; empty without any."""
    rows = [
        (
            one.title,
            f"{one.began:%Y-%m-%d %H:%M} UTC" if one.began else "",
            lasted(one),
            html.badge(ending(one), _ending_kind(one)),
            _first_line(one),
        )
        for one in operations
    ]
    if not rows:
        return ""
    headers = ("operation", "began", "took", "ended", "why")
    return html.table(headers, rows, caption="The last operations from this machine", numeric={2})


def ending(operation: Operation) -> str:
    """Return how an operation is or ended, in a word or two."""
    if operation.running:
        return "running"
    if operation.elsewhere:
        return "not known here"
    return "failed" if operation.error is not None else "done"


def lasted(operation: Operation) -> str:
    """Return how long an operation has taken; empty where nobody knows."""
    if operation.began is None:
        return ""
    until = dt.datetime.now(dt.timezone.utc) if operation.running else operation.ended
    return "" if until is None else durations.rough(max(until - operation.began, dt.timedelta(0)))


def _ending_kind(operation: Operation) -> str:
    return _KINDS[ending(operation)]


def _first_line(operation: Operation) -> str:
    error = operation.error
    return str(error).partition("\n")[0] if error is not None else ""

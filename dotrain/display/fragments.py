"""An operation as text and as HTML; everything that comes from outside is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from dotrain import markup
from dotrain.display import rows
from dotrain.engine.log import Log
from dotrain.engine.progress import Progress

_LEFT = ' style="text-align:left;padding:2px 14px 2px 0"'
# For all that has to line up from one second to the next.
_RIGHT = (
    ' style="text-align:right;padding:2px 14px 2px 0;font-variant-numeric:tabular-nums;'
    'white-space:nowrap"'
)
_SMALL = ' style="font-size:85%"'
_LOG = ' style="white-space:pre-wrap;overflow-wrap:anywhere;text-align:left;margin:0"'
# What was said last is seen first, and from there one scrolls back.
_SCROLL = (
    ' style="display:flex;flex-direction:column-reverse;max-height:24em;overflow:auto"'
    ' tabindex="0" role="region" aria-label="Log"'
)


def to_text(progress: Progress) -> str:
    """Return `progress` as lines of text."""
    head = progress.title if _is_plain(progress) else f"{progress.title}: {rows.state(progress)}"
    whole = filter(None, [rows.whole(progress)])
    steps = (row.line for row in rows.rows(progress))
    return "\n".join([head, *whole, *progress.notes, *steps, *progress.failures])


def to_html(progress: Progress, *, log: bool = False) -> str:
    """Return `progress` as a fragment of HTML.

    Parameters
    ----------
    progress : Progress
        The operation.
    log : bool
        Whether with its log, closed. One that is opened closes when the
        fragment is replaced: only for what changes no more.
    """
    parts = [head(progress), table(progress), notes(progress)]
    if log and progress.log:
        parts.append(details(progress.log))
    return markup.block("".join(parts))


def head(progress: Progress) -> str:
    """Return the title and how it is, as HTML."""
    escape = html.escape
    state = "" if _is_plain(progress) else f" {escape(rows.state(progress))}"
    whole = rows.whole(progress)
    expected = f"<div>{escape(whole)}</div>" if whole else ""
    return f"<div><strong>{escape(progress.title)}</strong>{state}</div>{expected}"


def notes(progress: Progress) -> str:
    """Return what was noted beside the steps, as HTML: small where there are steps to read."""
    style = _SMALL if progress.steps else ""
    return "".join(f"<div{style}>{html.escape(note)}</div>" for note in list(progress.notes))


def table(progress: Progress) -> str:
    """Return the steps as a table, and below it what failed, as HTML."""
    shown = rows.rows(progress)
    failures = "".join(f"<div>✗ {html.escape(failure)}</div>" for failure in progress.failures)
    if not shown:
        return failures
    estimated = any(row.usually for row in shown)
    heads = ["", "What", "Name", "Time", *(["Usually"] if estimated else [])]
    header = "".join(
        f'<th scope="col"{_RIGHT if name == "Time" else _LEFT}>{name}</th>' for name in heads
    )
    body = "".join(f"<tr>{_cells(row, estimated=estimated)}</tr>" for row in shown)
    label = html.escape(f"What {progress.title} does", quote=True)
    return (
        f'<table class="dotrain-progress" aria-label="{label}">'
        f"<thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>{failures}"
    )


def _cells(row: rows.Row, *, estimated: bool) -> str:
    # A reader of screens says "done", and nothing of a sign.
    mark = f'<span role="img" aria-label="{row.status}">{row.mark}</span>'
    texts = [row.what, row.name, row.time, *([row.usually] if estimated else [])]
    cells = "".join(
        f"<td{_RIGHT if text is row.time else _LEFT}>{html.escape(text)}</td>" for text in texts
    )
    return f"<td{_LEFT}>{mark}</td>{cells}"


def details(log: Log) -> str:
    """Return a log as HTML that opens with a click."""
    return f"<details><summary>Log</summary>{log_lines(log.lines())}</details>"


def log_lines(lines: Iterable[str]) -> str:
    """Return the lines of a log as HTML."""
    text = "\n".join([*lines, "All times are UTC."])
    return f"<div{_SCROLL}><pre{_LOG}>{html.escape(text)}</pre></div>"


def _is_plain(progress: Progress) -> bool:
    """Return whether it has only notes, and nobody knows since when: it says all by them."""
    return progress.finished and not progress.failed and progress.began is None

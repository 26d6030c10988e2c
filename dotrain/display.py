"""Show an operation while it runs: live in a notebook cell, as lines in a terminal."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from dotrain import markup
from dotrain.engine.progress import Progress, Step

_MARKS = {"running": "…", "done": "✓", "failed": "✗"}


class View(Protocol):
    """Something that shows a `Progress`, again each time it is told to."""

    def refresh(self, progress: Progress) -> None:
        """Show `progress` as it is now."""


class Silent:
    """Shows nothing: for scripts whose output is their own."""

    def refresh(self, progress: Progress) -> None:
        """Do nothing."""


class Lines:
    """Writes a line for each step that ends.

    Parameters
    ----------
    write : callable
        Takes each line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._shown: set[str] = set()

    def refresh(self, progress: Progress) -> None:
        """Write what is new."""
        lines = [*progress.notes]
        lines += [_line(step) for step in list(progress.steps.values()) if step.status != "running"]
        for line in lines:
            if line not in self._shown:
                self._shown.add(line)
                self._write(line)


class Cell:
    """Keeps one output of a notebook cell up to date."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = ""

    def refresh(self, progress: Progress) -> None:
        """Show the steps as a small table."""
        from IPython.display import display

        content = to_html(progress)
        if content == self._last:
            return
        self._last = content
        bundle = {"text/html": content, "text/plain": to_text(progress)}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)


_chosen: ContextVar[Callable[[], View] | None] = ContextVar("view", default=None)


@contextmanager
def using(make: Callable[[], View]) -> Iterator[None]:
    """Show operations in what `make` returns, instead of in what fits where this runs."""
    token = _chosen.set(make)
    try:
        yield
    finally:
        _chosen.reset(token)


def choose() -> View:
    """Return the view that was asked for, or that fits where this runs."""
    make = _chosen.get()
    if make is not None:
        return make()
    if in_notebook():
        return Cell()
    if sys.stderr is not None and sys.stderr.isatty():
        return Lines(to_stderr)
    return Silent()


def to_stderr(line: str) -> None:
    """Write a line to standard error: standard output is for results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def in_notebook() -> bool:
    """Return whether this is the kernel of a notebook."""
    # Nobody imported IPython: no notebook, and no reason to import it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _line(step: Step) -> str:
    return f"{_MARKS[step.status]} {step.verb} {step.kind} {step.name}  {step.seconds:.1f} s"


def _cells(step: Step) -> tuple[str, ...]:
    # Whole seconds while it runs, so that a live view changes once a second.
    running = step.status == "running"
    seconds = f"{time.monotonic() - step.started:.0f} s" if running else f"{step.seconds:.1f} s"
    return _MARKS[step.status], step.verb, step.kind, step.name, seconds


def to_text(progress: Progress) -> str:
    """Return `progress` as lines of text."""
    lines = [*progress.notes, *map(_line, list(progress.steps.values())), *progress.failures]
    return "\n".join([progress.title, *lines])


def to_html(progress: Progress) -> str:
    """Return `progress` as a fragment of HTML, everything in it escaped."""
    escape = html.escape
    state = "" if progress.finished else " …"
    rows = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{escape(text)}</td>' for text in cells)
        for cells in map(_cells, list(progress.steps.values()))
    )
    notes = "".join(f"<div>{escape(note)}</div>" for note in progress.notes)
    failures = "".join(f"<div>✗ {escape(failure)}</div>" for failure in progress.failures)
    return markup.block(
        f"<strong>{escape(progress.title)}</strong>{state}{notes}<table>{rows}</table>{failures}"
    )

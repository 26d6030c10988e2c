"""Show an operation while it runs: live in a notebook cell, as lines in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from dotrain.display.cell import Cell, LiveLog, log_with
from dotrain.display.fragments import to_html, to_text
from dotrain.display.lines import Lines
from dotrain.engine.progress import Progress
from dotrain.errors import DotrainError

__all__ = [
    "Cell",
    "Lines",
    "LiveLog",
    "Silent",
    "View",
    "choose",
    "following",
    "in_notebook",
    "log_with",
    "shown",
    "to_html",
    "to_stderr",
    "to_text",
    "using",
]


class View(Protocol):
    """Something that shows a `Progress`, again each time it is told to."""

    def refresh(self, progress: Progress) -> None:
        """Show `progress` as it is now."""


class Silent:
    """Shows nothing: for scripts whose output is their own."""

    def refresh(self, progress: Progress) -> None:
        """Do nothing."""


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


@contextmanager
def shown(title: str) -> Iterator[Callable[[str], None]]:
    """Show what goes on until the end of a with block; yields what takes each sentence."""
    progress, view = Progress(title), choose()

    def note(text: str) -> None:
        progress.note(text)
        view.refresh(progress)

    try:
        yield note
    except BaseException as error:
        why = f"{error.what} {error.why}" if isinstance(error, DotrainError) else str(error)
        progress.finish(why, failed=True)
        view.refresh(progress)
        raise
    progress.finish()
    view.refresh(progress)


@contextmanager
def following(view: View, progress: Progress) -> Iterator[None]:
    """Say in `view`, at the end of a with block, that what has not ended goes on by itself."""
    progress.left = False
    try:
        yield
    finally:
        if not progress.finished:
            progress.left = True
            view.refresh(progress)


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

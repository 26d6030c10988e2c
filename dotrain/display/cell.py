"""An operation in the output of a notebook cell, kept up to date while it runs.

The table is HTML that is replaced as it changes. What is replaced closes what
was opened in it, so the log stands apart: while the operation runs in a widget
where there are widgets, and at the end in the notebook itself, where it needs
neither a widget nor a kernel. A kernel that dies leaves the table as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from dotrain import markup
from dotrain.display import fragments
from dotrain.engine.progress import Progress

# A widget whose kernel is gone says that its model was not found: away with it.
_DEAD = (
    "<style>.jp-OutputArea-child:has(.dotrain-live-log)+.jp-OutputArea-child:has(.jupyter-widgets)"
    ':not(:has(.dotrain-log)){display:none}</style><span class="dotrain-live-log"></span>'
)


class LiveLog(Protocol):
    """A log that can be opened while it grows."""

    def bundle(self) -> dict[str, Any]:
        """Return what Jupyter shows, by its kind."""

    def show(self, progress: Progress) -> None:
        """Show the log as it is now."""

    def close(self) -> None:
        """Show nothing any more."""


class _Made:
    """What makes live logs: nothing, where there are no widgets."""

    live_log: Callable[[], LiveLog | None] = staticmethod(lambda: None)


def log_with(make: Callable[[], LiveLog | None]) -> None:
    """Let `make` make the logs of what runs in cells; it returns None where it cannot."""
    _Made.live_log = staticmethod(make)


class Cell:
    """Keeps one output of a notebook cell up to date, and below it one with the log."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._log_handle: Any = None
        self._log: LiveLog | None = None
        self._last: dict[str, str] = {}

    def refresh(self, progress: Progress) -> None:
        """Show the steps as a small table, and at the end the log beside it."""
        over = progress.finished or progress.left
        if self._handle is None and not over:
            self._log = _Made.live_log()
        apart = self._log is not None or self._log_handle is not None
        html = fragments.to_html(progress, log=over and not apart)
        bundle = {
            "text/html": html if over or not apart else f"{html}{_DEAD}",
            "text/plain": fragments.to_text(progress),
        }
        if bundle != self._last:
            self._handle = _show(self._handle, bundle)
            self._last = bundle
        if self._log is not None:
            self._show_log(self._log, progress, over=over)

    def _show_log(self, log: LiveLog, progress: Progress, *, over: bool) -> None:
        log.show(progress)
        if self._log_handle is None:
            self._log_handle = _show(None, log.bundle())
        if over:
            html = markup.block(fragments.details(progress.log))
            text = f"Log: {len(progress.log)} lines"
            _show(self._log_handle, {"text/html": html, "text/plain": text})
            log.close()
            self._log = None


def _show(handle: Any, bundle: dict[str, Any]) -> Any:
    from IPython.display import display

    if handle is None:
        return display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    handle.update(bundle, raw=True)
    return handle

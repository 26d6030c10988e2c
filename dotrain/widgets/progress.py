"""An operation in a widget while it runs: what happens to each object, and the log."""

from __future__ import annotations

import html
import threading
from typing import Any

import ipywidgets

from dotrain import display, markup
from dotrain.display import fragments, rows
from dotrain.engine.progress import Progress
from dotrain.widgets.kit import closing

# Read out, and not seen: what is seen changes each second, and nobody wants to hear that.
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
# An accordion of ipywidgets cannot be opened with a keyboard, and what is updated
# closes: this opens by itself, busy kernel or not, and what it opens is beside it.
_TOGGLE = """<style>
.dotrain-log-lines{display:none}
.dotrain-log:has(details[open])+.dotrain-log-lines{display:block}
</style><details><summary>Log</summary></details>"""


class LogView:
    """The log of an operation, which one opens and closes while it grows."""

    def __init__(self) -> None:
        self._toggle = ipywidgets.HTML(_TOGGLE)
        self._toggle.add_class("dotrain-log")
        self._lines = ipywidgets.HTML()
        self._lines.add_class("dotrain-log-lines")
        self.widget = ipywidgets.VBox([self._toggle, self._lines])

    def show(self, progress: Progress) -> None:
        """Show the log as it is now."""
        self._lines.value = markup.block(fragments.log_lines(progress.log.lines()))

    def bundle(self) -> dict[str, Any]:
        """Return what Jupyter shows, by its kind."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}

    def close(self) -> None:
        """Show nothing any more."""
        closing.close(self.widget)


class ProgressView:
    """A `display.View` that draws into a widget, from whatever thread.

    Examples
    --------
    >>> view = ProgressView()
    >>> with display.using(lambda: view):
    ...     dotrain.up("bert")
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._lock = threading.Lock()
        self._status = ipywidgets.HTML()
        self._table = ipywidgets.HTML()
        self._log = LogView()
        self._log.widget.layout.display = "none"
        self.widget = ipywidgets.VBox([self._status, self._table, self._log.widget])

    def refresh(self, progress: Progress) -> None:
        """Show `progress` as it is now."""
        with self._lock:
            self._progress = progress
            summary = html.escape(rows.summary(progress))
            status = f'<div role="status" style="{_UNSEEN}">{summary}</div>'
            # A trait that is set to what it is sends nothing.
            self._status.value = status
            self._table.value = display.to_html(progress)
            self._log.show(progress)
            self._log.widget.layout.display = None if progress.log else "none"

    def clear(self) -> None:
        """Show nothing."""
        with self._lock:
            self._progress = None
            self._status.value = self._table.value = ""
            self._log.widget.layout.display = "none"

    def html(self) -> str:
        """Return what is seen without the kernel, the log in it; empty before the first look."""
        return "" if self._progress is None else display.to_html(self._progress, log=True)

    def text(self) -> str:
        """Return what is seen where there is no HTML; empty before the first look."""
        return "" if self._progress is None else display.to_text(self._progress)

    def close(self) -> None:
        """Let go of the widgets."""
        self._log.close()
        closing.close(self.widget)

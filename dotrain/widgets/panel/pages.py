"""The pages of a panel: what is on each is made when somebody turns to it.

All tabs of a panel are hundreds of widgets, and most who look at a cluster look
at the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets

if TYPE_CHECKING:
    from dotrain.snapshot import Snapshot
    from dotrain.widgets.panel.words import Words


class Tab(Protocol):
    """What is on a page of a panel."""

    @property
    def widget(self) -> Any:
        """What is shown while the kernel runs."""

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says; called in the feed's thread."""

    def opened(self) -> None:
        """Read what only this tab shows; called when somebody turns to it."""

    def html(self) -> str:
        """Return what the tab says in a notebook without its kernel; all text is escaped."""

    def text(self) -> str:
        """Return what the tab says as lines of text."""


class Page:
    """A page of a panel.

    Parameters
    ----------
    title : str
        What stands on its tab.
    make : callable
        Makes what is on it.
    words : Words
        What it says before that.
    """

    def __init__(self, title: str, make: Callable[[], Tab], words: Words) -> None:
        self.title = title
        self.widget = ipywidgets.VBox()
        self._make = make
        self._words = words
        self._tab: Tab | None = None

    @property
    def made(self) -> bool:
        """Whether there are widgets on it."""
        return self._tab is not None

    @property
    def tab(self) -> Tab:
        """What is on it, made if need be."""
        if self._tab is None:
            self._tab = self._make()
            self.widget.children = (self._tab.widget,)
        return self._tab

    def turn(self) -> None:
        """Have on it what it is for, and read what only that shows."""
        self.tab.opened()

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says, if anybody has turned to it yet."""
        if self._tab is not None:
            self._tab.show(snapshot)

    def html(self, seen: Snapshot) -> str:
        """Return what it says in a notebook without its kernel; all text is escaped."""
        return self._words.html(seen) if self._tab is None else self._tab.html()

    def text(self, seen: Snapshot) -> str:
        """Return what it says as lines of text."""
        return self._words.text(seen) if self._tab is None else self._tab.text()

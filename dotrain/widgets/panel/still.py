"""A panel where there are no widgets: all that there is to see, as HTML and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from dotrain import operations
from dotrain.errors import MissingExtra
from dotrain.target import Target
from dotrain.widgets.kit import attach, html
from dotrain.widgets.panel import copied, feed, words

if TYPE_CHECKING:
    from dotrain.snapshot import Snapshot

# Seconds that a cell waits for a look.
_FIRST = 10.0


class StillPanel:
    """What `Cluster.panel` returns without ipywidgets: it looks each time that it is shown.

    Parameters
    ----------
    name : str
        The cluster's name.
    target : Target
        The account it is in.
    """

    def __init__(self, name: str, target: Target) -> None:
        self._name = name
        self._words = words.of_tabs(lambda: operations.history(target, name))
        self._feed = feed.of(target, name)
        self._looked = False

    @property
    def widget(self) -> NoReturn:
        """What there is with ipywidgets.

        Raises
        ------
        MissingExtra
            Always.
        """
        raise MissingExtra(
            f"There is no widget of {self._name!r}.",
            "ipywidgets cannot be imported.",
            "Run `pip install 'dotrain[notebook]'`, and restart the kernel.",
        )

    @property
    def snapshot(self) -> Snapshot | None:
        """The look that it shows; None before the first."""
        return self._feed.last

    def html(self) -> str:
        """Return all that a look at the cluster says; all text in it is escaped."""
        seen = self._seen()
        if seen is None:
            return html.notice(copied.unseen(self._name))
        status, *others = [(title, part.html(seen)) for title, part in self._words.items()]
        return copied.page(seen, status[1], others)

    def text(self) -> str:
        """Return the same as lines of text."""
        seen = self._seen()
        if seen is None:
            return copied.unseen(self._name)
        return copied.lines(seen, [part.text(seen) for part in self._words.values()])

    __repr__ = text

    def close(self) -> None:
        """Do nothing: it holds nothing."""

    def _look(self) -> None:
        self._looked = True
        self._feed.first(_FIRST, lambda _: None)

    def _seen(self) -> Snapshot | None:
        """Return the look to show, the first if there was none; a slow one is waited for once."""
        if not self._looked:
            self._look()
        return self.snapshot

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        self._look()
        return attach.text_only(self)

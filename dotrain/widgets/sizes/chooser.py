"""A chooser of node sizes that is searched by typing what the nodes should have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from dotrain.offers import Offer
from dotrain.widgets.kit.html import text
from dotrain.widgets.kit.style import LABEL_WIDTH
from dotrain.widgets.sizes import words as sizing

_ROWS = 8


class SizeChooser:
    """A search box, the sizes that have all its words, and what is chosen in a sentence.

    The choice stays when the list does not show it any more.

    Parameters
    ----------
    offers : sequence of Offer
        The sizes, in the order in which they are shown.
    value : str
        The slug that is chosen.
    region : str, optional
        Where the nodes will be: sizes that are not there are marked.
    label : str
        What is chosen, for whoever does not see the list.
    """

    def __init__(
        self, offers: Sequence[Offer], *, value: str, region: str | None = None, label: str = "Size"
    ) -> None:
        self._value = value
        self._region = region
        self._offers: tuple[Offer, ...] = ()
        self._shown: list[Offer] = []
        self._filling = False
        self._callbacks: list[Callable[[str], None]] = []
        style = {"description_width": LABEL_WIDTH}
        wide = ipywidgets.Layout(width="auto", max_width="64em")
        self.search = ipywidgets.Text(
            description=f"Find a {label.lower()}",
            placeholder="h100   80gb   4vcpu   <$1   nyc2",
            tooltip="Words that the size has: a GPU, memory, vCPUs, a region, a price at most",
            style=style,
            layout=wide,
        )
        self.list = ipywidgets.Select(description=label, rows=_ROWS, style=style, layout=wide)
        self.list.add_class("dotrain-sizes")
        self._said = ipywidgets.HTML()
        self._said.add_class("dotrain-beside")
        self.widget = ipywidgets.VBox([self.search, self.list, self._said])
        self.search.observe(lambda _: self._list(), "value")
        self.list.observe(self._picked, "index")
        self._offers = tuple(offers)
        self._list()

    @property
    def value(self) -> str:
        """The slug that is chosen."""
        return self._value

    @value.setter
    def value(self, slug: str) -> None:
        if slug != self._value:
            self._value = slug
            self._mark()
            self._tell()

    @property
    def region(self) -> str | None:
        """Where the nodes will be."""
        return self._region

    @region.setter
    def region(self, region: str | None) -> None:
        if region != self._region:
            self._region = region
            self._list()

    @property
    def offer(self) -> Offer | None:
        """What is chosen; None while the list of sizes does not have it."""
        return next((one for one in self._offers if one.slug == self._value), None)

    def fill(self, offers: Sequence[Offer]) -> None:
        """Offer other sizes; what is chosen stays."""
        if tuple(offers) != self._offers:
            self._offers = tuple(offers)
            self._list()

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the slug whenever another size is chosen."""
        self._callbacks.append(callback)

    def _list(self) -> None:
        """Show the sizes that have all words of the search box."""
        self._shown = sizing.matching(self._offers, self.search.value)
        lines = sizing.columns(self._shown, self._region)
        self._filling = True
        try:
            with self.list.hold_sync():
                if self.list.options != tuple(lines):
                    self.list.options = lines
                self._select()
        finally:
            self._filling = False
        self._say()

    def _mark(self) -> None:
        """Show which one is chosen."""
        self._filling = True
        try:
            self._select()
        finally:
            self._filling = False
        self._say()

    def _select(self) -> None:
        slugs = [one.slug for one in self._shown]
        self.list.index = slugs.index(self._value) if self._value in slugs else None

    def _picked(self, change: dict[str, Any]) -> None:
        index = change["new"]
        if not self._filling and index is not None and self._shown[index].slug != self._value:
            self._value = self._shown[index].slug
            self._say()
            self._tell()

    def _tell(self) -> None:
        for callback in tuple(self._callbacks):
            callback(self._value)

    def _say(self) -> None:
        chosen = self.offer
        said = f"Chosen: {self._value}."
        if chosen is not None:
            said = f"Chosen: {sizing.sentence(chosen, self._region)}"
        if self._offers and not self._shown:
            said += (
                f" None of the {len(self._offers)} sizes has all of {self.search.value!r}: "
                "take a word away."
            )
        elif len(self._shown) < len(self._offers):
            said += f" {len(self._shown)} of {len(self._offers)} sizes are listed."
        self._said.value = f'<div class="dotrain-hint" role="status">{text(said)}</div>'

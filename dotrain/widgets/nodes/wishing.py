"""The fields that say what a pool should be: which, how many nodes, of which size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets

from dotrain import markup
from dotrain.offers import Offer
from dotrain.spec import ClusterSpec
from dotrain.widgets.kit import html, style
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import sentences
from dotrain.widgets.nodes.resizing import Wish, pool_of
from dotrain.widgets.sizes import words as sizing
from dotrain.widgets.sizes.chooser import SizeChooser

# What a slider reaches at least; a number field beside it reaches _MOST.
_REACH, _MOST = 10, 512
_WIDE = "38em"


class Fields:
    """Pool, count, autoscaler and size; each number can be typed, and each size searched.

    Parameters
    ----------
    changed : callable
        Called without arguments when somebody changes one of them.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._filling = False
        self._spec: ClusterSpec | None = None
        self._counts: Mapping[str, int] = {}
        self._offers: Sequence[Offer] = ()
        wide = ipywidgets.Layout(width=_WIDE)
        self.pool = ipywidgets.Dropdown(options=["-"], layout=wide)
        self.slider = ipywidgets.IntSlider(1, 1, _REACH, layout=wide)
        narrow = ipywidgets.Layout(width=f"calc({style.LABEL_WIDTH} + 7em)")
        number = {"layout": narrow, "continuous_update": True}
        self.count = ipywidgets.BoundedIntText(1, min=1, max=_MOST, **number)
        self.scaled = ipywidgets.Checkbox(
            description="Autoscaler: DigitalOcean chooses how many nodes", indent=False, layout=wide
        )
        self.least = ipywidgets.BoundedIntText(0, min=0, max=_MOST, **number)
        self.most = ipywidgets.BoundedIntText(1, min=1, max=_MOST, **number)
        self.size = ipywidgets.SelectionSlider(
            options=["-"], continuous_update=True, layout=ipywidgets.Layout(width="100%")
        )

        self.search = ipywidgets.ToggleButton(
            description="Search all sizes",
            tooltip="Find a size by GPU, memory, vCPUs or price",
            layout=ipywidgets.Layout(align_self="flex-start"),
        )
        self._about = ipywidgets.HTML()
        self.chooser = SizeChooser((), value="-")
        self.chooser.widget.layout.display = "none"
        self._by_field = {
            "pool": Field("Pool", self.pool),
            "slider": Field("Nodes", self.slider),
            "count": Field("Number of nodes", self.count),
            "least": Field("Fewest nodes (min)", self.least),
            "most": Field("Most nodes (max)", self.most),
            "size": Field("Size, by price", self.size),
        }
        for control in (self.pool, self.scaled, self.least, self.most):
            control.observe(self._observed, names="value")
        self.slider.observe(self._counted, names="value")
        self.count.observe(self._counted, names="value")
        self.size.observe(lambda change: self._sized(change["new"]), names="value")
        self.chooser.observe(self._sized)
        self.search.observe(self._searched, names="value")
        by = {name: field.widget for name, field in self._by_field.items()}
        self._range = ipywidgets.VBox([by["least"], by["most"]])
        self._fixed = ipywidgets.VBox([by["slider"], by["count"]])
        self.widget = ipywidgets.VBox(
            [
                by["pool"],
                self._fixed,
                self.scaled,
                self._range,
                by["size"],
                self._about,
                self.search,
                self.chooser.widget,
            ]
        )
        self._arrange()

    def fill(self, spec: ClusterSpec, counts: Mapping[str, int]) -> None:
        """Put the fields to what the pool is; the same pool stays chosen.

        Parameters
        ----------
        spec : ClusterSpec
            What the cluster should be.
        counts : mapping of str to int
            How many nodes each pool has or should have.
        """
        self._spec, self._counts = spec, counts
        chosen = self.pool.value if pool_of(spec, self.pool.value or "") else spec.pools[0].name
        self._filling = True
        try:
            names = tuple(pool.name for pool in spec.pools)
            if names != self.pool.options:
                self.pool.options = names
            self.pool.value = chosen
            self._put(Wish.of(next(p for p in spec.pools if p.name == chosen), counts[chosen]))
        finally:
            self._filling = False
        self._arrange()

    def offer(self, found: Sequence[Offer], region: str | None) -> None:
        """Let all sizes be chosen that there are; what is chosen stays."""
        self._offers = found
        self._by_field["size"].error = ""
        self.chooser.region = region
        self.chooser.fill(found)
        self._options(self.chooser.value)
        self._arrange()

    def unread(self, error: BaseException) -> None:
        """Say why there are no other sizes to choose."""
        self._by_field["size"].error = f"The sizes could not be read. {sentences(error)}"

    def wish(self, drain: bool, drain_timeout: str) -> Wish:
        """Return what the fields say, with the terms on which nodes go."""
        scaled = self.scaled.value
        return Wish(
            self.pool.value or "",
            self.chooser.value,
            self.count.value,
            self.least.value if scaled else None,
            self.most.value if scaled else None,
            drain,
            drain_timeout,
        )

    def edited(self, spec: ClusterSpec, counts: Mapping[str, int]) -> bool:
        """Return whether they say something else than the pool is."""
        pool = pool_of(spec, self.pool.value or "")
        if pool is None:
            return True
        as_it_is = Wish.of(pool, counts[pool.name])
        now = self.wish(as_it_is.drain, as_it_is.drain_timeout)
        # With the autoscaler, the number of nodes is nobody's wish.
        return (now.size, now.least, now.most) != (as_it_is.size, pool.min, pool.max) or (
            not pool.autoscaled and now.count != as_it_is.count
        )

    def refused(self, region: str) -> str:
        """Return in a sentence why there are no nodes of the chosen size; empty where there are."""
        chosen = self.chooser.offer
        return sizing.refused(chosen, region) if chosen else ""

    def error(self, name: str) -> str:
        """Return what is wrong with a field; empty when nothing is."""
        return self._by_field[name].error

    def errors(self, problems: Mapping[str, str]) -> None:
        """Show what is wrong, beside its field."""
        for name in ("pool", "count", "most", "size"):
            if name in problems or name != "size" or self._offers:
                self._by_field[name].error = problems.get(name, "")

    def enable(self, on: bool) -> None:
        """Let the fields be changed, or not."""
        controls = (self.pool, self.slider, self.count, self.scaled, self.least, self.most)
        for control in (*controls, self.size, self.search, self.chooser.list, self.chooser.search):
            control.disabled = not on

    def _put(self, wish: Wish) -> None:
        self._reach(wish.count)
        self.slider.value = self.count.value = max(1, wish.count)
        self.scaled.value = wish.most is not None
        self.least.value = 1 if wish.least is None else wish.least
        self.most.value = max(2 * wish.count, 1) if wish.most is None else wish.most
        self._options(wish.size)
        self.size.value = self.chooser.value = wish.size

    def _options(self, chosen: str) -> None:
        """Have the slider lead through what there is, in the order of price.

        What the pool has, and what is chosen, are always on it: also a size
        that is not offered any more, or in another region alone.
        """
        region = self._spec.region if self._spec else ""
        pool = pool_of(self._spec, self.pool.value or "") if self._spec else None
        kept = dict.fromkeys([*([pool.size] if pool else []), chosen])
        fit = [one for one in self._offers if one.slug in kept or not sizing.mark(one, region)]
        fit.sort(key=lambda one: math.inf if math.isnan(one.hourly) else one.hourly)
        options = [(f"{one.slug}, {sizing.price(one)}", one.slug) for one in fit]
        known = {slug for _, slug in options}
        options[:0] = [(slug, slug) for slug in kept if slug not in known]
        if tuple(options) == tuple(self.size.options):
            return
        filling, self._filling = self._filling, True
        try:
            with self.size.hold_sync():
                self.size.options = options
                self.size.value = chosen
            # A slider in a page keeps the range that it was made with: it is made anew.
            box = self._by_field["size"].widget
            whole = box.children
            box.children = whole[1:]
            self.size.send_state(["index", "_options_labels"])
            box.children = whole
        finally:
            self._filling = filling

    def _counted(self, change: dict[str, Any]) -> None:
        number = change["new"]
        self._reach(number)
        # One is as the other says; the second of them tells nobody anything new.
        self.slider.value = self.count.value = number
        self._observed(change)

    def _reach(self, number: int) -> None:
        self.slider.max = max(self.slider.max, number)

    def _sized(self, slug: str) -> None:
        if self._filling or slug == "-":
            return
        self._filling = True
        try:
            if self.chooser.value != slug:
                self.chooser.value = slug
            self._options(slug)
            self.size.value = slug
        finally:
            self._filling = False
        self._observed({})

    def _searched(self, change: dict[str, Any]) -> None:
        self.chooser.widget.layout.display = None if change["new"] else "none"
        self._arrange()

    def _observed(self, change: dict[str, Any]) -> None:
        if self._filling:
            return
        if change.get("owner") is self.pool and self._spec is not None:
            self.fill(self._spec, self._counts)
        self._arrange()
        self._changed()

    def _arrange(self) -> None:
        """Show what applies, one number or two, and what the chosen size is."""
        several = self._spec is not None and len(self._spec.pools) > 1
        self._by_field["pool"].widget.layout.display = None if several else "none"
        self._fixed.layout.display = "none" if self.scaled.value else None
        self._range.layout.display = None if self.scaled.value else "none"
        chosen = self.chooser.offer
        said = sizing.sentence(chosen, self._spec.region if self._spec else None) if chosen else ""
        self._about.layout.display = "none" if self.search.value else None
        self._about.value = markup.block(f'<div class="dotrain-hint">{html.text(said)}</div>')

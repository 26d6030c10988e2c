"""All clusters of an account in a widget: find one, open its panel, look at idleness, end it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import ipywidgets

from dotrain.widgets.ending import ended
from dotrain.widgets.kit import attach, closing, html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.attach import Shown
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.listing import rows as listed
from dotrain.widgets.listing import words as clustered
from dotrain.widgets.listing.chosen import Chosen
from dotrain.widgets.listing.rows import Idle, Listing, Row


class Opened(Shown, Protocol):
    """Something that is opened beside the list, such as a panel."""

    def close(self) -> None:
        """Show nothing any more."""


@dataclass(frozen=True)
class Source:
    """What the list is of, and what it can do.

    Parameters
    ----------
    look : callable
        Returns the clusters as the account has them now.
    idle : callable
        Yields how long each of some clusters has lain idle.
    panel : callable
        Returns the panel of the cluster with a name.
    teardown : callable
        Returns what takes that cluster down; takes what to call when there is
        something new to save, and when it is proved that nothing is left, too.
    """

    look: Callable[[], Listing]
    idle: Callable[[Sequence[Row]], Iterator[tuple[Row, Idle]]]
    panel: Callable[[str], Opened]
    teardown: Callable[[str, Callable[[], None], Callable[[], None]], Opened]


class ClustersView:
    """What `dotrain.clusters` returns, as a widget.

    Parameters
    ----------
    listing : Listing
        What is known before anything is read.
    source : Source
        What more there is to read, and to do.
    """

    def __init__(self, listing: Listing, source: Source) -> None:
        self._listing = listing
        self._source = source
        self._changed: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._worker = Worker("clusters")
        self._prober = Worker("idleness")
        self._build()
        self._draw()

    def _build(self) -> None:
        self.words = Field("Filter", ipywidgets.Text(placeholder="words in any column"))
        self.state = Field("State", ipywidgets.Dropdown(options=[("any", "")]))
        self.order = Field("Sort by", ipywidgets.Dropdown(options=listed.ORDERS))
        self.down = Field("Most first", ipywidgets.Checkbox(indent=False))
        for field in (self.words, self.state, self.order, self.down):
            field.control.style.description_width = "initial"
            field.control.layout.width = "auto"
            field.control.observe(lambda _: self._draw(), names="value")
        self.said = Message()
        self.refresh = Action(
            "Refresh",
            self._source.look,
            worker=self._worker,
            said=self.said,
            done=self._take,
            tooltip="Read the account again",
            doing="Reading clusters, prices and what belongs to nothing …",
        )
        self.idle_said = Message()
        self.idle = Action(
            "Look at idleness",
            self._look_at_idleness,
            worker=self._prober,
            said=self.idle_said,
            tooltip="Ask the Kubernetes API of each cluster that is listed",
            doing="Asking the Kubernetes API of each cluster that is listed …",
        )
        self.chosen = Chosen(self._source, changed=self._save, gone=self.refresh.click)
        self._table = ipywidgets.HTML()
        self._leaks = ipywidgets.HTML()
        self._as_of = ipywidgets.HTML()
        wrap = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        fields = [one.widget for one in (self.words, self.state, self.order, self.down)]
        buttons = [self.refresh.widget, self.idle.widget, self._as_of]
        self.widget = ipywidgets.VBox(
            [
                ipywidgets.HBox(fields, layout=wrap),
                self._table,
                ipywidgets.HBox(buttons, layout=wrap),
                self.said.widget,
                self.idle_said.widget,
                self.chosen.widget,
                self._leaks,
                ipywidgets.HTML(f"<div>The same as code:</div>{html.code(clustered.CALLS)}"),
            ]
        )

    def put(self) -> None:
        """Show it in the cell that runs now, and read what it does not have yet."""
        self._changed = attach.show(self).update
        self.refresh.click()

    def close(self) -> None:
        """Let go of the widgets; a teardown that runs goes on."""
        self.chosen.shut()
        closing.close(self.widget)

    def html(self) -> str:
        """Return what is seen without the kernel; all text in it is escaped."""
        return clustered.saved(self._listing) + self.chosen.html()

    def text(self) -> str:
        """Return what is seen where there is no HTML."""
        return "\n".join(filter(None, [clustered.text(self._listing), self.chosen.text()]))

    def join(self, timeout: float) -> bool:
        """Wait until nothing is read, at most `timeout` seconds; return whether that is so."""
        return all(one.join(timeout) for one in (self._worker, self._prober, self.chosen.worker))

    def _rows(self) -> list[Row]:
        found = listed.select(self._listing.rows, self.words.value, self.state.value or "")
        return listed.ordered(self._listing, found, self.order.value, down=self.down.value)

    def _take(self, listing: Listing) -> None:
        with self._lock:
            # What was asked of Kubernetes stays known until it is asked again.
            self._listing = listing.with_idle(self._listing.idle)
        self._draw()
        self._changed()

    def _look_at_idleness(self) -> None:
        rows = [row for row in self._rows()[: listed.MOST] if row.described]
        for done, (row, found) in enumerate(self._source.idle(rows), 1):
            with self._lock:
                self._listing = self._listing.with_idle({row.key: found})
            self.idle_said.show(f"{done} of {len(rows)} clusters have been asked.")
            self._draw()
        self._changed()
        if not rows:
            self.idle_said.show("No cluster is listed that could be asked.")

    def _save(self) -> None:
        self._changed()

    def _draw(self) -> None:
        listing, rows = self._listing, self._rows()
        self._table.value = clustered.table(listing, rows)
        self._leaks.value = clustered.leaks(listing)
        self._as_of.value = html.text(f"As of {ended.clock(listing.at)}")
        states = [("any", ""), *((one, one) for one in listed.states(listing.rows))]
        if list(self.state.control.options) != states:
            kept = self.state.value
            self.state.control.options = states
            self.state.control.value = kept if (kept, kept) in states else ""
        left = {one.cluster for one in listing.leaks or () if one.cluster}
        self.chosen.offer([row.name for row in rows[: listed.MOST]], left)

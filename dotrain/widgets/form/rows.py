"""The rows of a form: a pool of nodes, and somebody who may enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets

from dotrain import grants
from dotrain.offers import Offer
from dotrain.widgets.form.values import PoolRow, SourceRow
from dotrain.widgets.kit import parts
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.sizes.chooser import SizeChooser


class PoolFields:
    """The fields of a pool.

    Parameters
    ----------
    row : PoolRow
        What stands in them.
    changed : callable
        What to call when something is typed.
    """

    def __init__(self, row: PoolRow, changed: Callable[[], None]) -> None:
        self.chooser = SizeChooser((), value=row.size)
        self.fields = {
            "name": Field("Pool name", parts.text("train")),
            "size": Field("Size of its nodes", self.chooser.widget),
            "count": Field("Number of nodes", parts.number()),
            "autoscaled": Field("Let DigitalOcean add and remove nodes", parts.checkbox()),
            "min": Field("Fewest nodes", parts.number()),
            "max": Field("Most nodes", parts.number()),
            "labels": Field("Labels", parts.text("team=nlp, tier=gold")),
            "taints": Field(
                "Taints",
                parts.text("team=nlp:NoSchedule"),
                hint="Only Pods that tolerate them run there. Nodes with NVIDIA's GPUs have one "
                "of their own.",
            ),
        }
        shown = self.fields
        self._between = parts.beside([shown["min"].widget, shown["max"].widget])
        self.folded = parts.Folded(
            "labels and taints", [shown["labels"].widget, shown["taints"].widget]
        )
        self.widget = ipywidgets.VBox(
            [
                parts.beside([shown["name"].widget, shown["count"].widget]),
                *(shown["size"].widget, shown["autoscaled"].widget, self._between),
                self.folded.widget,
            ]
        )
        self.fill(row)
        self.chooser.observe(lambda _: changed())
        for name, field in shown.items():
            if name != "size":
                field.control.observe(lambda _: changed(), "value")
        shown["autoscaled"].control.observe(lambda _: self._draw(), "value")

    @property
    def value(self) -> PoolRow:
        """What stands in them."""
        typed = {name: field.value for name, field in self.fields.items() if name != "size"}
        return PoolRow(size=self.chooser.value, **typed)

    def fill(self, row: PoolRow) -> None:
        """Show another pool."""
        self.chooser.value = row.size
        for name, field in self.fields.items():
            if name != "size":
                field.control.value = getattr(row, name)
        self._draw()

    def offer(self, offers: Sequence[Offer], region: str) -> None:
        """Offer these sizes, in `region`."""
        self.chooser.region = region
        self.chooser.fill(offers)

    def _draw(self) -> None:
        scaled = bool(self.fields["autoscaled"].value)
        self._between.layout.display = None if scaled else "none"


class SourceFields:
    """The fields of somebody who may enter.

    Parameters
    ----------
    row : SourceRow
        What stands in them.
    changed : callable
        What to call when something is typed.
    """

    folded = None

    def __init__(self, row: SourceRow, changed: Callable[[], None]) -> None:
        known = ", ".join(grants.SERVICES)
        self.fields = {
            "source": Field("Address", parts.text("203.0.113.7 or 203.0.113.0/24")),
            "to": Field(
                "May reach",
                parts.text(", ".join(grants.DEFAULT)),
                hint=f"With commas between them: {known}, or a protocol and ports such as "
                "tcp 8000-9000.",
            ),
            "label": Field("Label", parts.text("office")),
            "expires": Field("For how long", parts.text("8h; empty for always")),
        }
        self.widget = ipywidgets.VBox([field.widget for field in self.fields.values()])
        self.fill(row)
        for field in self.fields.values():
            field.control.observe(lambda _: changed(), "value")

    @property
    def value(self) -> SourceRow:
        """What stands in them."""
        return SourceRow(**{name: field.value for name, field in self.fields.items()})

    def fill(self, row: SourceRow) -> None:
        """Show somebody else."""
        for name, field in self.fields.items():
            field.control.value = getattr(row, name)

"""The tab that says how a cluster is: how far, how many nodes, what it costs, when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from dotrain import markup
from dotrain.bills import Bill
from dotrain.widgets.kit import html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.panel import overview

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.snapshot import Snapshot


class StatusTab:
    """What a look at the cluster says, and on a click what all of it costs.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    refresh : callable, optional
        Has the cluster looked at at once.
    """

    def __init__(self, cluster: Cluster, *, refresh: Callable[[], None] = lambda: None) -> None:
        self._seen: Snapshot | None = None
        self._body = ipywidgets.HTML()
        self._bill = ipywidgets.HTML()
        self.said = Message()
        self.worker = Worker(f"cost of {cluster.name}")
        again = ipywidgets.Button(description="Refresh", tooltip="Look at the cluster at once")
        again.on_click(lambda _: refresh())
        self.cost: Action[Bill] = Action(
            "What all of it costs",
            cluster.cost,
            worker=self.worker,
            said=self.said,
            done=self._take_bill,
            tooltip="With load balancers, volumes and the database",
            doing="Reading what there is beside the nodes …",
        )
        name = cluster.name
        call = f"cluster = dotrain.get({name!r})\ncluster.panel()\ncluster.cost()"
        self.widget = ipywidgets.VBox(
            [
                self._body,
                ipywidgets.HBox([again, self.cost.widget]),
                self.said.widget,
                self._bill,
                ipywidgets.HTML(f"<div>The same as code:</div>{html.code(call)}"),
            ]
        )

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says."""
        self._seen = snapshot
        self._body.value = self.html()

    def html(self) -> str:
        """Return what the tab says, for a notebook without its kernel; all text is escaped."""
        return markup.block(overview.body(self._seen)) if self._seen else ""

    def text(self) -> str:
        """Return what the tab says as lines of text."""
        return "\n".join(overview.lines(self._seen)) if self._seen else ""

    def opened(self) -> None:
        """Do nothing: all of it is there already."""

    def _take_bill(self, bill: Bill) -> None:
        self._bill.value = bill._repr_html_()

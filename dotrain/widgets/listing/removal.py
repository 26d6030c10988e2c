"""The end of a cluster out of a list: the tab of its panel, by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from dotrain import markup
from dotrain.target import Target
from dotrain.widgets.ending.tab import TeardownTab
from dotrain.widgets.kit import closing, html
from dotrain.widgets.kit.live import Views
from dotrain.widgets.panel import feed

if TYPE_CHECKING:
    from dotrain.facade import Cluster


class Removal:
    """A `TeardownTab` that is kept up to date while somebody sees it.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    target : Target
        The account it is in.
    changed : callable
        Called when there is something new to save.
    gone : callable
        Called when it is proved that nothing is left.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        changed: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        # What else belongs to nothing, the list says itself.
        self.tab = TeardownTab(cluster, leaks=lambda: None, changed=changed, gone=gone)
        self._head = f"<h4>{html.text(f'Teardown of {cluster.name}')}</h4>"
        heading = ipywidgets.HTML(markup.block(self._head))
        self.widget = ipywidgets.VBox([heading, self.tab.widget])
        looks = feed.of(target, cluster.name)
        views = Views(self.widget, looks.appeared)
        self._leave = looks.subscribe(self.tab.show, viewed=views)
        self.tab.opened()

    @property
    def proved(self) -> bool:
        """Whether it shows the proof of a teardown."""
        return self.tab.proved

    def html(self) -> str:
        """Return what is seen without the kernel; all text in it is escaped."""
        return markup.block(f"{self._head}{self.tab.html()}")

    def text(self) -> str:
        """Return what is seen where there is no HTML."""
        return self.tab.text()

    def close(self) -> None:
        """Show nothing any more; a teardown that runs goes on."""
        self._leave()
        closing.close(self.widget)

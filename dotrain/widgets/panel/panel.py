"""A panel: all there is to see of one cluster and to do to it, in a notebook.

What it shows comes from the feed of its cluster, which serves every panel of
the kernel; another kernel's panel shows the same because both read the same
account and the same journals. Each tab mirrors public calls of the cluster, and
is made when somebody turns to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from dotrain import markup, operations
from dotrain.address import Address
from dotrain.target import Target
from dotrain.widgets.access.tab import AccessTab
from dotrain.widgets.ending.tab import TeardownTab
from dotrain.widgets.kit import attach, closing, html
from dotrain.widgets.kit.live import SELDOM, Views
from dotrain.widgets.kit.message import Message, sentences
from dotrain.widgets.kit.presence import AWAY
from dotrain.widgets.nodes.tab import NodesTab
from dotrain.widgets.panel import copied, feed, overview, words
from dotrain.widgets.panel.activity import ActivityTab
from dotrain.widgets.panel.pages import Page, Tab
from dotrain.widgets.panel.status import StatusTab

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.operation import Operation
    from dotrain.snapshot import Snapshot

# Seconds that a cell waits for the first look, with the widget in the page already: whoever
# runs a notebook and saves it, such as nbclient, keeps what is there when the cell ends.
_FIRST = 2.0
_RESTING = (
    f"Nobody has used this notebook for {AWAY / 60:.0f} minutes: the cluster is looked at every "
    f"{SELDOM:.0f} seconds only. Any click here, or any cell, and it is as often as before."
)

_panels: dict[tuple[Target, str], Panel] = {}


class Panel:
    """One cluster, in tabs.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    target : Target
        The account it is in.
    find_address : callable, optional
        Returns this machine's address; otherwise it is looked up as ``"me"`` is.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        *,
        find_address: Callable[[], Address] | None = None,
    ) -> None:
        name = cluster.name
        self._find_address = find_address
        self._name = name
        self._feed = feed.of(target, name)
        self._seen: Snapshot | None = None
        self._found: Address | None = None
        self._drawing = threading.Lock()
        self._saved = attach.Copies(self)
        self._pages = self._make(cluster, target)
        self._head = ipywidgets.HTML(markup.block(html.notice(f"Looking at {name} …")))
        self.said, self.pace = Message(), Message()
        self._cards = ipywidgets.Tab(
            children=[page.widget for page in self._pages],
            titles=[page.title for page in self._pages],
        )
        self._cards.observe(self._turned, names="selected_index")
        said = [self.pace.widget, self.said.widget]
        self._widget = ipywidgets.VBox([self._head, *said, self._cards])
        views = Views(self._widget, self._feed.appeared)
        self._leave = self._feed.subscribe(self.show, viewed=views)
        if self._feed.last is not None:
            self.show(self._feed.last)

    def _make(self, cluster: Cluster, target: Target) -> Sequence[Page]:
        name, now = cluster.name, self._feed.now

        def history() -> Sequence[Operation]:
            return operations.history(target, name)

        def access() -> AccessTab:
            find = self._find_address
            return AccessTab(cluster, find_address=find, changed=now, found=self._take_address)

        tabs: dict[str, Callable[[], Tab]] = {
            "Status": lambda: StatusTab(cluster, refresh=now),
            "Nodes": lambda: NodesTab(cluster, changed=now),
            "Access": access,
            "Activity": lambda: ActivityTab(cluster, history=history),
            "Teardown": lambda: TeardownTab(cluster, changed=self._ended),
        }
        said = words.of_tabs(history)
        pages = [Page(title, make, said[title]) for title, make in tabs.items()]
        # It is what one sees first.
        pages[0].turn()
        return pages

    @property
    def widget(self) -> ipywidgets.VBox:
        """What is shown while the kernel runs."""
        return self._widget

    @property
    def snapshot(self) -> Snapshot | None:
        """The look that it shows; None before the first."""
        return self._seen

    def tab(self, title: str) -> Tab:
        """Return the tab with that title, such as ``"Access"``, made if need be."""
        (page,) = (page for page in self._pages if page.title == title)
        with self._drawing:
            return self._made(page)

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says, in all tabs that there are, from any thread."""
        with self._drawing:
            self.pace.show(_RESTING if self._feed.resting else "")
            if snapshot is self._seen:
                return
            self._seen = snapshot
            self._draw(snapshot)
        self._saved.update()

    def html(self) -> str:
        """Return what is seen without the kernel; all text in it is escaped."""
        seen = self._seen
        if seen is None:
            return html.notice(copied.unseen(self._name))
        status, *others = self._pages
        said = [(page.title, page.html(seen)) for page in others]
        return copied.page(seen, status.html(seen), said, self._found)

    def text(self) -> str:
        """Return what is seen where there is no HTML."""
        seen = self._seen
        if seen is None:
            return copied.unseen(self._name)
        return copied.lines(seen, [page.text(seen) for page in self._pages])

    def close(self) -> None:
        """Show nothing any more; the cluster stays as it is."""
        self._leave()
        for key in [key for key, one in _panels.items() if one is self]:
            del _panels[key]
        self._saved.close()
        closing.close(self._widget)

    def _draw(self, snapshot: Snapshot) -> None:
        parts = [("Its state", self._show_head), *((one.title, one.show) for one in self._pages)]
        wrong = [_shown(title, show, snapshot) for title, show in parts]
        self._say("\n".join(filter(None, [copied.trouble(snapshot), *wrong])))

    def _ended(self) -> None:
        # What the head says is as old as the last look.
        self._feed.now()
        self._saved.update()

    def _made(self, page: Page) -> Tab:
        if not page.made and self._seen is not None:
            tab = page.tab
            self._draw(self._seen)
            return tab
        return page.tab

    def _show_head(self, snapshot: Snapshot) -> None:
        self._head.value = markup.block(overview.head(snapshot, self._found))

    def _take_address(self, found: Address) -> None:
        self._found = found
        if self._seen is not None:
            self._show_head(self._seen)
        self._saved.update()

    def _turned(self, change: dict[str, Any]) -> None:
        if change["new"] is not None:
            self.tab(self._pages[change["new"]].title).opened()

    def _say(self, trouble: str) -> None:
        if trouble != self.said.text:
            self.said.show(trouble, "bad")

    def _ipython_display_(self) -> None:
        if not attach.available():
            raise NotImplementedError
        self._saved.show(ready=self._first)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        self._first()
        return attach.text_only(self)

    def _first(self) -> None:
        self._feed.first(_FIRST, self.show)


def of(cluster: Cluster, target: Target) -> Panel:
    """Return the panel that shows `cluster` wherever it is the value of a cell: one in a kernel."""
    key = (target, cluster.name)
    found = _panels.get(key) or Panel(cluster, target)
    _panels[key] = found
    return found


def _shown(title: str, show: Callable[[Snapshot], None], snapshot: Snapshot) -> str:
    """Have a part show a look, and return in words what went wrong with that; empty if nothing."""
    try:
        show(snapshot)
    except Exception as error:  # noqa: BLE001 - said in the panel, whatever it is
        return f"{title} cannot be shown. {sentences(error)}"
    return ""

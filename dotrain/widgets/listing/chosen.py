"""One cluster out of a list: its panel, or its end, beside the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import ipywidgets

from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.listing.removal import Removal

if TYPE_CHECKING:
    from dotrain.widgets.listing.view import Opened, Source

_NONE = ("choose one", "")


class Chosen:
    """A choice of a cluster, and what is opened of it.

    Parameters
    ----------
    source : Source
        What can be opened.
    changed : callable
        Called when there is something new to save.
    gone : callable
        Called when a cluster was taken down.
    """

    def __init__(
        self, source: Source, *, changed: Callable[[], None], gone: Callable[[], None]
    ) -> None:
        self._changed = changed
        self._open: Opened | None = None
        # The proofs of those that were taken down here before, as HTML and as text.
        self._proofs: list[tuple[str, str]] = []
        self.worker = Worker("chosen cluster")
        self.said = Message()
        self.name = Field("Cluster", ipywidgets.Dropdown(options=[_NONE]))
        self.name.control.style.description_width = "initial"
        self.name.control.observe(lambda _: self._allow(), names="value")
        self.panel = self._action("Open panel", lambda: source.panel(self.name.value))
        self.teardown = self._action(
            "Tear down …", lambda: source.teardown(self.name.value, changed, gone)
        )
        self.close = ipywidgets.Button(description="Close")
        self.close.on_click(lambda _: self.shut())
        self._beside = ipywidgets.VBox()
        buttons = [self.panel.widget, self.teardown.widget, self.close]
        wrap = ipywidgets.Layout(flex_flow="row wrap")
        self.widget = ipywidgets.VBox(
            [
                ipywidgets.HBox([self.name.widget, *buttons], layout=wrap),
                self.said.widget,
                self._beside,
            ]
        )
        self._show(None)

    @property
    def opened(self) -> Opened | None:
        """What is open: a panel, a `Removal`, or nothing."""
        return self._open

    def offer(self, names: Sequence[str], left: Iterable[str]) -> None:
        """Let the user choose out of `names`, and of clusters of which something is `left`."""
        gone = sorted(set(left) - set(names))
        options = [_NONE, *((name, name) for name in dict.fromkeys(names))]
        options += [(f"{name} (what it left)", name) for name in gone]
        if list(self.name.control.options) == options:
            return
        kept = self.name.value
        self.name.control.options = options
        self.name.control.value = kept if kept in {name for _, name in options} else ""

    def shut(self) -> None:
        """Show nothing of any cluster."""
        self._show(None)

    def html(self) -> str:
        """Return what is open, and what was proved here before, as HTML."""
        now = [self._open.html()] if self._open else []
        return "".join([*(proof for proof, _ in self._proofs), *now])

    def text(self) -> str:
        """Return the same as lines of text."""
        now = [self._open.text()] if self._open else []
        return "\n".join([*(proof for _, proof in self._proofs), *now])

    def _action(self, text: str, make: Callable[[], Opened]) -> Action[Opened]:
        return Action(
            text, make, worker=self.worker, said=self.said, done=self._show, doing="Opening it …"
        )

    def _allow(self) -> None:
        self.panel.enabled = self.teardown.enabled = bool(self.name.value)

    def _show(self, opened: Opened | None) -> None:
        before, self._open = self._open, opened
        if isinstance(before, Removal) and before.proved:
            self._proofs.append((before.html(), before.text()))
        self._beside.children = [opened.widget] if opened else []
        self.close.layout.display = None if opened else "none"
        self._allow()
        if before is not None:
            before.close()
            self._changed()

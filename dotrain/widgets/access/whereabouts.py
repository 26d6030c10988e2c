"""Where this machine is, looked up again and again while somebody looks at the tab."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from dotrain import config, markup
from dotrain.address import Address
from dotrain.errors import DotrainError
from dotrain.snapshot import Snapshot
from dotrain.sources import ME
from dotrain.widgets.access import entering
from dotrain.widgets.kit import html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.live import Poller, Views

MINUTE = 60.0


class Whereabouts:
    """The address of this machine, and a button that lets it in when that is not the known one.

    Parameters
    ----------
    name : str
        The cluster's name.
    find : callable
        Returns the address; asked in a thread of its own.
    allow_me : Action
        The button.
    told : callable
        Called with each address found.
    every : float
        Seconds between two lookups.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], Address],
        allow_me: Action[str],
        told: Callable[[Address], None],
        *,
        every: float = MINUTE,
    ) -> None:
        self.found: Address | None = None
        self.allow_me = allow_me
        self.notice = ipywidgets.HTML()
        self._find = find
        self._told = told
        self._error = ""
        self._snapshot: Snapshot | None = None
        self._opened = False
        self._poller = Poller(self.look, every=every, name=f"address for {name}")
        self.widget = ipywidgets.VBox([self.notice, allow_me.widget])
        self._views = Views(self.widget, self._poller.now)
        self._poller.subscribe(self.take, viewed=lambda: self._opened and self._views())
        self._draw()

    def opened(self) -> None:
        """Begin to look the address up; it goes on while the tab is in a page."""
        self._opened = True
        self._poller.now()

    def stop(self) -> None:
        """Look it up no more."""
        self._poller.stop()

    def look(self) -> Address | str:
        """Return this machine's address, or in words why it is not known."""
        try:
            return self._find()
        except DotrainError as error:
            return str(error)

    def show(self, snapshot: Snapshot) -> None:
        """Compare the address with what the rules let in."""
        self._snapshot = snapshot
        self._draw()

    def take(self, seen: Address | str) -> None:
        """Show what `look` returned."""
        self._error = seen if isinstance(seen, str) else ""
        if isinstance(seen, Address):
            self.found = seen
            self._told(seen)
        self._draw()

    def _draw(self) -> None:
        said, kind = self._said()
        moved = kind == "warn"
        value = markup.block(html.notice(said, kind)) if said else ""
        if value != self.notice.value:
            self.notice.value = value
        self.allow_me.widget.layout.display = None if moved else "none"
        self.allow_me.enabled = moved

    def _said(self) -> tuple[str, str]:
        """Return what there is to say, and ``"warn"`` when this machine is not let in as it is."""
        look, found = self._snapshot, self.found
        if found is None:
            return self._error, "info"
        if look is None or look.cluster is None or look.spec is None or look.resolved is None:
            return "", "info"
        here = entering.plain(found.cidrs)
        note = f" {found.note}" if found.note else ""
        if look.moved(found):
            known = entering.plain(look.resolved.me.get(config.identity(), ()))
            known = known or "no address of yours"
            return f"Your address is now {here}; the rules let {known} in.{note}", "warn"
        granted = any(one.source == ME for one in look.spec.without_expired(look.at).allow)
        lacking = any(one.drift == "missing" and one.rule.peer in found.cidrs for one in look.rules)
        if granted and lacking:
            # What is said of rules that differ offers to mend it.
            return (
                f"Your address is {here}, and not all rules that let it in are there.{note}",
                "info",
            )
        rules = look.observed.rules() if look.observed else ()
        if not granted and not entering.covers(rules, found.cidrs):
            return f"Nothing lets this machine in. Its address is {here}.{note}", "warn"
        return f"This machine is let in as {here}.{note}", "info"

"""The fields that let somebody in: who, to what, what for, for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from dotrain import config, markup
from dotrain.grants import DEFAULT, NODES
from dotrain.sources import ME
from dotrain.spec import ClusterSpec, Resolved
from dotrain.widgets.access import admitting
from dotrain.widgets.access.admitting import Entry
from dotrain.widgets.kit import html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.parts import Folded

_WIDE = "40em"


class Adding:
    """The fields, what is wrong with them, what they open, and the button.

    Parameters
    ----------
    name : str
        The cluster's name.
    act : callable
        Makes an action of a description, a style, a call and where to say what comes of it.
    allow : callable
        Takes what the fields say.
    about_to : callable
        Takes the call that is being filled in, as code.
    """

    def __init__(
        self,
        name: str,
        act: Callable[..., Action[str]],
        allow: Callable[[Entry], str],
        about_to: Callable[[str], None],
    ) -> None:
        self._name = name
        self._about_to = about_to
        self._spec: ClusterSpec | None = None
        self._resolved: Resolved | None = None
        self._taken = Entry("")
        wide = ipywidgets.Layout(width=_WIDE)
        self.source = ipywidgets.Combobox(
            options=[ME, NODES], continuous_update=True, placeholder="203.0.113.0/24", layout=wide
        )
        self.to = ipywidgets.SelectMultiple(
            options=admitting.choices(), value=DEFAULT, rows=9, layout=wide
        )
        self.ports = ipywidgets.Text(continuous_update=True, placeholder="tcp 8000-9000, udp 53")
        self.label = ipywidgets.Text(continuous_update=True, placeholder="office")
        self.expires = ipywidgets.Text(continuous_update=True, placeholder="8h")
        for control in (self.ports, self.label, self.expires):
            control.layout.width = _WIDE
        self._fields = {
            "source": Field(
                "Who", self.source, hint="me, an IP address, a CIDR, or nodes for each other"
            ),
            "to": Field("May reach", self.to, hint="Ctrl or Shift selects several"),
            "ports": Field("Other ports", self.ports),
            "label": Field("What for", self.label, hint="A label, by which it can be revoked"),
            "expires": Field("Ends", self.expires, hint=admitting.UNTIL),
        }
        for field in self._fields.values():
            field.control.observe(self._typed, names="value")
        self.opens = ipywidgets.HTML()
        self.said = Message()
        self.add = act("Allow", "primary", lambda: allow(self._taken), self.said)
        fields = [field.widget for field in self._fields.values()]
        self.folded = Folded(
            "Let somebody in", [*fields, self.opens, self.add.widget], verbs=("", "")
        )
        # What was done is read where the fields are folded again, too.
        self.widget = ipywidgets.VBox([self.folded.widget, self.said.widget])
        self._draw()

    def show(self, spec: ClusterSpec | None, resolved: Resolved | None) -> None:
        """Judge what the fields say by what the cluster is now; they stay as they are."""
        if (spec, resolved) != (self._spec, self._resolved):
            self._spec, self._resolved = spec, resolved
            self._draw()

    def found(self, cidrs: Sequence[str]) -> None:
        """Offer this machine's address, too."""
        options = (ME, NODES, *cidrs)
        if options != self.source.options:
            self.source.options = options

    def error(self, name: str) -> str:
        """Return what is wrong with a field; empty when nothing is."""
        return self._fields[name].error

    def entry(self) -> Entry:
        """Return what the fields say."""
        # In the order in which services are listed, whatever that of the clicks.
        return Entry(
            self.source.value,
            tuple(self.to.value),
            self.ports.value,
            self.label.value,
            self.expires.value,
        )

    def take(self) -> None:
        """Note what the fields say, for what is begun now."""
        self._taken = self.entry()

    def clear(self) -> None:
        """Empty the fields, after somebody was let in; what was typed meanwhile stays."""
        if self.entry() != self._taken:
            return
        self.source.value = self.ports.value = self.label.value = self.expires.value = ""
        self.to.value = DEFAULT

    def _typed(self, _change: Any) -> None:
        self._draw()
        if self.add.enabled:
            entry = self.entry()
            self._about_to(admitting.source(self._name, admitting.arguments(entry)))

    def _draw(self) -> None:
        entry, spec = self.entry(), self._spec
        if spec is None:
            self.add.enabled = False
            return
        now = dt.datetime.now(dt.timezone.utc)
        me = self._resolved.me if self._resolved else {}
        others = me.keys() - {config.identity()}
        problems = admitting.problems(entry, spec, now, others=others)
        for name, field in self._fields.items():
            field.error = problems.get(name, "")
        ready = bool(entry.source.strip()) and not problems
        self.add.enabled = ready
        self.opens.value = self._said(entry, spec, now) if ready else ""

    def _said(self, entry: Entry, spec: ClusterSpec, now: dt.datetime) -> str:
        grant = admitting.grant(entry, now)
        sentences = admitting.opens(grant, spec, self._resolved or Resolved(""), now)
        if grant in spec.allow:
            sentences = ["This is granted already.", *sentences]
        return markup.block(html.notice("\n".join(sentences)))

"""The grants of a cluster as a list: a row for each, with what can be done about it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets

from dotrain import durations, markup
from dotrain.errors import DotrainError, SpecError
from dotrain.grants import Grant
from dotrain.spec import Resolved
from dotrain.widgets.access import admitting, entering, ruled
from dotrain.widgets.kit import closing, html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.fields import Field

# One grid for the heads and for all rows: what is in a row stands below its head.
_WIDTHS = "13em 7em 10em 9em"
_GRID = f"display:grid;grid-template-columns:{_WIDTHS};gap:0 12px;overflow-wrap:anywhere"

# Seconds in which a row that has come to where another was is not what somebody
# meant to click.
_GRACE = 0.7


class Row:
    """One grant: who, to what, until when, and what can be done about it.

    Its buttons mean this grant and no other for as long as there is the row.

    Parameters
    ----------
    grant : Grant
        The grant.
    name : str
        The cluster's name.
    act : callable
        Makes an action of a description, a style and a call.
    revoke, lasts : callable
        Take the grant; `lasts` also its new end.
    about_to : callable
        Takes the call that is being filled in, as code.
    """

    def __init__(
        self,
        grant: Grant,
        name: str,
        act: Callable[..., Action[str]],
        revoke: Callable[[Grant], str],
        lasts: Callable[[Grant, str], str],
        *,
        about_to: Callable[[str], None],
    ) -> None:
        self.grant = grant
        self._name = name
        self._about_to = about_to
        self.about = ipywidgets.HTML()
        self.placed = float("-inf")
        self.revoke = act("Revoke", "", lambda: revoke(self._meant()))
        self.change = ipywidgets.ToggleButton(description="Change end")
        self.expires = ipywidgets.Text(continuous_update=True, placeholder="8h")
        self._field = Field("Ends", self.expires, hint=admitting.UNTIL)
        self.set_end = act("Set the end", "", lambda: lasts(grant, self.expires.value.strip()))
        for button in (self.revoke.widget, self.change, self.set_end.widget):
            # Its own layout is changed: another in its place would leave that one behind.
            button.layout.width = button.layout.height = "auto"
            button.layout.align_self = "flex-start"
            button.add_class("dotrain-named")
        self._changing = ipywidgets.VBox([self._field.widget, self.set_end.widget])
        self.expires.observe(self._typed, names="value")
        self.change.observe(self._toggled, names="value")
        line = ipywidgets.HBox(
            [self.about, self.revoke.widget, self.change],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        self.widget = ipywidgets.VBox([line, self._changing])
        self._toggled()
        self._judge()

    def show(self, title: str, resolved: Resolved | None, now: dt.datetime) -> None:
        """Say what is granted, as of now.

        Parameters
        ----------
        title : str
            Which grant it is, in short.
        resolved : Resolved or None
            What ``"me"`` stands for.
        now : datetime.datetime
            The present.
        """
        grant = self.grant
        means = "; ".join(f"{one}: {admitting.meaning(one)}" for one in grant.to)
        cells = (
            html.text(entering.who(grant, resolved)),
            html.text(grant.label),
            f'<span title="{html.text(means)}">{html.text(", ".join(grant.to))}</span>',
            html.text(entering.ends(grant.expires, now)),
        )
        value = _grid(cells)
        if self.about.value != value:
            self.about.value = value
        # In short on the button; in full for whoever hears it, or points at it.
        self.revoke.widget.tooltip = f"Revoke {title}"
        self.change.tooltip = f"Change end of {title}"
        self.set_end.widget.tooltip = f"Set the end of {title}"

    def close(self) -> None:
        """Let go of it: there is no such grant any more."""
        self.revoke.close()
        self.set_end.close()
        closing.close(self.widget)

    @property
    def error(self) -> str:
        """What is wrong with the new end; empty when nothing is."""
        return self._field.error

    def _meant(self) -> Grant:
        """Return the grant, unless a click may have been meant for one that was here before."""
        if time.monotonic() - self.placed < _GRACE:
            raise DotrainError(
                "Nothing was changed.",
                f"The list had just changed: {entering.title(self.grant)} has come to here.",
                "Click again if it is meant.",
            )
        return self.grant

    def _toggled(self, _change: Any = None) -> None:
        self._changing.layout.display = None if self.change.value else "none"

    def _typed(self, _change: Any) -> None:
        self._judge()
        if self.set_end.enabled:
            given = admitting.lasting(self.grant, self.expires.value.strip())
            self._about_to(admitting.source(self._name, given))

    def _judge(self) -> None:
        typed = self.expires.value.strip()
        self._field.error = _wrong(typed)
        # Without an end, an empty field asks for nothing.
        self.set_end.enabled = not self._field.error and bool(typed or self.grant.expires)


class Rows:
    """A row for each grant; one that is still there stays the same row.

    Parameters
    ----------
    make : callable
        Makes the row of a grant.
    """

    def __init__(self, make: Callable[[Grant], Row]) -> None:
        self._make = make
        self.by_grant: dict[Grant, Row] = {}
        self._heads = ipywidgets.HTML(_grid(f"<b>{html.text(one)}</b>" for one in ruled.GRANTS))
        self.widget = ipywidgets.VBox([self._heads])

    def show(self, allowed: Iterable[Grant], resolved: Resolved | None, now: dt.datetime) -> None:
        """Show these grants and no others.

        Parameters
        ----------
        allowed : iterable of Grant
            What is granted.
        resolved : Resolved or None
            What ``"me"`` stands for.
        now : datetime.datetime
            The present.
        """
        allowed = list(allowed)
        before = self.by_grant
        self.by_grant = {one: before.get(one) or self._make(one) for one in allowed}
        for title, row in zip(entering.titles(allowed), self.by_grant.values(), strict=True):
            row.show(title, resolved, now)
        for old, new in zip(before.values(), self.by_grant.values(), strict=False):
            if old is not new:
                new.placed = time.monotonic()
        children = (self._heads, *(row.widget for row in self.by_grant.values()))
        if children != self.widget.children:
            self.widget.children = children
        for grant in before.keys() - self.by_grant.keys():
            before[grant].close()


def _grid(cells: Iterable[str]) -> str:
    return markup.block(
        f'<div style="{_GRID}">{"".join(f"<div>{one}</div>" for one in cells)}</div>'
    )


def _wrong(typed: str) -> str:
    try:
        durations.ends(typed, dt.datetime.now(dt.timezone.utc))
    except SpecError as error:
        return str(error)
    return ""

"""Parts of which forms are made: groups with headings, what is folded, rows that come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import ipywidgets

from dotrain import markup
from dotrain.widgets.kit import closing, html
from dotrain.widgets.kit.fields import Field

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
# Wide enough for a sentence beside a box to tick, and for a label and four digits.
_SENTENCE = "46em"
_NUMBER = "20em"


def heading(words: str) -> ipywidgets.HTML:
    """Return a heading, which a screen reader jumps to."""
    return ipywidgets.HTML(markup.block(f"<h4>{html.text(words)}</h4>"))


def group(title: str, children: Iterable[ipywidgets.Widget]) -> ipywidgets.VBox:
    """Return `children` below each other, under a heading."""
    return ipywidgets.VBox([heading(title), *children])


def beside(children: Iterable[ipywidgets.Widget]) -> ipywidgets.HBox:
    """Return `children` beside each other, and below each other where the page is narrow."""
    layout = ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start")
    return ipywidgets.HBox(list(children), layout=layout)


def text(placeholder: str = "", *, width: str | None = None) -> ipywidgets.Text:
    """Return a line to type in; each key counts."""
    return ipywidgets.Text(placeholder=placeholder, layout=ipywidgets.Layout(width=width))


def hint(words: str) -> ipywidgets.HTML:
    """Return a sentence about the fields beside it."""
    return ipywidgets.HTML(markup.block(f'<div class="dotrain-hint">{html.text(words)}</div>'))


def number() -> ipywidgets.IntText:
    """Return a whole number to type; each key counts."""
    return ipywidgets.IntText(continuous_update=True, layout=ipywidgets.Layout(width=_NUMBER))


def checkbox() -> ipywidgets.Checkbox:
    """Return something to tick, in line with the other fields."""
    return ipywidgets.Checkbox(indent=False, layout=ipywidgets.Layout(width=_SENTENCE))


def dropdown() -> ipywidgets.Dropdown:
    """Return a list to choose one of."""
    return ipywidgets.Dropdown()


def _left() -> ipywidgets.Layout:
    """Return the place of a button that is as wide as its words."""
    return ipywidgets.Layout(width="auto", align_self="flex-start")


def offer(control: ipywidgets.Dropdown, options: Sequence[tuple[str, Any]], value: Any) -> None:
    """Have `control` offer `options` with `value` chosen, which is offered whatever it is."""
    wanted = tuple(options)
    if value not in [one for _, one in wanted]:
        wanted = ((str(value), value), *wanted)
    if control.options != wanted:
        with control.hold_sync():
            control.options = wanted
            control.value = value
    elif control.value != value:
        control.value = value


class Folded:
    """What few need, behind a button that shows it.

    Parameters
    ----------
    title : str
        What it is.
    children : iterable of Widget
        It.
    verbs : tuple of str
        What stands before the title while it is folded, and while it is not.
    """

    def __init__(
        self,
        title: str,
        children: Iterable[ipywidgets.Widget],
        *,
        verbs: tuple[str, str] = ("Show", "Hide"),
    ) -> None:
        self._title = title
        self._verbs = verbs
        self.button = ipywidgets.ToggleButton(layout=_left())
        self._box = ipywidgets.VBox(list(children))
        self.widget = ipywidgets.VBox([self.button, self._box])
        self.button.observe(lambda _: self._draw(), "value")
        self._draw()

    @property
    def opened(self) -> bool:
        """Whether it is shown."""
        return bool(self.button.value)

    @opened.setter
    def opened(self, value: bool) -> None:
        self.button.value = value

    def _draw(self) -> None:
        self.button.description = f"{self._verbs[self.opened]} {self._title}".lstrip()
        self.button.icon = "caret-down" if self.opened else "caret-right"
        self._box.layout.display = None if self.opened else "none"


class Row(Protocol[R_co]):
    """The fields of one of several."""

    fields: dict[str, Field]
    widget: ipywidgets.Widget
    folded: Folded | None

    @property
    def value(self) -> R_co:
        """What stands in them."""


class Rows(Generic[R]):
    """Several of something: each with its fields, one more by a button, less by another.

    Parameters
    ----------
    kind : str
        What one is called, such as ``"pool"``.
    make : callable
        Returns the fields of one, from its value and what to call when something is typed.
    fill : callable
        Fills a value into the fields of one.
    fresh : callable
        Returns the value of one more, from those that there are.
    changed : callable
        What to call when something was typed, added or removed.
    """

    def __init__(
        self,
        kind: str,
        *,
        make: Callable[[R, Callable[[], None]], Any],
        fill: Callable[[Any, R], None],
        fresh: Callable[[tuple[R, ...]], R],
        changed: Callable[[], None],
    ) -> None:
        self._kind = kind
        self._make = make
        self._fill = fill
        self._fresh = fresh
        self._changed = changed
        self.rows: list[Any] = []
        self._boxes: list[ipywidgets.VBox] = []
        self._add = ipywidgets.Button(description=f"Add a {kind}", icon="plus", layout=_left())
        self._add.on_click(lambda _: self.add())
        self._list = ipywidgets.VBox()
        self.widget = ipywidgets.VBox([self._list, self._add])

    @property
    def value(self) -> tuple[R, ...]:
        """What stands in all of them."""
        return tuple(row.value for row in self.rows)

    def fill(self, values: Sequence[R]) -> None:
        """Show `values`, with the fields that there are where possible."""
        for row, value in zip(self.rows, values, strict=False):
            if row.value != value:
                self._fill(row, value)
        for value in values[len(self.rows) :]:
            self._append(value)
        gone = self._boxes[len(values) :]
        if gone:
            del self.rows[len(values) :], self._boxes[len(values) :]
        if self._list.children != tuple(self._boxes):
            self._list.children = self._boxes
        closing.close(*gone)

    def add(self) -> None:
        """Add one more, and go to its first field."""
        self._append(self._fresh(self.value))
        self._list.children = self._boxes
        self._changed()
        next(iter(self.rows[-1].fields.values())).control.focus()

    def remove(self, row: Any) -> None:
        """Take one away."""
        place = self.rows.index(row)
        gone = self._boxes[place]
        del self.rows[place], self._boxes[place]
        self._list.children = self._boxes
        closing.close(gone)
        self._changed()
        self._add.focus()

    def _append(self, value: R) -> None:
        row = self._make(value, self._changed)
        away = ipywidgets.Button(
            description=f"Remove this {self._kind}", icon="trash", layout=_left()
        )
        away.on_click(lambda _: self.remove(row))
        box = ipywidgets.VBox([row.widget, away])
        box.add_class("dotrain-row")
        self.rows.append(row)
        self._boxes.append(box)

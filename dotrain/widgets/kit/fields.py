"""A control with its label, a hint, and what is wrong with its value, beside it."""

from __future__ import annotations

from typing import Any

import ipywidgets

from dotrain import markup
from dotrain.widgets.kit import html, style
from dotrain.widgets.kit.message import Message

# Of a control with its label; ipywidgets' own is too narrow for a slider with both.
_WIDTH = "36em"


class Field:
    """One line of a form.

    Parameters
    ----------
    label : str
        What is asked for.
    control : ipywidgets.Widget
        Where it is answered. One that has a description gets `label` as its
        own, which is what a screen reader reads with it; of others it is the heading.
    hint : str
        A sentence on what to answer, which is always seen.
    """

    def __init__(self, label: str, control: ipywidgets.Widget, *, hint: str = "") -> None:
        self.label = label
        self.control = control
        self._said = Message()
        children = [control]
        beside = control.has_trait("description")
        if beside:
            control.description = label
            control.style.description_width = style.LABEL_WIDTH
            control.layout.width = control.layout.width or _WIDTH
            control.layout.max_width = "100%"
            self._said.widget.add_class("dotrain-beside")
        else:
            children.insert(0, ipywidgets.HTML(markup.block(f"<b>{html.text(label)}</b>")))
        if hint:
            about = ipywidgets.HTML(
                markup.block(f'<div class="dotrain-hint">{html.text(hint)}</div>')
            )
            if beside:
                about.add_class("dotrain-beside")
            children.append(about)
        if control.has_trait("tooltip") and control.tooltip is None:
            control.tooltip = ""  # a slider would show None as "null"
        self.widget = ipywidgets.VBox([*children, self._said.widget])
        self.widget.add_class("dotrain-field")

    @property
    def value(self) -> Any:
        """What is answered."""
        return self.control.value

    @property
    def error(self) -> str:
        """What is wrong with it, in a sentence; empty when nothing is."""
        return self._said.text

    @error.setter
    def error(self, sentence: str) -> None:
        if sentence == self._said.text:
            return  # read out once, not at each key
        self._said.show(sentence, "bad")

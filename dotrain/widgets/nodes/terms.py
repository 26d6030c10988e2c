"""On which terms nodes go, as fields: whether they are drained, and how long that may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from dotrain.widgets.kit import style
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.nodes.resizing import TIMEOUT

_HINT = (
    "A drain evicts what runs on nodes whose pool goes, as its PodDisruptionBudgets allow. A job "
    "starts an evicted rank again; without a drain what runs there is killed. A lower count drains "
    "nothing."
)


class Terms:
    """The fields; `changed` is called when one of them is.

    Parameters
    ----------
    changed : callable
        Takes the change.
    """

    def __init__(self, changed: Callable[[Any], None]) -> None:
        self.drain = ipywidgets.Checkbox(
            value=True, description="Drain nodes before they go", indent=False
        )
        self.drain.tooltip = _HINT
        self.timeout = ipywidgets.Text(value=TIMEOUT, continuous_update=True)
        self._field = Field("Drain timeout", self.timeout, hint=_HINT)
        self.timeout.layout.width = f"calc({style.LABEL_WIDTH} + 8em)"
        for control in (self.drain, self.timeout):
            control.observe(changed, names="value")
        self.widget = ipywidgets.VBox([self.drain, self._field.widget])

    @property
    def error(self) -> str:
        """What is wrong with the timeout; empty when nothing is."""
        return self._field.error

    @error.setter
    def error(self, sentence: str) -> None:
        self._field.error = sentence

    def enable(self, on: bool) -> None:
        """Let the fields be changed, or not."""
        self.drain.disabled = not on
        self.timeout.disabled = not (on and self.drain.value)

    def given(self) -> dict[str, Any]:
        """Return the arguments of a call, where they are not as usual."""
        if not self.drain.value:
            return {"drain": False}
        timeout = self.timeout.value.strip()
        return {} if timeout == TIMEOUT else {"drain_timeout": timeout}

"""To do all the same what would lock this machine out: a second decision, ticked and clicked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from dotrain.widgets.kit.action import Action


class Forcing:
    """What was refused because this machine may lose its access by it, offered once more.

    Parameters
    ----------
    act : callable
        Makes an action of a description, a style and a call.
    """

    def __init__(self, act: Callable[..., Action[str]]) -> None:
        self._again: Callable[[], object] | None = None
        self.agreed = ipywidgets.Checkbox(
            description="This machine may lose its access by it", indent=False
        )
        self.agreed.layout.width = "auto"
        self.forced = act("Do it all the same", "danger", self._force)
        self.agreed.observe(self._agree, names="value")
        self.widget = ipywidgets.VBox([self.agreed, self.forced.widget])
        self.withdraw()

    def offer(self, again: Callable[[], object] | None) -> None:
        """Offer to do it, once somebody says that it may cost the access."""
        self._again = again
        self.agreed.value = self.forced.enabled = False
        self.widget.layout.display = None if again else "none"

    def withdraw(self) -> None:
        """Offer nothing: something else is being done."""
        self.widget.layout.display = "none"

    def _agree(self, change: dict[str, Any]) -> None:
        self.forced.enabled = change["new"]

    def _force(self) -> str:
        again, self._again = self._again, None
        if again is None or not self.agreed.value:
            return "Nothing was done."
        again()
        return "Done, although this machine may have lost its access."

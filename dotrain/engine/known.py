"""A stack of the Automation API that asks nothing twice."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pulumi import automation

if TYPE_CHECKING:
    from pulumi.automation import OutputMap, UpdateSummary


class KnownStack(automation.Stack):
    """A stack known to exist, so that nothing is asked twice.

    The stock class selects the stack before an operation and reads its outputs
    and its history after it: three more CLI processes, for what dotrain reads
    from the state. (0.45 s instead of 1.21 s for an `up` that changes nothing.)
    """

    def __init__(self, name: str, workspace: automation.LocalWorkspace) -> None:
        self.name = name
        self.workspace = workspace

    def __repr__(self) -> str:
        # The stock one prints the environment.
        return f"KnownStack({self.name!r})"

    def outputs(self) -> OutputMap:
        """Return none: they are read from the state."""
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: ARG002 - the stock signature
        """Return what the stock class wants to know after an operation."""
        return automation.UpdateSummary(
            kind="update",
            start_time=datetime.now(timezone.utc),
            message="",
            environment={},
            config={},
            result="succeeded",
        )

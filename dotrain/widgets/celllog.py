"""What makes the logs of operations that run in a cell; it imports widgets when they are shown."""

from __future__ import annotations

from dotrain.display import LiveLog
from dotrain.widgets.kit import attach


def make() -> LiveLog | None:
    """Return a log that can be opened while it grows; None where there are no widgets."""
    if not attach.available():
        return None
    from dotrain.widgets.progress import LogView

    return LogView()

"""Let go of widgets: what is only dropped stays in the kernel, and in the page, for good."""

from __future__ import annotations

from typing import Any


def close(*widgets: Any) -> None:
    """Close widgets and all that is in them; what is set on them afterwards is seen by nobody."""
    for one in widgets:
        close(*getattr(one, "children", ()))
        for part in ("layout", "style"):
            if one.has_trait(part) and getattr(one, part) is not None:
                getattr(one, part).close()
        one.close()

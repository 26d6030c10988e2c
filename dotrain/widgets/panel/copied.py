"""What stays of a panel in a notebook, and what is there of it without widgets: HTML and text.

Nothing in here needs ipywidgets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dotrain.widgets.kit import html
from dotrain.widgets.panel import overview

if TYPE_CHECKING:
    from dotrain.address import Address
    from dotrain.snapshot import Snapshot


def page(
    seen: Snapshot, status: str, others: Iterable[tuple[str, str]], found: Address | None = None
) -> str:
    """Return all of it as HTML.

    Parameters
    ----------
    seen : Snapshot
        The look that it is of.
    status : str
        How the cluster is, as HTML.
    others : iterable of tuple of str
        What else there is: the title of each, and it as HTML; empty ones are left out.
    found : Address, optional
        This machine's address, where that is known.
    """
    parts = [overview.head(seen, found), f"<div>{html.text(_as_of(seen))}</div>"]
    if trouble(seen):
        parts.append(html.notice(trouble(seen), "bad"))
    parts.append(status)
    # Closed at first, so that a cell is no longer than what one looks for.
    parts += [
        f"<details><summary>{html.text(title)}</summary>{said}</details>"
        for title, said in others
        if said
    ]
    return html.Fragment("".join(parts))


def lines(seen: Snapshot, said: Iterable[str]) -> str:
    """Return all of it as lines of text; `said` is what there is of each part."""
    return "\n".join(filter(None, [*said, trouble(seen), _as_of(seen)]))


def trouble(seen: Snapshot) -> str:
    """Return why it cannot be seen how the cluster is, in full; empty where it can."""
    error = seen.error
    if error is None or seen.gone:
        return ""
    stale = f"\nWhat is shown was seen at {seen.at:%H:%M:%S} UTC." if seen.observed else ""
    return f"{error}{stale}"


def unseen(name: str) -> str:
    """Return what there is to say before the first look."""
    return f"{name} was not looked at yet."


def _as_of(seen: Snapshot) -> str:
    return f"As of {seen.at:%Y-%m-%d %H:%M} UTC"

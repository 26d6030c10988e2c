"""What each tab of a panel says of a look, where nobody has turned to it, or nobody can.

Nothing in here needs ipywidgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dotrain.widgets.access import entering, ruled
from dotrain.widgets.ending import ended
from dotrain.widgets.kit import html
from dotrain.widgets.nodes import pooled
from dotrain.widgets.panel import happened, overview

if TYPE_CHECKING:
    from dotrain.operation import Operation
    from dotrain.snapshot import Snapshot


class Words(NamedTuple):
    """What a tab says.

    Parameters
    ----------
    html, text : callable
        Take a look at the cluster, and return HTML, in which all text is
        escaped, or lines of text.
    """

    html: Callable[[Snapshot], str]
    text: Callable[[Snapshot], str]


def _access(seen: Snapshot) -> str:
    drift = entering.summary(seen.rules)
    return (html.notice(drift, "warn") if drift else "") + ruled.saved(seen)


def _access_text(seen: Snapshot) -> str:
    return "\n".join(filter(None, [entering.summary(seen.rules), *ruled.lines(seen)]))


def of_tabs(history: Callable[[], Sequence[Operation]]) -> dict[str, Words]:
    """Return what each tab says, by its title, in the order of the tabs.

    Parameters
    ----------
    history : callable
        Returns the last operations, newest first.
    """
    return {
        "Status": Words(overview.body, lambda seen: "\n".join(overview.lines(seen))),
        "Nodes": Words(pooled.table, pooled.text),
        "Access": Words(_access, _access_text),
        "Activity": Words(
            lambda seen: happened.saved(seen.operation, happened.past(history())),
            lambda seen: happened.text(seen.operation),
        ),
        "Teardown": Words(
            lambda seen: ended.saved(ended.of(seen)), lambda seen: ended.text(ended.of(seen))
        ),
    }

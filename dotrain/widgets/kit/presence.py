"""Whether anybody is there: what a page sends, and each cell that runs, is a sign of it.

A page that is closed or loaded again takes its views with it and does not say
so. Whoever looks again and again for the sake of views cannot rely on them
alone, or it would go on for as long as the kernel does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

AWAY = 600.0
"""Seconds without a sign after which nobody is taken to be there."""


class _Signs:
    """When the last one was, and who wants to know of the next after a long time without."""

    at = time.monotonic()
    returned: list[Callable[[], None]] = []  # noqa: RUF012 - one for all of the kernel
    shell: Any = None


def away() -> bool:
    """Return whether there has been no sign of anybody for long."""
    return time.monotonic() - _Signs.at >= AWAY


def sign(*_: object) -> None:
    """Take note that somebody is there."""
    was_away = away()
    _Signs.at = time.monotonic()
    if was_away:
        for callback in tuple(_Signs.returned):
            callback()


def on_return(callback: Callable[[], None]) -> None:
    """Have `callback` called when there is a sign of somebody after a long time without."""
    _Signs.returned.append(callback)


def watch() -> None:
    """Begin to look for signs, in a notebook: what is shown there now is one."""
    sign()
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and shell is not _Signs.shell:
        _Signs.shell = shell
        # Told before a cell runs, and before a message of a widget is handled.
        shell.events.register("pre_execute", sign)

"""Calls that have to answer soon, or do without."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def within(seconds: float, call: Callable[[], _T], default: _T) -> _T:
    """Return what `call` returns, or `default` when it has not returned after so many seconds.

    What it raises is raised. One that takes longer goes on in a thread that
    keeps no process alive.
    """
    returned: list[_T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    return returned[0] if returned else default

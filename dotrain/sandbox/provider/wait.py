"""Waiting until something is so."""

from __future__ import annotations

import time
from collections.abc import Callable

from dotrain.sandbox.provider.errors import WaitFailed

HALF_AN_HOUR = 1800.0


def until(ready: Callable[[], bool], *, every: float, limit: float, otherwise: str) -> None:
    """Ask at an interval, first after one of them, until it is so.

    The official provider counts polls and not seconds, which comes to the same; only for a database
    that answers 404 it waits without end, which is not imitated.

    Raises
    ------
    WaitFailed
        When the limit, in seconds, has passed.
    """
    deadline = time.monotonic() + limit
    while True:
        time.sleep(every)
        if ready():
            return
        if time.monotonic() >= deadline:
            raise WaitFailed(otherwise)

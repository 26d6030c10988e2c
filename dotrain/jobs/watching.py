"""Look at a job again and again until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dotrain.errors import AddressMoved, DotrainError, KubernetesUnreachable
from dotrain.jobs.status import JobStatus
from dotrain.kube import may_pass

# Seconds between two looks: soon at first, when a job starts or fails at once.
_FIRST, _LAST = 0.5, 3.0
# Seconds for which a control plane may be out of reach: DigitalOcean's are replaced
# under their clusters when they are upgraded.
PATIENCE = 300.0


class Look(NamedTuple):
    """How a job was at one moment, or why that is not known."""

    status: JobStatus | None
    trouble: DotrainError | None = None


def looks(
    read: Callable[[], JobStatus],
    bears: Callable[[DotrainError], bool],
    pause: Callable[[float], object],
) -> Iterator[Look]:
    """Yield how a job is, again and again, until it has ended.

    Parameters
    ----------
    read : callable
        Returns how it is.
    bears : callable
        Takes why that is not known; says whether to look again, or to raise it.
    pause : callable
        Waits for so many seconds, and returns true to end here.
    """
    seconds = _FIRST
    while True:
        try:
            look = Look(read())
        except DotrainError as error:
            if not bears(error):
                raise
            look = Look(None, error)
        yield look
        if (look.status is not None and look.status.ended) or pause(seconds):
            return
        seconds = min(_LAST, seconds * 1.5)


class Patience:
    """Bears trouble that may pass, for so long at a stretch.

    That this machine's address has moved does not pass by itself: it is borne
    by nobody.

    Parameters
    ----------
    seconds : float
        For how long.
    """

    def __init__(self, seconds: float = PATIENCE) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def bears(self, error: DotrainError) -> bool:
        """Say whether to try again after `error`."""
        if isinstance(error, AddressMoved):
            return False
        if not isinstance(error, KubernetesUnreachable) and not may_pass(error):
            return False
        if self._since is None:
            self._since = time.monotonic()
        return time.monotonic() - self._since < self._seconds

    def rest(self) -> None:
        """Take note that all is well."""
        self._since = None

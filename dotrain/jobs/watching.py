"""Look at a job again and again until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dotrain.errors import (
    AddressMoved,
    DotrainError,
    ImageNotPulled,
    KubernetesUnreachable,
    NotFinished,
)
from dotrain.jobs.status import JobStatus
from dotrain.kube import may_pass

# Seconds between two looks: soon at first, when a job starts or fails at once.
_FIRST, _LAST = 0.5, 3.0
# Seconds for which a control plane may be out of reach: DigitalOcean's are replaced
# under their clusters when they are upgraded.
PATIENCE = 300.0
# The kubelet has tried three times by then, after 10 and 20 seconds.
_PULLING = 60.0
# The same for a job that was never submitted as a whole: one that is just being
# submitted takes a second.
_SUBMITTING = 60.0


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


class Prospects:
    """Knows when to look at a job again is of no use.

    Parameters
    ----------
    name, cluster : str
        The job.
    """

    def __init__(self, name: str, cluster: str) -> None:
        self._name = name
        self._cluster = cluster
        self._since: dict[str, float] = {}

    def check(self, status: JobStatus) -> None:
        """Raise when a job, as it is now, does not get any further by itself.

        Raises
        ------
        ImageNotPulled
            When a node has tried for a minute to get its image, in vain.
        NotFinished
            When nobody goes on to submit it.
        """
        if self._lasts("image", bool(status.unpulled)) > _PULLING:
            raise ImageNotPulled(
                f"The job {self._name!r} on {self._cluster!r} does not start.",
                f"{status.reason}.",
                "Call its cancel(), since it goes on trying, and run it again with another image.",
                status=status,
            )
        if self._lasts("incomplete", status.phase == "incomplete") > _SUBMITTING:
            raise not_finished(self._name, self._cluster, status, f"{status.reason}.")

    def _lasts(self, what: str, true: bool) -> float:
        """Return for how many seconds something has been so."""
        if not true:
            self._since.pop(what, None)
            return 0.0
        now = time.monotonic()
        return now - self._since.setdefault(what, now)


def not_finished(name: str, cluster: str, status: JobStatus | None, why: str) -> NotFinished:
    """Return the error for a job that is waited for no longer, and goes on."""
    phase = status.phase if status else "as it was"
    return NotFinished(
        f"The job {name!r} on {cluster!r} has not ended: it is {phase}.",
        why,
        "It goes on without this cell: wait() waits again, cancel() ends it.",
        status=status,
    )

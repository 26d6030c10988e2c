"""How jobs end that do not succeed, and what stands in the way of waiting for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dotrain.errors.base import DotrainError


class JobError(DotrainError):
    """Something about one job.

    Attributes
    ----------
    status : JobStatus or None
        How the job was, where that is known.
    """

    def __init__(self, what: str, why: str = "", fix: str = "", *, status: Any = None) -> None:
        super().__init__(what, why, fix)
        self.status = status


class JobFailed(JobError):
    """A job failed, or was cancelled; caused by what its function raised, where it was one.

    Attributes
    ----------
    log : tuple of str
        The last lines of the log of the rank that failed first.
    traceback : str
        The traceback of its function, as Python wrote it there; empty without one.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        fix: str = "",
        *,
        status: Any = None,
        log: Sequence[str] = (),
        traceback: str = "",
    ) -> None:
        super().__init__(what, why, fix, status=status)
        self.log = tuple(log)
        self.traceback = traceback

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.log])

    def _render_traceback_(self) -> list[str]:
        # The frames here say nothing; those of the job say it all.
        return [*self.traceback.splitlines(), *super()._render_traceback_()]


class ImageNotPulled(JobError):
    """A job cannot start: a node cannot get its image."""


class NotFinished(JobError, TimeoutError):
    """A job goes on, and nobody waits for it any more."""


class JobNotFound(DotrainError):
    """There is no such job, or no more.

    Attributes
    ----------
    nearest : tuple of str
        The names that are nearest to the one given, best first.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, nearest: Sequence[str] = ()
    ) -> None:
        super().__init__(what, why, fix)
        self.nearest = tuple(nearest)

"""How a job is: what is shown of it, and what `reading` finds in Kubernetes' answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

ENDED = ("succeeded", "failed", "cancelled")
"""The phases after which nothing more happens."""


@dataclass(frozen=True)
class PodStatus:
    """How one rank of a job is.

    Parameters
    ----------
    rank : int
        Which node of the job it is, from 0.
    name : str
        Its Pod; empty while there is none.
    phase : str
        ``"waiting"`` for a node, ``"starting"`` on one, ``"running"``,
        ``"succeeded"``, ``"failed"``, ``"stopping"`` on its way out, or
        ``"stopped"`` when the job ended before it.
    node : str
        The node it is on; empty before.
    restarts : int
        How many Pods this rank had before, as far as Kubernetes remembers.
    reason : str
        Why it is not as it should be; empty when it is.
    started, finished : datetime.datetime or None
        When its program began and ended, in UTC.
    """

    rank: int
    name: str = ""
    phase: str = "waiting"
    node: str = ""
    restarts: int = 0
    reason: str = ""
    started: dt.datetime | None = None
    finished: dt.datetime | None = None


@dataclass(frozen=True)
class JobStatus:
    """How a job is.

    Parameters
    ----------
    phase : str
        ``"incomplete"`` (not submitted as a whole), ``"waiting"`` for nodes,
        ``"starting"``, ``"running"`` on all of them, ``"stopping"`` while its
        Pods have their grace, ``"succeeded"``, ``"failed"`` or ``"cancelled"``.
    reason : str
        Why it waits or has failed, in words; empty when there is nothing to say.
    pods : tuple of PodStatus
        Each rank, in order.
    started : datetime.datetime or None
        When Kubernetes took it up, in UTC.
    finished : datetime.datetime or None
        When it ended, in UTC.
    elapsed : datetime.timedelta or None
        From the one to the other, or until now.
    unpulled : str
        The image that a node cannot get; empty when there is none.
    begun : datetime.datetime or None
        When the first of its programs began, of the Pods that are still there.
    """

    phase: str
    reason: str = ""
    pods: tuple[PodStatus, ...] = ()
    started: dt.datetime | None = None
    finished: dt.datetime | None = None
    elapsed: dt.timedelta | None = None
    unpulled: str = ""
    begun: dt.datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens."""
        return self.phase in ENDED

    @property
    def restarts(self) -> int:
        """How often its ranks have been started again, taken together."""
        return sum(pod.restarts for pod in self.pods)

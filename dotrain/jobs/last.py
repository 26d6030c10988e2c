"""A job after which the cluster goes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dotrain import config, durations
from dotrain.errors import (
    ClusterNotFound,
    EngineError,
    JobFailed,
    JobNotFound,
    KubernetesUnreachable,
    NotFinished,
)
from dotrain.jobs import takedown
from dotrain.jobs.job import Job
from dotrain.jobs.records import Record
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus, PodStatus
from dotrain.jobs.takedown import Takedown
from dotrain.kube import Kube
from dotrain.target import Target

if TYPE_CHECKING:
    import datetime as dt

    from typing_extensions import Self


class LastJob(Job):
    """A job that was run with ``down_after=True``; the parameters are those of `Job`."""

    def __init__(self, record: Record, kube: Kube, target: Target) -> None:
        super().__init__(record, kube, target)
        self._asker = record.down_after
        # What follows it runs on the machine of whoever asked for it, and nowhere else;
        # that is here where its journal is, whatever this machine is called by now.
        self._takedown: Takedown | None = None
        self._deadline = float("inf")
        if self._asker == config.identity() or takedown.asked(self._kept):
            job = {
                "cluster": self.cluster,
                "cluster_id": str(kube.cluster["id"]),
                "namespace": self.namespace,
                "name": self.name,
                "uid": record.uid,
            }
            self._takedown = Takedown(target, job)

    @property
    def status(self) -> JobStatus:
        """How it is now; once it has ended, how it ended, also when the cluster is gone."""
        try:
            return super().status
        except (ClusterNotFound, JobNotFound, KubernetesUnreachable):
            said = self._takedown.status if self._takedown else None
            if said is None:
                raise
            self._seen = read(said)
            return self._seen

    def begin(self) -> None:
        """Begin what follows it, or take that up where its process was killed, or it failed.

        Raises
        ------
        EngineError
            When its process does not start.
        """
        if self._takedown is not None:
            self._takedown.begin()

    def wait(self, timeout: str | dt.timedelta | None = None) -> Self:
        """Wait until it has succeeded, what it left is kept, and the cluster is gone.

        When it fails, the cluster stays, and the error says what that costs.
        An interrupt ends the waiting, and nothing else. Where the process that
        takes the cluster down was killed, or failed, it is started again.

        Parameters
        ----------
        timeout : str or datetime.timedelta, optional
            How long, such as ``"30m"``; otherwise as long as it takes.

        Returns
        -------
        Job
            This one.

        Raises
        ------
        JobFailed
            As any other job's; and when another job, that ran when this one
            ended or was begun after it, did not succeed: the cluster stays.
        ImageNotPulled, NotFinished, JobNotFound, KubernetesError
            As any other job's.
        ConfigError
            When what it left cannot be kept: the cluster stays.
        TeardownIncomplete, ApiError, EngineError
            As `Cluster.down`.
        """
        if self._takedown is None:
            return super().wait(timeout)
        seconds = None if timeout is None else durations.parse(timeout).total_seconds()
        if seconds is not None:
            self._deadline = time.monotonic() + seconds
        self.begin()
        failed = None
        try:
            super().wait(timeout)
        except JobFailed as error:
            failed = error
        finally:
            left, self._deadline = self._deadline - time.monotonic(), float("inf")
        self._until_down(self._takedown, None if seconds is None else max(0.0, left))
        if failed is not None:
            failed.fix = f"{failed.fix} {self._takedown.result.get('said', '')}".strip()
            raise failed
        if self._takedown.stays:
            raise JobFailed(
                f"The job {self.name!r} has succeeded, and {self.cluster!r} stays.",
                str(self._takedown.result["said"]),
                f"dotrain.get({self.cluster!r}).jobs() lists its jobs.",
                status=self._seen,
            )
        return self

    def keep_cluster(self) -> None:
        """Let the cluster stay when this job has ended, whatever ``down_after`` said.

        The job goes on, and what is kept of it is kept when it is waited for.
        There is no way back: `Cluster.down` takes the cluster down.

        Raises
        ------
        ClusterNotFound
            When it is too late: the cluster is being taken down, or is gone.
        EngineError
            When what takes it down does not answer, or is on another machine.
        """
        if self._takedown is None:
            raise EngineError(
                f"What takes {self.cluster!r} down is not on this machine.",
                f"{self._asker} asked for it.",
                "Call keep_cluster() there, or cancel() the job: the cluster then stays.",
            )
        self._takedown.call_off()

    def delete(self) -> None:
        """Delete it as any other job; the cluster then stays."""
        super().delete()
        # What still runs sees by itself that the job is gone.
        if self._takedown is not None and self._takedown.error is not None:
            with suppress(ClusterNotFound):
                self._takedown.call_off()

    def _until_down(self, takedown: Takedown, seconds: float | None) -> None:
        why = f"It was waited for {seconds:g} s more." if seconds is not None else ""
        try:
            ended = takedown.follow(seconds)
        except KeyboardInterrupt:
            ended, why = False, "The waiting was interrupted."
        if not ended:
            raise NotFinished(
                f"The job {self.name!r} has ended, and {self.cluster!r} is not down yet.",
                why,
                "That goes on without this cell: wait() waits again.",
                status=self._seen,
            )
        if takedown.error is not None:
            raise takedown.error

    def _keep(self, status: JobStatus) -> None:
        # What follows it keeps it first of all, and this cell may come too late to.
        left = self._deadline - time.monotonic()
        if self._takedown is None or not self._takedown.wait_until_kept(left):
            super()._keep(status)

    def _picture_of(self, status: JobStatus | None, note: str = "") -> Picture:
        then = f"Then: {self._asker} takes {self.cluster!r} down."
        if self._takedown is not None:
            then = self._takedown.summary
        picture = super()._picture_of(status, f"{note} {then}".strip())
        return replace(picture, goes_on=self._takedown is not None and not self._takedown.over)


def written(status: JobStatus) -> dict[str, Any]:
    """Return how a job ended, as what follows it notes it."""
    return {
        "phase": status.phase,
        "reason": status.reason,
        "started": durations.stamp(status.started) if status.started else "",
        "finished": durations.stamp(status.finished) if status.finished else "",
        "pods": [[pod.rank, pod.name, pod.phase, pod.node, pod.restarts] for pod in status.pods],
    }


def read(said: Mapping[str, Any]) -> JobStatus:
    """Return the status that `written` noted."""
    started, finished = (
        durations.moment(said[key]) if said[key] else None for key in ("started", "finished")
    )
    elapsed = finished - started if started and finished else None
    pods = tuple(PodStatus(*pod) for pod in said["pods"])
    return JobStatus(said["phase"], said["reason"], pods, started, finished, elapsed)

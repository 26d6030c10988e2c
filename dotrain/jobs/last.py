"""A job after which the cluster goes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dotrain import config, durations
from dotrain.errors import (
    ClusterNotFound,
    JobFailed,
    JobNotFound,
    KubernetesUnreachable,
    NotFinished,
)
from dotrain.jobs.ending import Ending
from dotrain.jobs.job import Job
from dotrain.jobs.records import Record
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.target import Target

if TYPE_CHECKING:
    import datetime as dt

    from typing_extensions import Self


_LOOK_SECONDS = 0.05


class LastJob(Job):
    """A job that was run with ``down_after=True``; the parameters are those of `Job`."""

    def __init__(self, record: Record, kube: Kube, target: Target) -> None:
        super().__init__(record, kube, target)
        self._asker = record.down_after
        # What follows it runs on the machine of whoever asked for it, and nowhere else.
        self._ending: Ending | None = None
        if self._asker == config.identity():
            job = {
                "cluster": self.cluster,
                "cluster_id": str(kube.cluster["id"]),
                "namespace": self.namespace,
                "name": self.name,
                "uid": record.uid,
            }
            self._ending = Ending(target, job)

    @property
    def status(self) -> JobStatus:
        """How it is now; once it has ended, how it ended, also when the cluster is gone."""
        try:
            return super().status
        except (ClusterNotFound, JobNotFound, KubernetesUnreachable):
            said = self._ending.status if self._ending else None
            if said is None:
                raise
            self._seen = _read(said)
            return self._seen

    def begin(self) -> None:
        """Begin what follows it, or take that up where its process was killed, or it failed.

        Raises
        ------
        EngineError
            When its process does not start.
        """
        if self._ending is not None:
            self._ending.begin()

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
        JobFailed, ImageNotPulled, NotFinished, JobNotFound, KubernetesError
            As any other job's.
        ConfigError
            When what it left cannot be kept: the cluster stays.
        TeardownIncomplete, ApiError, EngineError
            As `Cluster.down`.
        """
        if self._ending is None:
            return super().wait(timeout)
        seconds = None if timeout is None else durations.parse(timeout).total_seconds()
        began = time.monotonic()
        self.begin()
        failed = None
        try:
            super().wait(timeout)
        except JobFailed as error:
            failed = error
        left = None if seconds is None else max(0.0, began + seconds - time.monotonic())
        self._until_down(self._ending, left)
        if failed is not None:
            failed.fix = f"{failed.fix} {self._ending.result.get('said', '')}".strip()
            raise failed
        return self

    def _until_down(self, ending: Ending, seconds: float | None) -> None:
        why = f"It was waited for {seconds:g} s more." if seconds is not None else ""
        try:
            ended = ending.follow(seconds)
        except KeyboardInterrupt:
            ended, why = False, "The waiting was interrupted."
        if not ended:
            raise NotFinished(
                f"The job {self.name!r} has ended, and {self.cluster!r} is not down yet.",
                why,
                "That goes on without this cell: wait() waits again.",
                status=self._seen,
            )
        if ending.error is not None:
            raise ending.error

    def _keep(self, status: JobStatus) -> None:
        if self._ending is None:
            super()._keep(status)
            return
        # What follows it keeps it first of all, and this cell may come too late to.
        while self._ending.status is None and self._ending.state == "running":
            time.sleep(_LOOK_SECONDS)

    def _picture_of(self, status: JobStatus | None, note: str = "") -> Picture:
        then = f"Then: {self._asker} takes {self.cluster!r} down."
        if self._ending is not None:
            then = self._ending.summary
        return super()._picture_of(status, f"{note} {then}".strip())


def _read(said: Mapping[str, str]) -> JobStatus:
    started, finished = (
        durations.moment(said[key]) if said[key] else None for key in ("started", "finished")
    )
    elapsed = finished - started if started and finished else None
    return JobStatus(said["phase"], "", (), started, finished, elapsed)


def written(status: JobStatus) -> dict[str, str]:
    """Return how a job ended, as what follows it notes it."""
    return {
        "phase": status.phase,
        "started": durations.stamp(status.started) if status.started else "",
        "finished": durations.stamp(status.finished) if status.finished else "",
    }

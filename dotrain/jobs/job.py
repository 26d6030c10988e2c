"""A job on a cluster: what it writes and returns, and how to wait for it and end it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from dotrain import durations, objects
from dotrain.errors import (
    ClusterNotFound,
    DotrainError,
    JobFailed,
    JobNotFound,
    KubernetesNotFound,
    KubernetesUnreachable,
    ResultUnreadable,
    SpecError,
)
from dotrain.jobs import failing, following, leaving, lines, live, logs, storage
from dotrain.jobs.lines import Line
from dotrain.jobs.logs import Logs
from dotrain.jobs.seen import Seen
from dotrain.jobs.status import JobStatus
from dotrain.jobs.waiting import Wait

if TYPE_CHECKING:
    import datetime as dt

    from typing_extensions import Self


class Job(Seen):
    """A job on a cluster; `Cluster.run` and `Cluster.job` return it.

    In a notebook it shows its ranks, and keeps that up to date until it ends.

    Attributes
    ----------
    name : str
        What it is called.
    namespace : str
        Where it is in Kubernetes.
    cluster : str
        The name of its cluster.

    Parameters
    ----------
    record : Record
        The object in Kubernetes that it is.
    kube : Kube
        The cluster's Kubernetes API.
    target : Target
        The account.
    """

    def logs(
        self, *, follow: bool = False, rank: int | None = None, tail: int | None = None
    ) -> Logs:
        """Return what it has written, in the order of time; all tries of a rank.

        Where it has several nodes, the rank stands before each line: ``[1] …``.
        Of a job that is gone, or whose cluster is, it is what was kept on this
        machine when it was waited for, cancelled or deleted. Of a long log a node
        gives its newest file alone, by default 10 MiB
        (https://kubernetes.io/docs/concepts/cluster-administration/logging/).

        Parameters
        ----------
        follow : bool
            Whether to go on until it has ended, and write each line to the
            cell's output as it comes; in brackets, how the job is while it does
            not run. An interrupt ends that, and not the job.
        rank : int, optional
            Only this one.
        tail : int, optional
            Only so many lines, the last ones of each rank; with `follow`, of what
            is written already by its newest try.

        Returns
        -------
        Logs
            The lines; shows as text.

        Raises
        ------
        SpecError
            When there is no such rank.
        ImageNotPulled, NotFinished
            With `follow`, as `wait`.
        JobNotFound, KubernetesError
            See each; AddressMoved when this machine is not let in.
        """
        for what, number in (("rank", rank), ("tail", tail)):
            if number is not None and (isinstance(number, bool) or number < 0):
                raise SpecError(f"{what}={number!r} is no whole number from 0.", "", "Give one.")
        if follow:
            # Of what is gone there is what was kept.
            with suppress(KubernetesNotFound, ClusterNotFound):
                found = following.follow(self._kube, self._record, rank, tail)
                return Logs(found, shown=True)
        read = self._log(rank, tail)
        several = rank is None and any(line.rank for line in read)
        said = lines.written(read, prefixed=several)
        if follow:
            logs.write(said)
        return Logs(said, shown=follow)

    def _log(self, rank: int | None, tail: int | None) -> list[Line]:
        """Return what it wrote: of ranks that have no Pod any more, what is kept."""
        kept = [one for one in self._kept.ranks() if rank in (None, one)]
        try:
            pods = self._pods()
            found = logs.read(self._kube, pods, rank=rank, tail=tail)
            if not pods and not kept:
                # To say so when there is no such job.
                self._record.read()
        except KubernetesNotFound as error:
            raise self._gone() from error
        except DotrainError:
            if not kept:
                raise
            pods, found = [], []
        if rank is not None and not found and rank not in kept:
            logs.check_rank(self.name, rank, len(self.status.pods))
        gone = set(kept) - set(map(objects.rank, pods))
        found += leaving.kept_log(self._kept, gone)
        return logs.last(sorted(found, key=lambda line: line.moment), tail)

    def wait(self, timeout: str | dt.timedelta | None = None) -> Self:
        """Wait until it has succeeded, and keep what it wrote and returned on this machine.

        An interrupt ends the waiting, and not the job. While the cluster does
        not answer, it waits on for five minutes.

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
            When it has failed, or was cancelled; with the last lines of the log
            of the rank that failed first.
        ImageNotPulled
            When a node has tried for a minute to get its image, in vain. The job
            itself goes on trying.
        NotFinished
            When it still runs after `timeout` or an interrupt.
        JobNotFound, KubernetesError
            See each; AddressMoved when this machine is not let in any more.
        """
        status = self._end(timeout)
        if status.phase != "succeeded":
            raise self._failure(status)
        return self

    def result(self) -> Any:
        """Return what its function returned; waits until it has.

        Returns
        -------
        object
            What the function returned; of several nodes, a list by their ranks.

        Raises
        ------
        JobFailed
            When the function raised (it is caused by that exception), the job
            failed otherwise, or it ran no function. ResultTooLarge when what it
            returned was not handed over.
        ResultUnreadable
            When this kernel cannot unpickle it.
        ImageNotPulled, NotFinished, JobNotFound, KubernetesError
            As `wait`.
        """
        try:
            status: JobStatus | None = self._end(None)
        except (JobNotFound, ClusterNotFound, KubernetesUnreachable):
            status = None
            if not leaving.kept_results(self._kept):
                raise
        if status is not None and status.phase != "succeeded":
            raise self._failure(status)
        found, nodes = leaving.kept_results(self._kept), len(self._kept.ranks())
        return failing.value(found, self.name, nodes)

    def _end(self, timeout: str | dt.timedelta | None) -> JobStatus:
        """Wait until it has ended, keep what is left of it, and return how that was."""
        seconds = None if timeout is None else durations.parse(timeout).total_seconds()
        wait = Wait(self.name, self.cluster, lambda: self.status, self._picture_of, seconds)
        status = wait.run()
        self._shown_in = live.cell_number()
        try:
            self._keep(status)
        except DotrainError as error:
            if status.phase != "succeeded":
                raise self._failure(status) from error
            raise
        return status

    def _keep(self, status: JobStatus) -> None:
        if not self._is_kept:
            leaving.keep(self._target, self._kube, self._record, status)
            self._is_kept = True

    def _failure(self, status: JobStatus) -> JobFailed:
        return failing.failure(self._kube, self._record, status, self._kept)

    def cancel(self) -> None:
        """End it for good, and return when its Pods are gone; what they wrote is kept.

        They are told to end, and have the grace that was asked for. What has
        ended already stays as it is.

        Raises
        ------
        JobNotFound, KubernetesError
            See each; AddressMoved when this machine is not let in.
        """
        status = self.status
        if status.ended:
            return
        keep = partial(leaving.keep_log, self._kept, nodes=len(status.pods))
        following.to_the_end(self._kube, self._record, self._record.cancel, keep)

    def delete(self) -> None:
        """Delete it with all that belongs to it in Kubernetes; what it wrote is kept.

        Raises
        ------
        KubernetesError
            See there; AddressMoved when this machine is not let in.
        """
        try:
            self._seen = status = self._record.read()
        except KubernetesNotFound:
            return
        if status.ended:
            # A function that left no result keeps nothing from being deleted.
            with suppress(ResultUnreadable):
                self._keep(status)

        def keep(found: list[Line]) -> None:
            # What has ended is kept already, and whole.
            if not status.ended:
                leaving.keep_log(self._kept, found, len(status.pods))

        following.to_the_end(self._kube, self._record, self._record.delete, keep)
        if self._record.storage:
            storage.parse(self._record.storage).delete()

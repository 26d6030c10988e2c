"""Jobs on a cluster: the part of `Cluster` that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dotrain import staying
from dotrain.jobs import task as tasks
from dotrain.working import Working

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from dotrain.jobs.job import Job
    from dotrain.jobs.task import Task
    from dotrain.kube import Kube
    from dotrain.spec import ClusterSpec
    from dotrain.target import Target


class Training(Working):
    """What trains in it; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    @tasks.taking
    def run(self, work: str | Sequence[str] | Callable[..., Any] | Task, **asked: Any) -> Job:
        """Run a command, a program or a function of the notebook on the cluster.

        It is a Job of Kubernetes with a Pod on each node that it wants, closed
        off from everybody else. What no pool can ever run is refused before
        anything is made; what finds all nodes busy waits. Kubernetes gives each
        Pod a place by itself: of a job of several nodes some may run and wait for
        the others, by torchrun for an hour, after which that counts as a failure.

        Parameters
        ----------
        work : str, sequence of str, callable or Task
            A command as a shell takes it, a program with its arguments, a
            function, or all of it as a `Task`.
        **asked : optional
            As for `dotrain.Task`: ``image``, ``nodes``, ``gpus_per_node``,
            ``files``, ``env``, ``secrets`` and the others. ``down_after=True``
            deletes the cluster when the job has succeeded, and is the
            confirmation of that. A process of its own on this machine waits
            for the job, and for others that run then; keeps what they wrote and
            returned here; and takes the cluster down. It outlives this kernel,
            and not a laptop that sleeps, nor a hosted notebook that ends: give
            the cluster a ``max_age`` or a reaper for that. When one of the jobs
            fails or is cancelled, or something cannot be kept, the cluster
            stays, and ``wait()`` raises why and what that costs. The job's
            ``keep_cluster()`` calls it off.

        Returns
        -------
        Job
            The job, submitted.

        Raises
        ------
        SpecError
            What is asked for is wrong. TaskDoesNotFit when no pool can run it:
            it says which size could, and its price.
        ClusterPaused
            When there are no training nodes.
        ClusterNotFound
            When there is no cluster, or it is being taken down.
        JobNameTaken
            When there is a job of that name already, or a namespace ``training``
            that is not dotrain's.
        JobUncertain
            When the connection is lost at the very end: the job may run, and
            ``job()`` finds it then.
        JobRefused, StorageError, KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in. Nothing of
            the job is left then.
        EngineError
            When the process for ``down_after`` does not start: the job goes on.

        Warns
        -----
        NothingElseEndsIt
            With ``down_after``, on a cluster without max age and reaper.

        Examples
        --------
        >>> job = dotrain.get("bert").run("python train.py", image="python:3.13-slim", nodes=2)
        >>> job.namespace
        'training'
        """
        from dotrain import operations
        from dotrain.frameworks import trainer
        from dotrain.jobs import keeping, naming, placing, preparing, submitting
        from dotrain.jobs.job import Job
        from dotrain.jobs.last import LastJob

        task = tasks.asked(work, asked)
        packed = preparing.pack(task)
        spec, kube = self.spec, self._kube()
        place = placing.place(self._target, kube, task, spec)
        name = task.name or naming.fresh(task.work)
        if task.down_after:
            staying.warn(spec)
        with preparing.sent(packed, self.name, name) as content:
            operations.refuse_going(self._target, self.name)
            submit = trainer.submit if task.backend == "trainer" else submitting.submit
            record = submit(kube, task, name, place, content)
        # Of an earlier job of this name.
        keeping.forget_others(self._target, self.name, record.namespace, name, record.uid)
        if not task.down_after:
            return Job(record, kube, self._target)
        last = LastJob(record, kube, self._target)
        last.begin()
        return last

    def job(self, name: str | None = None) -> Job:
        """Return a job that was submitted, from this kernel or another.

        Parameters
        ----------
        name : str, optional
            What it is called; otherwise it is the newest one, as it is of
            several that have one name in different namespaces.

        Returns
        -------
        Job
            The job, running or ended.

        Raises
        ------
        JobNotFound
            When there is none; ``.nearest`` has the nearest names.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.

        Examples
        --------
        >>> dotrain.get("bert").job().status.phase
        'running'
        """
        from dotrain.jobs import finding
        from dotrain.jobs.job import Job
        from dotrain.jobs.last import LastJob

        kube = self._kube()
        record = finding.record(kube, name)
        return (LastJob if record.down_after else Job)(record, kube, self._target)

    def _working(self) -> str:
        """Return in words which jobs run, as far as that is known within a moment."""
        from dotrain.jobs import ended

        return ended.describe(self._reach)

    def _keep_what_ended(self) -> None:
        """Keep what ended jobs have left, as far as that can be had within a moment."""
        from dotrain.jobs import ended

        ended.keep(self._target, self._reach)

    def _reach(self) -> Kube | None:
        """Return the cluster's Kubernetes API; None where there is no cluster that has one."""
        from dotrain import connections, stack

        remembered = stack.read(self._target, self.name)
        found = remembered.resources.get("cluster") if remembered else None
        reached = connections.shared(self._target, found) if found else None
        return reached if reached and self._target.has_kubernetes(reached.cluster) else None

    def jobs(self) -> pd.DataFrame:
        """Return the jobs that there are, until they are deleted.

        Returns
        -------
        pandas.DataFrame
            Columns name, phase (str), nodes, gpus (int, of all nodes together),
            restarts (int), reason (str), started, finished (datetime, UTC; NaT
            before), elapsed (timedelta), namespace (str), the newest last.

        Raises
        ------
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        from dotrain.jobs import finding, listing

        return listing.jobs(finding.rows(self._kube()))


def check(target: Target, task: Task, spec: ClusterSpec) -> None:
    """Raise when a task can never run on a cluster of that spec, or cannot be packed.

    Parameters
    ----------
    target : Target
        The account, which says what sizes there are.
    task : Task
        What should run.
    spec : ClusterSpec
        What the cluster will be; it need not exist.

    Raises
    ------
    SpecError, ClusterPaused, ApiError
        As `Training.run`.
    """
    from dotrain.jobs import placing, preparing

    preparing.pack(task)
    placing.place(target, None, task, spec)

"""Jobs on a cluster: the part of `Cluster` that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dotrain.working import Working

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from dotrain.jobs.job import Job
    from dotrain.jobs.records import Record
    from dotrain.jobs.task import Task


class Training(Working):
    """What trains in it; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def run(self, work: str | Sequence[str] | Callable[..., Any] | Task, **asked: Any) -> Job:
        """Run a command, a program or a function of the notebook on the cluster.

        It is a Job of Kubernetes with a Pod on each node that it wants, closed
        off from everybody else. What no pool can ever run is refused before
        anything is made; what finds all nodes busy waits.

        Parameters
        ----------
        work : str, sequence of str, callable or Task
            A command as a shell takes it, a program with its arguments, a
            function, or all of it as a `Task`.
        **asked : optional
            As for `dotrain.Task`: ``image``, ``nodes``, ``gpus_per_node``,
            ``files``, ``env``, ``secrets`` and the others.

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
        JobNameTaken
            When there is a job of that name already.
        JobRefused, KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in. Nothing of
            the job is left then.

        Examples
        --------
        >>> job = dotrain.get("bert").run("python train.py", image="python:3.13-slim", nodes=2)
        >>> job.namespace
        'training'
        """
        from dotrain.frameworks import trainer
        from dotrain.jobs import manifests, naming, placing, submitting
        from dotrain.jobs import task as tasks
        from dotrain.jobs.job import Job

        task = tasks.asked(work, asked)
        content = manifests.Content(manifests.command(task.work), task.secret_values())
        spec, kube = self.spec, self._kube()
        place = placing.place(self._target, kube, task, spec)
        name = task.name or naming.fresh(task.work)
        if task.backend == "trainer":
            record: Record = trainer.submit(kube, task, name, place, content)
        else:
            record = submitting.submit(kube, task, name, place, content)
        return Job(record, kube, self._target)

    def job(self, name: str | None = None) -> Job:
        """Return a job that was submitted, from this kernel or another.

        Parameters
        ----------
        name : str, optional
            What it is called; otherwise it is the newest one.

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

        kube = self._kube()
        return Job(finding.record(kube, name), kube, self._target)

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

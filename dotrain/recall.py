"""A job by its name, whether its cluster is still there or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain import lifecycle
from dotrain.errors import ClusterNotFound, JobNotFound
from dotrain.target import current

if TYPE_CHECKING:
    from dotrain.jobs.job import Job


def job(cluster: str, name: str | None = None) -> Job:
    """Return a job, also when its cluster is gone: then with what this machine has kept of it.

    Parameters
    ----------
    cluster : str
        The name of the cluster that it runs on, or ran on.
    name : str, optional
        The job's; otherwise it is the newest one.

    Returns
    -------
    Job
        The job. When the cluster is gone its ``.logs()`` and ``.result()`` are
        there, if it was waited for, cancelled, deleted, or run with ``down_after``.

    Raises
    ------
    ClusterNotFound, JobNotFound
        When there is none, and nothing is kept of it.
    KubernetesError, ApiError
        See each; AddressMoved when this machine is not let in.

    Examples
    --------
    >>> dotrain.job("bert", "train").name
    'train'
    """
    from dotrain.jobs import gone

    try:
        return lifecycle.find(cluster)[0].job(name)
    except (ClusterNotFound, JobNotFound):
        kept = gone.job(current(), cluster, name)
        if kept is None:
            raise
        return kept

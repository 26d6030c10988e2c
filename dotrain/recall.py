"""What there is: the clusters of the account, and jobs, also those whose cluster is gone."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from dotrain import account, lifecycle, names, stack
from dotrain.api import Api
from dotrain.errors import ClusterNotFound, JobNotFound
from dotrain.target import current

if TYPE_CHECKING:
    import pandas as pd

    from dotrain.jobs.job import Job


def clusters() -> pd.DataFrame:
    """Return all clusters in the account that dotrain made, on whatever machine.

    Returns
    -------
    pandas.DataFrame
        Columns name, state, region, version (str), nodes (int, of training
        pools), sizes, endpoint (str), created (datetime, UTC). A stack of this
        backend that has no cluster is there with the state ``"incomplete"``.

    Raises
    ------
    ConfigError, ApiError
        See each.

    Examples
    --------
    >>> list(dotrain.clusters()["name"])
    ['bert']
    """
    from dotrain import frames

    target = current()
    with closing(Api(target)) as api:
        found = account.clusters(api)
    have = {names.cluster_of(one["tags"]) for one in found}
    stacks = stack.stacks(target)
    return frames.clusters(found, (name for name in stacks if name not in have))


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

"""What there is: the clusters of the account, and jobs, also those whose cluster is gone."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from typing import TYPE_CHECKING

from dotrain import account, lifecycle, names, stack
from dotrain.api import Api
from dotrain.checks import check_name
from dotrain.errors import ClusterNotFound, JobNotFound
from dotrain.facade import Cluster
from dotrain.target import Target, current

if TYPE_CHECKING:
    import pandas as pd

    from dotrain.jobs.job import Job
    from dotrain.widgets.listing.frame import Clusters

# Seconds that a cell waits for what there is to read beside the frame.
_SOON = 2.0


def clusters() -> Clusters:
    """Return all clusters in the account that dotrain made, on whatever machine.

    A notebook shows it as a widget, which finds clusters, says what each costs
    and what belongs to nothing, opens the panel of one or takes it down. To
    code it is a DataFrame as any other.

    Returns
    -------
    Clusters
        A pandas.DataFrame. Columns name, state, region, version (str), nodes (int, of training
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
    from dotrain.widgets.listing.frame import Clusters

    target = current()
    with closing(Api(target)) as api:
        found = account.clusters(api)
    have = {names.cluster_of(one["tags"]) for one in found}
    stacks = stack.stacks(target)
    frame = frames.clusters(found, (name for name in stacks if name not in have))
    return Clusters.shown_by(frame, lambda: _show(target, frame))


def _show(target: Target, frame: pd.DataFrame) -> None:
    """Show clusters as a widget in the cell that runs now."""
    from dotrain.widgets.listing import reading as listing
    from dotrain.widgets.listing import rows as listed
    from dotrain.widgets.listing.removal import Removal
    from dotrain.widgets.listing.view import ClustersView, Source

    def of(name: str) -> Cluster:
        # A label that somebody else put on a cluster may say anything.
        check_name(name, "cluster")
        return Cluster(name, target)

    source = Source(
        look=lambda: listing.look(target),
        idle=lambda rows: listing.idle(target, rows),
        panel=lambda name: of(name).panel(),
        teardown=lambda name, *told: Removal(of(name), target, *told),
    )
    now = dt.datetime.now(dt.timezone.utc)
    view = ClustersView(listed.of_frame(frame, now), source)
    view.put()
    # Who runs a notebook without looking at it goes on at once, and keeps what was shown by then.
    view.join(_SOON)


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

"""The jobs beside the one after which a cluster goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from contextlib import closing

from dotrain import connections
from dotrain.api import Api
from dotrain.errors import ClusterNotFound, KubernetesUnreachable
from dotrain.jobs import finding
from dotrain.jobs.status import JobStatus
from dotrain.target import Target


def spoils(status: JobStatus, ended: dt.datetime | None) -> bool:
    """Return whether a job that has ended keeps the cluster; pure.

    Parameters
    ----------
    status : JobStatus
        How it ended.
    ended : datetime.datetime or None
        When the one did after which the cluster goes. What failed before that
        was known, and kept nobody from going on.
    """
    known = bool(ended and status.finished and status.finished < ended)
    return status.phase != "succeeded" and not known


def is_more(target: Target, cluster_id: str, known: Container[str]) -> bool:
    """Return whether a cluster that is there has more on it than the jobs whose UIDs are `known`.

    That is another job, or a cluster of Ray or Dask.

    Raises
    ------
    ApiError, KubernetesError
        When that cannot be seen.
    """
    try:
        kube = connections.shared(target, cluster_id)
        if any(record.uid not in known for record, _ in finding.each(kube)):
            return True
        return bool(finding.clusters(kube))
    except ClusterNotFound:
        return False
    except KubernetesUnreachable:
        # An earlier try may have begun to delete it.
        if _is_going(target, cluster_id):
            return False
        raise


def _is_going(target: Target, cluster_id: str) -> bool:
    with closing(Api(target)) as api:
        cluster = api.get(f"/v2/kubernetes/clusters/{cluster_id}")["kubernetes_cluster"]
    return bool(cluster["status"]["state"] == "deleting")

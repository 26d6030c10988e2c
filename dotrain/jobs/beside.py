"""The jobs beside the one after which a cluster goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from contextlib import closing, suppress

from dotrain import connections
from dotrain.api import Api
from dotrain.errors import ClusterNotFound, JobNotFound, KubernetesNotFound, KubernetesUnreachable
from dotrain.jobs import finding
from dotrain.jobs.records import Record
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.target import Target


def found(kube: Kube) -> list[tuple[Record, JobStatus]]:
    """Return all jobs of a cluster, each with how it is; not those deleted meanwhile."""
    pairs = []
    for row in finding.rows(kube):
        with suppress(JobNotFound, KubernetesNotFound):
            pairs.append((finding.record(kube, row.name, row.namespace), row.status))
    return pairs


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


def is_another(target: Target, cluster_id: str, known: Container[str]) -> bool:
    """Return whether a cluster that is there has a job that is not among `known`, by their UIDs.

    Raises
    ------
    ApiError, KubernetesError
        When that cannot be seen.
    """
    try:
        kube = connections.shared(target, cluster_id)
        return any(record.uid not in known for record, _ in found(kube))
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

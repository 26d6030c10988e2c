"""Jobs whose cluster is gone: what this machine has kept of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dotrain import config
from dotrain.errors import ClusterNotFound
from dotrain.jobs import keeping, takedown
from dotrain.jobs.job import Job
from dotrain.jobs.last import LastJob
from dotrain.jobs.manifests import DOWN_AFTER
from dotrain.jobs.records import JobRecord
from dotrain.kube import Kube
from dotrain.target import Target

_T = TypeVar("_T")


class Gone(Kube):
    """The Kubernetes API of a cluster that is gone: whatever is asked of it, it says so.

    Parameters
    ----------
    name, cluster_id : str
        The cluster's name, and its id on DigitalOcean.
    """

    def __init__(self, name: str, cluster_id: str) -> None:
        self.cluster = {"name": name, "id": cluster_id}

    def run(self, call: Callable[[], Awaitable[_T]]) -> _T:  # noqa: ARG002 - nobody is there
        """Raise ClusterNotFound."""
        raise ClusterNotFound(
            f"The cluster {self.cluster['name']!r} of this job is gone.",
            "What was kept of the job on this machine is there.",
            "Its logs() and result() have it.",
        )


def job(target: Target, cluster: str, name: str | None) -> Job | None:
    """Return a job of which something is kept, None when there is none.

    Parameters
    ----------
    target : Target
        The account that the cluster was in.
    cluster : str
        Its name.
    name : str or None
        The job's name; None for the newest.
    """
    every = keeping.every(target, cluster)
    found = next((kept for kept in every if name in (None, kept.name)), None)
    if found is None:
        return None
    asked = takedown.asked(found)
    annotations = {DOWN_AFTER: config.identity()} if asked else {}
    metadata = {
        "name": found.name,
        "namespace": found.namespace,
        "uid": found.uid,
        "annotations": annotations,
    }
    kube = Gone(cluster, asked.get("cluster_id") or "")
    return (LastJob if asked else Job)(JobRecord(kube, {"metadata": metadata}), kube, target)

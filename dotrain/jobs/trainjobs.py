"""A job that is a TrainJob of Kubeflow Trainer, in Kubernetes: how it is, and how it ends.

Trainer makes a JobSet of a TrainJob, and JobSet a Job, once it is not suspended
any more. How the job is, is read from that Job, its Pods, and what the TrainJob
says in the same words (https://www.kubeflow.org/docs/components/trainer/): it has
a Job's conditions ``Suspended``, ``Complete`` and ``Failed``.
"""

from __future__ import annotations

from kr8s.objects import Event, new_class

from dotrain import objects
from dotrain.errors import InvalidName, KubernetesNotFound
from dotrain.jobs import reading, records
from dotrain.jobs.records import JobRecord
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.objects import Json

API = "trainer.kubeflow.org/v1alpha1"
KIND = "TrainJob"
NODE = "node"
"""What Trainer calls the group of Pods that train, and the container in each."""

RESOURCE = new_class(KIND, API)

# Kubernetes cuts longer names of Pods, and JobSet refuses to make such ones.
_LONGEST_POD, _SUFFIX = 63, "-abcde"


class TrainJobRecord(JobRecord):
    """A job that is a TrainJob.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    train_job : mapping
        The TrainJob, as Kubernetes describes it.
    """

    kind = KIND

    def __init__(self, kube: Kube, train_job: Json) -> None:
        super().__init__(kube, train_job)
        self._path = location(train_job)

    def read(self) -> JobStatus:
        """Return how it is, as `Record` has it."""
        train_job = self._itself()
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{job_of(self.name)}"
        try:
            job: Json = self._kube.read(path)
        except KubernetesNotFound:
            job = {}
        events = self._kube.list(Event, namespace=self.namespace)
        pods = records.pods(self._kube, self.namespace, self.name)
        return reading.read(as_job(train_job, job), pods, events)

    def cancel(self) -> None:
        """Suspend it for good: JobSet suspends its Job, and its Pods are told to end."""
        self._kube.patch(RESOURCE, self.name, records.cancelled(), namespace=self.namespace)

    def delete(self) -> None:
        """Delete it; what it owns goes after it.

        Before it, as a Job's does, nothing would go for good: Trainer makes the
        JobSet of a TrainJob anew that still waits for what it owns.
        """
        records.delete(self._kube, self._path, owned_first=False)


def location(one: Json) -> str:
    """Return where Kubernetes' API has the TrainJob that an object of a job is, or belongs to."""
    place = {"namespace": one["metadata"]["namespace"], "name": records.name_of(one)}
    return objects.location({"apiVersion": API, "kind": KIND, "metadata": place})


def job_of(name: str) -> str:
    """Return what the Job is called that JobSet makes for a TrainJob."""
    return f"{name}-{NODE}-0"


def check_name(name: str, nodes: int) -> None:
    """Raise InvalidName when JobSet would call Pods by longer names than it lets through."""
    added = f"{job_of('')}-{nodes - 1}{_SUFFIX}"
    longest = _LONGEST_POD - len(added)
    if len(name) > longest:
        raise InvalidName(
            f"{name!r} is too long for a TrainJob of {nodes} nodes.",
            f"Its Pods are called '{name}{added}', and such names have at most {_LONGEST_POD} "
            "characters.",
            f"Give a name of at most {longest} characters, or leave name= out.",
        )


def as_job(train_job: Json, job: Json) -> Json:
    """Return a TrainJob as a Job of Kubernetes, for `reading`; pure.

    Parameters
    ----------
    train_job : mapping
        As Kubernetes describes it.
    job : mapping
        The Job that was made for it; empty before that.
    """
    spec, status = train_job["spec"], job.get("status") or {}
    said = {one["type"]: one for one in (train_job.get("status") or {}).get("conditions") or ()}
    # Why a Pod failed, the Job knows; whether all of it has ended, the TrainJob does.
    known = {one["type"]: one for one in status.get("conditions") or ()}
    metadata = {
        **train_job["metadata"],
        "name": job_of(train_job["metadata"]["name"]),
    }
    return {
        **job,
        "metadata": metadata,
        "spec": {
            "completions": (spec.get("trainer") or {}).get("numNodes") or 1,
            "template": {"spec": {}},
            **job.get("spec", {}),
            "suspend": bool(spec.get("suspend")),
        },
        "status": {**status, "conditions": list({**said, **known}.values())},
    }

"""What a job is to Kubernetes, and what is done to it there."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any, Protocol

import kr8s.objects
from kr8s.objects import Event, Pod

from dotrain import durations
from dotrain.errors import KubernetesNotFound
from dotrain.jobs import reading, storage
from dotrain.jobs.isolation import JOB_LABEL
from dotrain.jobs.manifests import DOWN_AFTER, INCOMPLETE
from dotrain.jobs.reading import CANCELLED
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.objects import Json


class Record(Protocol):
    """The object in Kubernetes that a job is, of whatever kind."""

    kind: str
    namespace: str
    name: str
    # By which one object is known from another of the same name; who said that
    # the cluster goes after it, and where it has storage; both empty without.
    uid: str
    down_after: str
    storage: str

    def read(self) -> JobStatus:
        """Return how it is; raises KubernetesNotFound when it is gone."""

    def cancel(self) -> None:
        """Let it end for good, and its Pods have their grace; what has ended stays as it is."""

    def delete(self) -> None:
        """Delete it with all that belongs to it; nothing to do when it is gone."""


class JobRecord:
    """A job that is a ``batch/v1`` Job.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    job : mapping
        The Job, as Kubernetes describes it.
    """

    kind = "Job"

    def __init__(self, kube: Kube, job: Json) -> None:
        self.namespace = namespace = str(job["metadata"]["namespace"])
        self.name = name = name_of(job)
        self.uid = str(job["metadata"]["uid"])
        notes = job["metadata"].get("annotations") or {}
        self.down_after = str(notes.get(DOWN_AFTER) or "")
        self.storage = str(notes.get(storage.ANNOTATION) or "")
        self._kube = kube
        self._path = f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}"

    def read(self) -> JobStatus:
        """Return how it is, as `Record` has it."""
        job = self._itself()
        events = self._kube.list(Event, namespace=self.namespace)
        return reading.read(job, pods(self._kube, self.namespace, self.name), events)

    def _itself(self) -> Json:
        """Return the object itself, and no other of its name; KubernetesNotFound without."""
        found = self._kube.read(self._path)
        if found["metadata"]["uid"] != self.uid:
            raise KubernetesNotFound(
                f"The job {self.name!r} is gone.",
                "Another one has its name.",
                f"job({self.name!r}) returns that one.",
            )
        return found

    def cancel(self) -> None:
        """Suspend it for good: Kubernetes then tells its Pods to end."""
        self._kube.patch(kr8s.objects.Job, self.name, cancelled(), namespace=self.namespace)

    def delete(self) -> None:
        """Delete it and then, since it owns them, all its other objects."""
        delete(self._kube, self._path)


def cancelled() -> dict[str, Any]:
    """Return the change by which a job is suspended for good."""
    notes = {CANCELLED: durations.stamp(dt.datetime.now(dt.timezone.utc)), INCOMPLETE: None}
    return {"metadata": {"annotations": notes}, "spec": {"suspend": True}}


def delete(kube: Kube, path: str, *, owned_first: bool = True) -> None:
    """Delete the object at a path with all that it owns, if it is there; as `Kube.delete` does."""
    with suppress(KubernetesNotFound):
        kube.delete(path, uid=kube.read(path)["metadata"]["uid"], owned_first=owned_first)


def pods(kube: Kube, namespace: str, name: str) -> list[dict[str, Any]]:
    """Return the Pods of a job, those that have ended too."""
    return kube.list(Pod, namespace=namespace, labels=f"{JOB_LABEL}={name}")


def name_of(job: Json) -> str:
    """Return the name of the job that an object belongs to."""
    return str((job["metadata"].get("labels") or {}).get(JOB_LABEL) or job["metadata"]["name"])

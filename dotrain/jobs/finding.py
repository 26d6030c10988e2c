"""Which jobs a cluster has, and how each of them is: four lists, however many there are."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kr8s.objects import Event, Job, Pod

from dotrain import objects
from dotrain.errors import JobNotFound, KubernetesForbidden, KubernetesNotFound
from dotrain.jobs import reading, records, trainjobs
from dotrain.jobs.isolation import JOB_LABEL
from dotrain.jobs.listing import Row
from dotrain.jobs.records import JobRecord, Record
from dotrain.jobs.status import JobStatus
from dotrain.jobs.trainjobs import TrainJobRecord
from dotrain.kube import Kube
from dotrain.objects import Json

# What the operators of these label the Pods of a cluster with.
_CLUSTERS = {"dask.org/component": "Dask", "ray.io/node-type": "Ray"}


def rows(kube: Kube) -> list[Row]:
    """Return how each job is, the newest last."""
    return [
        Row(
            *_place(one.itself),
            status,
            objects.pod_gpus(one.job["spec"]["template"]) * len(status.pods),
        )
        for one, status in _read(kube)
    ]


def each(kube: Kube) -> list[tuple[Record, JobStatus]]:
    """Return each job with how it is, the newest last."""
    return [(one.kind(kube, one.itself), status) for one, status in _read(kube)]


def _read(kube: Kube) -> list[tuple[_Found, JobStatus]]:
    found = _found(kube)
    pods, events = defaultdict(list), defaultdict(list)
    for pod in kube.list(Pod, labels=JOB_LABEL) if found else ():
        pods[pod["metadata"]["namespace"], records.name_of(pod)].append(pod)
    for event in kube.list(Event) if found else ():
        events[event["metadata"]["namespace"]].append(event)
    return [
        (one, reading.read(one.job, pods[place], events[place[0]]))
        for one in found
        for place in [_place(one.itself)]
    ]


def record(kube: Kube, name: str | None, namespace: str | None = None) -> Record:
    """Return the job of a name, in whatever namespace or a given one; or the newest of them.

    Raises
    ------
    JobNotFound
        When there is none, with the nearest names.
    """
    found = _found(kube)
    wanted = [
        one
        for one in found
        if name in (None, records.name_of(one.itself))
        and namespace in (None, one.itself["metadata"]["namespace"])
    ]
    if not wanted:
        raise _missing(kube.cluster["name"], name, [one.itself for one in found])
    return wanted[-1].kind(kube, wanted[-1].itself)


def clusters(kube: Kube) -> list[str]:
    """Return in words which clusters of Ray and Dask there are, as their Pods say."""
    found = set()
    for pod in kube.list(Pod, labels=JOB_LABEL):
        labels = pod["metadata"]["labels"]
        for mark, kind in _CLUSTERS.items():
            if mark in labels and not objects.is_finished(pod):
                found.add(f"the {kind} cluster {labels[JOB_LABEL]!r}")
    return sorted(found)


@dataclass(frozen=True)
class _Found:
    """A job: the object that it is, what that is to dotrain, and the Job that it reads as."""

    itself: Json
    kind: type[JobRecord]
    job: Json


def _found(kube: Kube) -> list[_Found]:
    """Return the jobs of both kinds, the newest last."""
    listed, jobs, made = kube.list(Job, labels=JOB_LABEL), [], {}
    for job in listed:
        if job["metadata"]["name"] == records.name_of(job):
            jobs.append(_Found(job, JobRecord, job))
        else:
            # JobSet has made it, of a TrainJob.
            made[_place(job)] = job
    for one in _train_jobs(kube):
        read = trainjobs.as_job(one, made.get(_place(one), {}))
        jobs.append(_Found(one, TrainJobRecord, read))
    return sorted(jobs, key=lambda one: objects.created(one.itself))


def _train_jobs(kube: Kube) -> list[dict[str, Any]]:
    # One that Kubernetes does not know, nobody may list who may not list everything.
    with suppress(KubernetesNotFound, KubernetesForbidden):
        return kube.list(trainjobs.RESOURCE, labels=JOB_LABEL)
    return []


def _place(one: Json) -> tuple[str, str]:
    return one["metadata"]["namespace"], records.name_of(one)


def _missing(cluster: str, name: str | None, found: Sequence[Json]) -> JobNotFound:
    names = list(dict.fromkeys(records.name_of(job) for job in reversed(found)))
    if name is None or not names:
        what = "There is no job" + ("" if name is None else f" {name!r}")
        return JobNotFound(f"{what} on {cluster!r}.", "It has no job at all.", "Start one: run().")
    nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.3) or names[:3]
    return JobNotFound(
        f"There is no job {name!r} on {cluster!r}.",
        f"The nearest are {', '.join(map(repr, nearest))}.",
        "Give one of these; jobs() lists all of them.",
        nearest=nearest,
    )

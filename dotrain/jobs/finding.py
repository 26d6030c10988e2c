"""Which jobs a cluster has, and how each of them is: three lists, however many there are."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence

from kr8s.objects import Event, Job, Pod

from dotrain import objects
from dotrain.errors import JobNotFound
from dotrain.jobs import reading, records, trainjobs
from dotrain.jobs.isolation import JOB_LABEL
from dotrain.jobs.listing import Row
from dotrain.jobs.records import JobRecord, Record
from dotrain.jobs.trainjobs import TrainJobRecord
from dotrain.kube import Kube
from dotrain.objects import Json


def rows(kube: Kube) -> list[Row]:
    """Return how each job is, the newest last."""
    found = sorted(kube.list(Job, labels=JOB_LABEL), key=objects.created)
    pods, events = defaultdict(list), defaultdict(list)
    for pod in kube.list(Pod, labels=JOB_LABEL) if found else ():
        pods[pod["metadata"]["namespace"], records.name_of(pod)].append(pod)
    for event in kube.list(Event) if found else ():
        events[event["metadata"]["namespace"]].append(event)
    rows = []
    for job in found:
        namespace, name = job["metadata"]["namespace"], records.name_of(job)
        status = reading.read(job, pods[namespace, name], events[namespace])
        gpus = objects.pod_gpus(job["spec"]["template"]) * len(status.pods)
        rows.append(Row(namespace, name, status, gpus))
    return rows


def record(kube: Kube, name: str | None, namespace: str | None = None) -> Record:
    """Return the job of a name, in whatever namespace or a given one; or the newest of them.

    Raises
    ------
    JobNotFound
        When there is none, with the nearest names.
    """
    found = sorted(kube.list(Job, labels=JOB_LABEL), key=objects.created)
    wanted = [
        job
        for job in found
        if name in (None, records.name_of(job))
        and namespace in (None, job["metadata"]["namespace"])
    ]
    if not wanted:
        raise _missing(kube.cluster["name"], name, found)
    newest = wanted[-1]
    if newest["metadata"]["name"] == records.name_of(newest):
        return JobRecord(kube, newest)
    # JobSet has made it, of a TrainJob of that name.
    return TrainJobRecord(kube, kube.read(trainjobs.location(newest)))


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

"""Read how a job is from what Kubernetes says of its Job and its Pods: no I/O.

The fields are those of Kubernetes' API reference, ``batch/v1`` and ``v1``. A
Pod's rank is the index that an Indexed Job gives it. A Pod that failed stays
there until its Job is deleted; of one that was evicted, or lost with its node,
only events remain, for an hour.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dotrain import objects
from dotrain.jobs import reasons
from dotrain.jobs.manifests import INCOMPLETE
from dotrain.jobs.status import ENDED, JobStatus, PodStatus
from dotrain.objects import Json

CANCELLED = "dotrain/cancelled"
"""The annotation of a Job that was suspended for good."""

# A Pod that should be gone for so long has nobody who would end it: its node is lost.
_OVERDUE = dt.timedelta(minutes=1)
_HALF = "It was not submitted as a whole: run it again under the same name, which replaces it"


def read(
    job: Json, pods: Sequence[Json], events: Iterable[Json], now: dt.datetime | None = None
) -> JobStatus:
    """Return how a job is.

    Parameters
    ----------
    job : mapping
        Its Job, as Kubernetes describes it.
    pods : sequence of mapping
        Its Pods, those that have failed too.
    events : iterable of mapping
        Events of its namespace: they tell of Pods that are gone, and why one waits.
    now : datetime.datetime, optional
        The present.
    """
    spec, status = job["spec"], job.get("status") or {}
    about = reasons.About(job, list(events))
    ranks = _pod_statuses(job, pods, about)
    failed = _condition(job, "Failed") or _condition(job, "FailureTarget")
    now = now or dt.datetime.now(dt.timezone.utc)
    started, finished = _instant(status.get("startTime")), None
    annotations = job["metadata"].get("annotations") or {}
    if _condition(job, "Complete") or _condition(job, "SuccessCriteriaMet"):
        phase, reason = "succeeded", ""
        finished = _instant(status.get("completionTime")) or _last(ranks)
    elif failed:
        phase, reason = "failed", reasons.failed(about, failed, pods)
        finished = _instant(failed.get("lastTransitionTime"))
    elif INCOMPLETE in annotations:
        phase, reason = "incomplete", _HALF
    elif spec.get("suspend") and CANCELLED in annotations:
        phase, reason = "cancelled", ""
        finished = _instant(_condition(job, "Suspended").get("lastTransitionTime"))
    elif spec.get("suspend"):
        phase, reason = "waiting", "It is suspended"
    else:
        phase = _phase(ranks)
        reason = reasons.together(job, pods, ranks)
    if phase in ENDED and any(_goes_on(pod, now) for pod in pods):
        # They have their grace, and may say a last word.
        said = f"it has {phase}" if phase != "cancelled" else "it was cancelled"
        reason = f"Its Pods are told to end, since {said}" + (f". {reason}" if reason else "")
        phase, finished = "stopping", None
    if "deletionTimestamp" in job["metadata"]:
        reason = "It is being deleted"
    if phase in ENDED:
        ranks = tuple(one if one.name else _stopped(one) for one in ranks)
    elapsed = max((finished or now) - started, dt.timedelta(0)) if started else None
    unpulled = next(filter(None, map(reasons.unpulled, pods)), "")
    begun = min((begun for begun, _ in map(span, pods) if begun), default=None)
    return JobStatus(phase, reason, ranks, started, finished, elapsed, unpulled, begun)


def _pod_statuses(job: Json, pods: Iterable[Json], about: reasons.About) -> tuple[PodStatus, ...]:
    number = int(job["spec"].get("completions") or job["spec"].get("parallelism") or 1)
    by_rank: dict[int, list[Json]] = {rank: [] for rank in range(number)}
    for pod in pods:
        rank = objects.rank(pod)
        if rank in by_rank:
            by_rank[rank].append(pod)
    remembered = _remembered(job, about.events)
    return tuple(
        _pod_status(rank, mine, remembered.get(rank, set()), about)
        for rank, mine in by_rank.items()
    )


def _pod_status(
    rank: int, pods: Sequence[Json], remembered: set[str], about: reasons.About
) -> PodStatus:
    names = {pod["metadata"]["name"] for pod in pods} | remembered
    if not pods:
        return PodStatus(rank, phase="starting" if names else "waiting", restarts=len(names))
    pod = current(pods)
    started, finished = span(pod)
    return PodStatus(
        rank,
        pod["metadata"]["name"],
        _pod_phase(pod),
        objects.node_of(pod),
        len(names) - 1,
        about.pod(pod),
        started,
        finished,
    )


def _stopped(rank: PodStatus) -> PodStatus:
    """Return the rank of a job that has ended, whose last Pod went with it."""
    return replace(rank, phase="stopped", restarts=max(0, rank.restarts - 1))


def current(pods: Sequence[Json]) -> Json:
    """Return the newest of the Pods of one rank; of two, the one that has not ended."""
    return max(pods, key=lambda pod: (objects.created(pod), not objects.is_finished(pod)))


def span(pod: Json) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return when the program of a Pod began and ended; None for what has not happened."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    states = [one.get("state") or {} for one in statuses]
    begun = [(one.get("running") or one.get("terminated") or {}).get("startedAt") for one in states]
    ended = [(one.get("terminated") or {}).get("finishedAt") for one in states]
    first = min((objects.instant(one) for one in begun if one), default=None)
    last = max((objects.instant(one) for one in ended if one), default=None)
    return first, last if objects.is_finished(pod) else None


def _goes_on(pod: Json, now: dt.datetime) -> bool:
    """Return whether a Pod of a job that is to end has not ended."""
    due = _instant(pod["metadata"].get("deletionTimestamp"))
    return not objects.is_finished(pod) and (due is None or now - due < _OVERDUE)


def _pod_phase(pod: Json) -> str:
    said = objects.phase(pod)
    if said in ("Succeeded", "Failed"):
        return said.lower()
    if "deletionTimestamp" in pod["metadata"]:
        return "stopping"
    if said == "Running":
        return "running"
    return "starting" if objects.node_of(pod) else "waiting"


def _phase(ranks: Sequence[PodStatus]) -> str:
    """Return the phase of a job that goes on: that of the rank that is least far."""
    phases = {rank.phase for rank in ranks}
    if "waiting" in phases:
        return "waiting"
    return "running" if phases <= {"running", "succeeded"} else "starting"


def _remembered(job: Json, events: Iterable[Json]) -> dict[int, set[str]]:
    """Return the names of the Pods that events tell of, by rank."""
    metadata = job["metadata"]
    of_rank = re.compile(rf"{re.escape(metadata['name'])}-(\d+)-[a-z0-9]{{5}}")
    found: dict[int, set[str]] = {}
    for event in events:
        about = event["involvedObject"]
        # Another job of the same name may have been there before.
        if about.get("kind") != "Pod" or objects.happened(event) < objects.created(job):
            continue
        if about.get("namespace") == metadata.get("namespace") and (
            match := of_rank.fullmatch(about.get("name") or "")
        ):
            found.setdefault(int(match[1]), set()).add(match[0])
    return found


def _condition(job: Json, kind: str) -> Json:
    found = objects.condition(job, kind)
    return found if found.get("status") == "True" else {}


def _instant(text: str | None) -> dt.datetime | None:
    return objects.instant(text) if text else None


def _last(ranks: Iterable[PodStatus]) -> dt.datetime | None:
    return max((rank.finished for rank in ranks if rank.finished), default=None)

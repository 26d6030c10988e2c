"""What a job writes while it goes on, or while it is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from dotrain import objects
from dotrain.errors import ClusterNotFound, KubernetesNotFound, NotFinished
from dotrain.jobs import lines, logs, records, watching
from dotrain.jobs.lines import Line
from dotrain.jobs.records import Record
from dotrain.jobs.status import JobStatus
from dotrain.jobs.streams import Streams
from dotrain.kube import Kube
from dotrain.objects import Json

# Seconds for what is left of a log once a job has ended.
_REST = 20.0
# Seconds more than their grace after which Pods are still there for another reason.
_MARGIN = 60.0
# Seconds between two looks at Pods that are to end.
_LOOK = 0.3
_GONE = (KubernetesNotFound, ClusterNotFound)


def follow(
    kube: Kube, record: Record, rank: int | None = None, tail: int | None = None
) -> list[str]:
    """Write what a job writes, as it comes, until it has ended; return all of it.

    Between the lines it says, in brackets, how the job is while it does not run.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    record : Record
        The job.
    rank : int, optional
        Only this one.
    tail : int, optional
        Of what is written already, only so many lines of each rank.

    Raises
    ------
    SpecError
        When there is no such rank.
    ImageNotPulled, NotFinished
        When it does not get any further by itself, or after an interrupt.
    KubernetesError
        When it cannot be read.
    KubernetesNotFound, ClusterNotFound
        When it is gone before it wrote anything.
    """
    found: list[str] = []
    cluster, patience = kube.cluster["name"], watching.Patience()
    prospects = watching.Prospects(record.name, cluster)
    status = record.read()
    logs.check_rank(record.name, rank, len(status.pods))
    prefixed = rank is None and len(status.pods) > 1
    noted = ""

    def write(batches: Iterable[list[Line]]) -> None:
        for batch in batches:
            said = lines.written(batch, prefixed=prefixed)
            found.extend(said)
            logs.write(said)

    with Streams(kube, rank, tail) as streams:

        def read() -> JobStatus:
            now = record.read()
            streams.look(records.pods(kube, record.namespace, record.name))
            return now

        try:
            looks = watching.looks(
                read, patience.bears, lambda seconds: write(streams.batches(seconds))
            )
            for look in looks:
                if look.status is None:
                    continue
                patience.rest()
                status = look.status
                note = _note(record.name, status)
                if note != noted:
                    logs.write([note] if note else [])
                    noted = note
                prospects.check(status)
            write(streams.rest(_REST))
        except KeyboardInterrupt as error:
            logs.write(["(The job goes on.)"])
            why = "The following of its log was interrupted."
            raise watching.not_finished(record.name, cluster, status, why) from error
        except _GONE:
            # It was deleted meanwhile: that is its end, too.
            with suppress(*_GONE):
                write(streams.rest(_REST))
            if not found:
                # It was on its way out before: there may be what was kept.
                raise
    return found


def _note(name: str, status: JobStatus) -> str:
    """Return what there is to say of a job that does not write; empty for nothing."""
    if status.phase == "succeeded" or (status.phase == "running" and not status.reason):
        return ""
    why = f" {status.reason}." if status.reason else ""
    return f"({name} is {status.phase}.{why})"


def to_the_end(
    kube: Kube, record: Record, end: Callable[[], None], keep: Callable[[list[Line]], None]
) -> None:
    """End a job, and keep all that it has written, its last words too.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    record : Record
        The job.
    end : callable
        Ends it.
    keep : callable
        Takes its lines in the order of time, also when it does not end.

    Raises
    ------
    NotFinished
        When its Pods are still there after their grace.
    """
    found: list[Line] = []
    try:
        with Streams(kube) as streams:
            pods = records.pods(kube, record.namespace, record.name)
            streams.look(pods)
            end()
            deadline = time.monotonic() + _grace(pods) + _MARGIN
            while any(not objects.is_finished(pod) for pod in pods):
                if time.monotonic() > deadline:
                    raise _stuck(record, pods)
                for batch in streams.batches(_LOOK):
                    found += batch
                pods = records.pods(kube, record.namespace, record.name)
                streams.look(pods)
            for batch in streams.rest(_REST):
                found += batch
    finally:
        keep(sorted(found, key=lambda line: line.moment))


def _grace(pods: Sequence[Json]) -> float:
    """Return the seconds that Pods have to end after they were told to."""
    given = [pod["spec"].get("terminationGracePeriodSeconds") for pod in pods]
    return float(max((one for one in given if one is not None), default=0))


def _stuck(record: Record, pods: Sequence[Json]) -> NotFinished:
    left = [pod["metadata"]["name"] for pod in pods if not objects.is_finished(pod)]
    return NotFinished(
        f"The job {record.name!r} was told to end, and has not.",
        f"{', '.join(left)} did not end within the grace that they have.",
        "A node that does not answer keeps its Pods until it is deleted: see nodes().",
    )

"""What a job writes while it goes on, or while it is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from dotrain import objects
from dotrain.errors import KubernetesNotFound, NotFinished
from dotrain.jobs import lines, logs, records, watching
from dotrain.jobs.lines import Line
from dotrain.jobs.records import Record
from dotrain.jobs.streams import Streams
from dotrain.kube import Kube
from dotrain.objects import Json

# Seconds for what is left of a log once a job has ended.
_REST = 20.0
# Seconds more than their grace after which Pods are still there for another reason.
_MARGIN = 60.0
# Seconds between two looks at Pods that are to end.
_LOOK = 0.3


def follow(kube: Kube, record: Record, rank: int | None) -> list[str]:
    """Write what a job writes, as it comes, until it has ended; return all of it.

    An interrupt ends it, and is raised by nobody: what came so far is returned.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    record : Record
        The job.
    rank : int, optional
        Only this one.
    """
    found: list[str] = []
    patience = watching.Patience()
    prefixed = rank is None and len(record.read().pods) > 1

    def write(taken: list[Line]) -> None:
        said = lines.written(taken, prefixed=prefixed)
        found.extend(said)
        logs.write(said)

    with Streams(kube, rank) as streams:

        def pause(seconds: float) -> None:
            for batch in streams.batches(seconds):
                write(batch)

        try:
            for look in watching.looks(record.read, patience.bears, pause):
                if look.status is not None:
                    patience.rest()
                    streams.look(records.pods(kube, record.namespace, record.name))
            for batch in streams.rest(_REST):
                write(batch)
        except KeyboardInterrupt:
            logs.write(["(The job goes on.)"])
        except KubernetesNotFound:
            # It was deleted meanwhile: that is its end, too.
            for batch in streams.rest(_REST):
                write(batch)
    return found


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

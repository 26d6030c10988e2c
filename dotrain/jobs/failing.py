"""What is said of a job that did not succeed, and what its function returned or raised."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from dotrain.errors import DotrainError, JobFailed, ResultUnreadable
from dotrain.jobs import leaving, logs, reasons, records, results
from dotrain.jobs.keeping import Kept
from dotrain.jobs.lines import Line
from dotrain.jobs.records import Record
from dotrain.jobs.results import Outcome
from dotrain.jobs.status import JobStatus, PodStatus
from dotrain.kube import Kube

# Lines of a log that stand in an error.
_TAIL = 20


def failure(kube: Kube, record: Record, status: JobStatus, kept: Kept) -> JobFailed:
    """Return the error for a job that did not succeed, caused by what its function raised.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    record : Record
        The job.
    status : JobStatus
        How it ended.
    kept : Kept
        What is kept of it: what its function handed over, and what it wrote if
        its Pods cannot be asked any more.
    """
    name = record.name
    raised = _raised(leaving.kept_results(kept), name)
    last = _last_lines(kube, record, status, kept)
    how = "was cancelled" if status.phase == "cancelled" else "failed"
    why = f"{status.reason}." if status.reason else ""
    # It may be a result that was too large.
    kind = type(raised) if raised else JobFailed
    error = kind(
        f"The job {name!r} on {kube.cluster['name']!r} {how}.",
        f"{why} {raised.why}".strip() if raised else why,
        "logs() has what it wrote." + (" It ends like this:" if last else ""),
        status=status,
        log=[line.text for line in last],
        traceback=raised.traceback if raised else "",
    )
    error.__cause__ = raised.__cause__ if raised else None
    return error


def _last_lines(kube: Kube, record: Record, status: JobStatus, kept: Kept) -> list[Line]:
    """Return the last that the rank wrote that failed first; what is kept where none answers."""
    # Why it failed is worth more than that its node, or its cluster, is gone.
    with suppress(DotrainError):
        pods = records.pods(kube, record.namespace, record.name)
        first = reasons.failed_first(pods)
        if first is not None:
            return logs.read(kube, [first], tail=_TAIL)
    failed = [pod for pod in status.pods if pod.phase == "failed"]
    ranks = [pod.rank for pod in sorted(failed, key=_ended)][:1]
    return logs.last(leaving.kept_log(kept, ranks), _TAIL)


def _ended(pod: PodStatus) -> float:
    return pod.finished.timestamp() if pod.finished else 0.0


def _raised(found: list[Outcome], name: str) -> JobFailed | None:
    if all(one.is_value for one in found):
        return None
    try:
        results.value(found, name)
    except JobFailed as error:
        return error
    return None


def value(found: list[Outcome], name: str, nodes: int) -> Any:
    """Return what the function of a job returned on its nodes; raises as `results.value` does."""
    if not found:
        raise JobFailed(
            f"The job {name!r} has no result.",
            "It ran no function: what a command has to say is in its log and its files.",
            "Look at logs(), or have the command write to storage.",
        )
    missing = sorted(set(range(nodes)) - {one.rank for one in found})
    if missing and all(one.is_value for one in found):
        raise ResultUnreadable(
            f"What the job {name!r} returned on rank {missing[0]} is not kept on this machine.",
            f"It had {nodes} nodes, and was gone before all of it was read.",
            "Look at its logs(), or run it again.",
        )
    return results.value(found, name)

"""What is said of a job that did not succeed, and what its function returned or raised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dotrain.errors import JobFailed, ResultUnreadable
from dotrain.jobs import logs, reasons, results
from dotrain.jobs.results import Outcome
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.objects import Json

# Lines of a log that stand in an error.
_TAIL = 20


def failure(
    kube: Kube, pods: Iterable[Json], name: str, status: JobStatus, found: list[Outcome]
) -> JobFailed:
    """Return the error for a job that did not succeed, caused by what its function raised.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    pods : iterable of mapping
        The Pods of the job.
    name : str
        What it is called.
    status : JobStatus
        How it ended.
    found : list of Outcome
        What its function handed over.
    """
    raised = _raised(found, name)
    first = reasons.failed_first(pods)
    last = logs.read(kube, [first], tail=_TAIL) if first else []
    how = "was cancelled" if status.phase == "cancelled" else "failed"
    why = f"{status.reason}." if status.reason else ""
    # It may be a result that was too large.
    kind = type(raised) if raised else JobFailed
    error = kind(
        f"The job {name!r} on {kube.cluster['name']!r} {how}.",
        f"{why} {raised.why}".strip() if raised else why,
        "logs() has all that it wrote." + (" It ends like this:" if last else ""),
        status=status,
        log=[line.text for line in last],
        traceback=raised.traceback if raised else "",
    )
    error.__cause__ = raised.__cause__ if raised else None
    return error


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

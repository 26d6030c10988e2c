"""What is left of a job on this machine: its log and what its function returned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from dotrain.errors import JobFailed, KubernetesNotFound
from dotrain.jobs import lines, logs, reasons, results, storage
from dotrain.jobs.keeping import Kept
from dotrain.jobs.lines import Line
from dotrain.jobs.records import Record
from dotrain.jobs.results import Outcome
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.objects import Json

# Lines of a log that stand in an error.
_TAIL = 20


def keep_log(kept: Kept, found: Iterable[Line]) -> None:
    """Keep what a job wrote, each line with its time; raises ConfigError when it cannot be."""
    by_rank: dict[int, list[str]] = defaultdict(list)
    for line in found:
        by_rank[line.rank].append(lines.stamped(line))
    for rank, texts in by_rank.items():
        kept.save_log(rank, "\n".join([*texts, ""]))


def kept_log(kept: Kept, ranks: Iterable[int]) -> list[Line]:
    """Return what is kept of what some ranks wrote, in the order of time."""
    found = [
        lines.parse(raw, rank)
        for rank in ranks
        for raw in lines.split((kept.load_log(rank) or "").encode())
    ]
    return sorted(found, key=lambda line: line.moment)


def keep_results(kept: Kept, kube: Kube, record: Record, nodes: int) -> None:
    """Keep what a function returned or raised on each node; nothing to do for a command.

    Raises
    ------
    KubernetesError, StorageError, ConfigError
        When it cannot be read, or not be written.
    """
    said = record.storage()
    folder = storage.parse(said) if said else None
    with suppress(KubernetesNotFound):
        for rank in range(nodes):
            kept.collect(kube.read, record.namespace, record.name, rank, folder)


def outcomes(kept: Kept, nodes: int | None) -> list[Outcome]:
    """Return what is kept of what a function returned or raised, by rank.

    Parameters
    ----------
    kept : Kept
        What is kept of the job.
    nodes : int or None
        How many nodes it had; None when that is not known any more.
    """
    found: list[Outcome] = []
    rank = 0
    while nodes is None or rank < nodes:
        outcome = kept.load_result(rank)
        if outcome is not None:
            found.append(outcome)
        elif nodes is None:
            break
        rank += 1
    return found


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
    error = JobFailed(
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


def value(found: list[Outcome], name: str) -> Any:
    """Return what the function of a job returned; raises as `results.value` does."""
    if not found:
        raise JobFailed(
            f"The job {name!r} has no result.",
            "It ran no function: what a command has to say is in its log and its files.",
            "Look at logs(), or have the command write to storage.",
        )
    return results.value(found, name)

"""Keep what a job left on this machine, make sure that it is there, and read it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from dotrain import objects
from dotrain.errors import ConfigError, KubernetesNotFound, ResultUnreadable
from dotrain.jobs import keeping, lines, logs, records, results
from dotrain.jobs.keeping import Kept
from dotrain.jobs.lines import Line
from dotrain.jobs.records import Record
from dotrain.jobs.results import Outcome
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.target import Target

_GONE = "(The Pod of this rank was gone before its log was kept.)"


def keep(target: Target, kube: Kube, record: Record, status: JobStatus) -> None:
    """Keep the logs of all ranks of a job that has ended, and what its function returned.

    Parameters
    ----------
    target : Target
        The account.
    kube : Kube
        The cluster's Kubernetes API.
    record : Record
        The job.
    status : JobStatus
        How it ended.

    Raises
    ------
    ConfigError
        When it cannot be written here, or is not here after that.
    ResultUnreadable
        When the function of a job that succeeded has left no result.
    KubernetesError, StorageError
        When it cannot be read there.
    """
    cluster = kube.cluster["name"]
    kept = keeping.of(target, cluster, record.namespace, record.name, record.uid)
    try:
        pods = records.pods(kube, record.namespace, record.name)
        found = logs.read(kube, pods)
        for rank in set(range(len(status.pods))) - set(map(objects.rank, pods)):
            # Unless it was followed to its end.
            if not kept.load_log(rank):
                found.append(Line(0, rank, _GONE))
        keep_log(kept, found, len(status.pods))
        _keep_results(kept, kube, record, len(status.pods))
        if status.phase == "succeeded" and _is_function(kube, record):
            _check_results(kept, record, len(status.pods))
    except OSError as error:
        raise _not_there("what it left", kept) from error


def keep_log(kept: Kept, found: Iterable[Line], nodes: int) -> None:
    """Keep what the nodes of a job wrote, each line with its time; raises ConfigError."""
    texts: dict[int, list[str]] = defaultdict(list)
    for line in found:
        texts[line.rank].append(lines.stamped(line))
    for rank in range(nodes):
        text = "".join(f"{line}\n" for line in texts[rank])
        # What was kept while its Pods were there is more than what is left of them.
        if text or kept.load_log(rank) is None:
            kept.save_log(rank, text)
            if kept.load_log(rank) != text:
                raise _not_there(f"the log of rank {rank}", kept)


def kept_log(kept: Kept, ranks: Iterable[int]) -> list[Line]:
    """Return what is kept of what some nodes wrote."""
    return [
        lines.parse(raw, rank)
        for rank in ranks
        for raw in lines.split((kept.load_log(rank) or "").encode())
    ]


def kept_results(kept: Kept) -> list[Outcome]:
    """Return what is kept of what a function returned or raised, by rank."""
    found = (kept.load_result(rank) for rank in kept.ranks())
    return [one for one in found if one is not None]


def _keep_results(kept: Kept, kube: Kube, record: Record, nodes: int) -> None:
    # Without a function nothing was made for its results.
    with suppress(KubernetesNotFound):
        for rank in range(nodes):
            kept.collect(kube.read, record.namespace, record.name, rank, record.storage)


def _is_function(kube: Kube, record: Record) -> bool:
    secret = results.secret(record.name, 0)
    try:
        kube.read(f"/api/v1/namespaces/{record.namespace}/secrets/{secret}")
    except KubernetesNotFound:
        return False
    return True


def _check_results(kept: Kept, record: Record, nodes: int) -> None:
    for rank in range(nodes):
        found = kept.load_result(rank)
        if found is None:
            raise ResultUnreadable(
                f"What the job {record.name!r} returned on rank {rank} is not there.",
                "It has succeeded, and has handed over no result.",
                "Look at its logs().",
            )
        if found.is_value and not found.pickled:
            raise _not_there(f"the result of rank {rank}", kept)


def _not_there(what: str, kept: Kept) -> ConfigError:
    return ConfigError(
        f"Of the job {kept.name!r}, {what} is not kept on this machine.",
        f"{kept.directory} does not have all of it, after it was written.",
        "See that this directory can be written and read, then call wait() again.",
    )

"""Keep what a job left on this machine, and make sure that it is there."""

from __future__ import annotations

from dotrain.errors import ConfigError, KubernetesNotFound, ResultUnreadable
from dotrain.jobs import ending, keeping, logs, records, results
from dotrain.jobs.keeping import Kept
from dotrain.jobs.records import Record
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.target import Target


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
    kept = keeping.of(target, kube.cluster["name"], record.name)
    try:
        _keep_log(kept, kube, record)
        ending.keep_results(kept, kube, record, len(status.pods))
        if status.phase == "succeeded" and _is_function(kube, record):
            _check_results(kept, record, len(status.pods))
    except OSError as error:
        raise _not_there("what it left", kept) from error


def _keep_log(kept: Kept, kube: Kube, record: Record) -> None:
    found = logs.read(kube, records.pods(kube, record.namespace, record.name))
    ending.keep_log(kept, found)
    there = ending.kept_log(kept, {line.rank for line in found})
    if sorted(there) != sorted(found):
        raise _not_there("its log", kept)


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
        f"Of the job {kept.directory.name!r}, {what} is not kept on this machine.",
        f"{kept.directory} does not have all of it, after it was written.",
        "See that this directory can be written and read, then call wait() again.",
    )

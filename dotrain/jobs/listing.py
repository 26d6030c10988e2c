"""Jobs and their ranks as DataFrames, with the same columns and types always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from dotrain.jobs.status import JobStatus

_TIME, _SPAN = "datetime64[ns, UTC]", "timedelta64[ns]"
_JOBS = {
    "name": "str",
    "phase": "str",
    "nodes": "int64",
    "gpus": "int64",
    "restarts": "int64",
    "reason": "str",
    "started": _TIME,
    "finished": _TIME,
    "elapsed": _SPAN,
    "namespace": "str",
}
_RANKS = {
    "rank": "int64",
    "name": "str",
    "phase": "str",
    "node": "str",
    "restarts": "int64",
    "reason": "str",
    "started": _TIME,
    "finished": _TIME,
}


class Row(NamedTuple):
    """A job in a list: where it is, how it is, and how many GPUs it asked for in all."""

    namespace: str
    name: str
    status: JobStatus
    gpus: int


def jobs(rows: Iterable[Row]) -> pd.DataFrame:
    """Return jobs as a frame, the newest last; the columns are those of `Cluster.jobs`."""
    return _frame(
        [
            (
                row.name,
                row.status.phase,
                len(row.status.pods),
                row.gpus,
                row.status.restarts,
                row.status.reason,
                row.status.started,
                row.status.finished,
                row.status.elapsed,
                row.namespace,
            )
            for row in rows
        ],
        _JOBS,
    )


def ranks(status: JobStatus) -> pd.DataFrame:
    """Return the ranks of a job as a frame; the columns are those of `Job.pods`."""
    return _frame(
        [
            (
                pod.rank,
                pod.name,
                pod.phase,
                pod.node,
                pod.restarts,
                pod.reason,
                pod.started,
                pod.finished,
            )
            for pod in status.pods
        ],
        _RANKS,
    )


def _frame(rows: list[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    for name, kind in columns.items():
        if kind == _TIME:
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif kind == _SPAN:
            frame[name] = pd.to_timedelta(frame[name])
    return frame.astype(columns)

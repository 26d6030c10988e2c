"""What a cluster's Kubernetes API says, as DataFrames with the same columns and types always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from dotrain import objects
from dotrain.objects import Json

_TIME = "datetime64[ns, UTC]"
_NODES = {
    "name": "str",
    "pool": "str",
    "size": "str",
    "ready": "bool",
    "schedulable": "bool",
    "gpus": "int64",
    "pods": "int64",
    "version": "str",
    "created": _TIME,
}
_PODS = {
    "namespace": "str",
    "name": "str",
    "phase": "str",
    "ready": "bool",
    "reason": "str",
    "node": "str",
    "restarts": "int64",
    "gpus": "int64",
    "started": _TIME,
}
_EVENTS = {
    "time": _TIME,
    "type": "str",
    "reason": "str",
    "object": "str",
    "message": "str",
    "count": "int64",
}


def nodes(found: Iterable[Json], pods: Iterable[Json]) -> pd.DataFrame:
    """Return nodes as a frame, by name.

    Parameters
    ----------
    found, pods : iterable of mapping
        Nodes and Pods as Kubernetes' API describes them.

    Returns
    -------
    pandas.DataFrame
        Columns name, pool, size (str), ready, schedulable (bool), gpus (int,
        that Pods can have), pods (int, not finished), version (str), created
        (datetime, UTC).
    """
    there = Counter(objects.node_of(pod) for pod in pods if not objects.is_finished(pod))
    rows = [
        (
            node["metadata"]["name"],
            objects.pool_of(node),
            objects.size_of(node),
            objects.is_ready(node),
            objects.is_schedulable(node),
            objects.node_gpus(node),
            there[node["metadata"]["name"]],
            ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", ""),
            node["metadata"]["creationTimestamp"],
        )
        for node in found
    ]
    return _frame(rows, _NODES, "name")


def pods(found: Iterable[Json]) -> pd.DataFrame:
    """Return Pods as a frame, by namespace and name.

    Returns
    -------
    pandas.DataFrame
        Columns namespace, name, phase (str), ready (bool), reason (str, why it
        is not as it should be), node (str), restarts, gpus (int), started
        (datetime, UTC; NaT before).
    """
    rows = [
        (
            pod["metadata"]["namespace"],
            pod["metadata"]["name"],
            objects.phase(pod),
            objects.is_ready(pod),
            objects.reason(pod),
            objects.node_of(pod),
            objects.restarts(pod),
            objects.pod_gpus(pod),
            (pod.get("status") or {}).get("startTime"),
        )
        for pod in found
    ]
    return _frame(rows, _PODS, "namespace", "name")


def events(found: Iterable[Json]) -> pd.DataFrame:
    """Return events as a frame, the newest last.

    Returns
    -------
    pandas.DataFrame
        Columns time (datetime, UTC; the last time it happened), type, reason,
        object (``"Pod/default/train-0"``), message (str), count (int).
    """
    rows = [
        (
            objects.happened(event),
            event.get("type") or "",
            event.get("reason") or "",
            event_object(event),
            " ".join((event.get("message") or event.get("note") or "").split()),
            objects.count(event),
        )
        for event in found
    ]
    return _frame(rows, _EVENTS, "time")


def event_object(event: Json) -> str:
    """Return what an event is about: ``"Pod/default/train-0"``."""
    about = event["involvedObject"]
    parts = (about.get("kind"), about.get("namespace"), about.get("name"))
    return "/".join(part for part in parts if part)


def _frame(rows: list[tuple[Any, ...]], columns: Mapping[str, str], *by: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    for name, kind in columns.items():
        if kind == _TIME:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame.astype(columns).sort_values(list(by), ignore_index=True, kind="stable")

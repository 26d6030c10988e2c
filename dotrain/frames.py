"""Data as DataFrames, with the same columns and types also when there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from dotrain import names
from dotrain.exposure import Exposed
from dotrain.offers import Offer
from dotrain.pricing import Line
from dotrain.rules import Compared, Rule

_RULE = ("layer", "direction", "protocol", "ports", "peer", "label", "expires")
_SWEPT = {
    "cluster": "str",
    "action": "str",
    "why": "str",
    "ends": "datetime64[ns, UTC]",
    "outcome": "str",
}
_LEAKS = {
    "kind": "str",
    "id": "str",
    "name": "str",
    "cluster": "str",
    "hourly": "float64",
    "why": "str",
}
_CLUSTERS = {
    "name": "str",
    "state": "str",
    "region": "str",
    "version": "str",
    "nodes": "int64",
    "sizes": "str",
    "endpoint": "str",
    "created": "datetime64[ns, UTC]",
}

_BILL = {
    "cluster": "str",
    "item": "str",
    **dict.fromkeys(("hourly", "monthly", "most_hourly", "most_monthly", "so_far"), "float64"),
    "price": "str",
}
_SIZES = {
    "slug": "str",
    "vcpus": "int64",
    "memory_gib": "float64",
    "gpus": "int64",
    "gpu": "str",
    "vram_gib": "float64",
    "hourly": "float64",
    "monthly": "float64",
    "regions": "str",
    "available": "bool",
}


def rules(found: Iterable[Compared]) -> pd.DataFrame:
    """Return rules as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns layer, direction, protocol, ports, peer, label, expires, source,
        drift (all str), dotrain's own layers first, inbound before outbound.
    """
    rows = sorted(
        found, key=lambda one: (one.rule.layer == "doks-managed", one.rule.direction, one.rule)
    )
    return pd.DataFrame(
        [(*(getattr(one.rule, column) for column in _RULE), one.source, one.drift) for one in rows],
        columns=[*_RULE, "source", "drift"],
    ).astype("str")


def access(gains: Iterable[Rule], loses: Iterable[Rule]) -> pd.DataFrame:
    """Return who gains and who loses access as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns change (``"gains"`` or ``"loses"``), layer, direction, protocol,
        ports, peer (all str).
    """
    columns = ("layer", "direction", "protocol", "ports", "peer")
    rows = [
        (change, *(getattr(rule, column) for column in columns))
        for change, changed in (("gains", gains), ("loses", loses))
        for rule in changed
    ]
    return pd.DataFrame(rows, columns=["change", *columns]).astype("str")


def exposure(found: Iterable[Exposed]) -> pd.DataFrame:
    """Return what is exposed as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns peer, reaches, protocol, ports, via, note (all str).
    """
    columns = ["peer", "reaches", "protocol", "ports", "via", "note"]
    rows = [[getattr(one, column) for column in columns] for one in found]
    return pd.DataFrame(rows, columns=columns).astype("str")


def swept(rows: Iterable[Any]) -> pd.DataFrame:
    """Return what a sweep did as a frame.

    Parameters
    ----------
    rows : iterable of Row
        What it did, or would do.

    Returns
    -------
    pandas.DataFrame
        Columns cluster, action, why (str), ends (datetime, UTC), outcome (str).
    """
    fields = [[getattr(row, column) for column in _SWEPT] for row in rows]
    frame = pd.DataFrame(fields, columns=list(_SWEPT))
    frame["ends"] = pd.to_datetime(frame["ends"], utc=True)
    return frame.astype(_SWEPT)


def leaks(found: Iterable[Any]) -> pd.DataFrame:
    """Return what is left over as a frame.

    Parameters
    ----------
    found : iterable of Leak
        What is left over.

    Returns
    -------
    pandas.DataFrame
        Columns kind, id, name, cluster (str), hourly (float64), why (str).
    """
    rows = [[getattr(one, column) for column in _LEAKS] for one in found]
    return pd.DataFrame(rows, columns=list(_LEAKS)).astype(_LEAKS)


def gone(rows: Iterable[tuple[str, int, int]]) -> pd.DataFrame:
    """Return what a teardown deleted as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns kind (str), found (int, before), left (int, after).
    """
    return pd.DataFrame(rows, columns=["kind", "found", "left"])


def clusters(found: Iterable[Mapping[str, Any]], incomplete: Iterable[str] = ()) -> pd.DataFrame:
    """Return clusters as a frame.

    Parameters
    ----------
    found : iterable of mapping
        Clusters as the API describes them.
    incomplete : iterable of str
        Names of stacks that have no cluster.

    Returns
    -------
    pandas.DataFrame
        Columns name, state, region, version (str), nodes (int, of training
        pools), sizes, endpoint (str), created (datetime, UTC).
    """
    rows = []
    for one in found:
        name = names.cluster_of(one["tags"])
        if name is None:
            continue
        pools = training_pools(one)
        rows.append(
            (
                name,
                one["status"]["state"],
                one["region"],
                one["version"],
                sum(pool["count"] for pool in pools),
                ", ".join(sorted({pool["size"] for pool in pools})),
                one.get("endpoint") or "",
                one["created_at"],
            )
        )
    rows += [(name, "incomplete", "", "", 0, "", "", None) for name in incomplete]
    frame = pd.DataFrame(rows, columns=list(_CLUSTERS)).sort_values("name", ignore_index=True)
    frame["created"] = pd.to_datetime(frame["created"], utc=True, format="ISO8601")
    return frame.astype(_CLUSTERS)


def bill(found: Iterable[Line]) -> pd.DataFrame:
    """Return a bill as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns cluster, item (str), hourly, monthly, most_hourly, most_monthly,
        so_far (float, US dollars, missing where that is not known), price (str).
    """
    rows = [[getattr(one, column) for column in _BILL] for one in found]
    return pd.DataFrame(rows, columns=list(_BILL)).astype(_BILL)


def planned(now: Iterable[Line], after: Iterable[Line]) -> pd.DataFrame:
    """Return what a cluster costs now, and what it would cost after a change, as a frame.

    Returns
    -------
    pandas.DataFrame
        Column when (``"now"`` or ``"after"``), then as `bill`, less cluster and so_far.
    """
    both = pd.concat([bill(now), bill(after)], keys=["now", "after"], names=["when", None])
    frame = both.reset_index(level="when").reset_index(drop=True).astype({"when": "str"})
    return frame.drop(columns=["cluster", "so_far"])


def sizes(found: Iterable[Offer]) -> pd.DataFrame:
    """Return Droplet sizes as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns slug (str), vcpus (int), memory_gib (float), gpus (int), gpu
        (str), vram_gib, hourly, monthly (float), regions (str), available (bool).
    """
    rows = [[getattr(one, column) for column in _SIZES] for one in found]
    frame = pd.DataFrame(rows, columns=list(_SIZES))
    frame["regions"] = frame["regions"].map(", ".join)
    return frame.astype(_SIZES)


def training_pools(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a cluster's node pools but the first, which runs the cluster's own services."""
    return list(cluster["node_pools"][1:])

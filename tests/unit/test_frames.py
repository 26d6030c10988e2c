"""Frames: the same columns and types whatever there is to show."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from dotrain import frames
from dotrain.rules import Compared, Rule

# "str" is a type of its own from pandas 3 on, and object before.
STR = pd.Series(["x"]).astype("str").dtype
RULES = [
    "layer",
    "direction",
    "protocol",
    "ports",
    "peer",
    "label",
    "expires",
    "source",
    "drift",
]
CLUSTERS = ["name", "state", "region", "version", "nodes", "sizes", "endpoint", "created"]


def a_cluster(name: str = "bert", **changes: object) -> dict:
    return {
        "id": "c-1",
        "name": name,
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "tags": ["k8s", "k8s:c-1", "dotrain", f"dotrain:{name}"],
        "status": {"state": "running"},
        "endpoint": "https://c-1.k8s.ondigitalocean.com",
        "created_at": "2026-01-02T03:04:05Z",
        "node_pools": [
            {"name": "system", "size": "s-1vcpu-2gb", "count": 1},
            {"name": "a", "size": "s-4vcpu-8gb", "count": 2},
            {"name": "b", "size": "gpu-h100x1-80gb", "count": 3},
        ],
        **changes,
    }


@pytest.mark.parametrize(
    "found", [[], [Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32", "ssh (me)")]]
)
def test_rules_have_nine_columns_of_text(found) -> None:
    frame = frames.rules(Compared(rule, "spec", "missing") for rule in found)
    assert list(frame.columns) == RULES
    assert set(frame.dtypes) == {STR}
    assert list(frame.itertuples(index=False, name=None)) == [
        (*dataclasses.astuple(rule), "spec", "missing") for rule in found
    ]


def test_what_doks_manages_comes_last_and_inbound_before_outbound() -> None:
    rules = [
        Rule("doks-managed", "inbound", "tcp", "all", "10.0.0.0/8"),
        Rule("nodes", "outbound", "tcp", "443", "0.0.0.0/0"),
        Rule("nodes", "inbound", "tcp", "22", "203.0.113.7/32"),
        Rule("control-plane", "inbound", "tcp", "443", "203.0.113.7/32"),
    ]
    frame = frames.rules(Compared(rule, "spec", "") for rule in rules)
    assert list(zip(frame.layer, frame.direction, strict=True)) == [
        ("control-plane", "inbound"),
        ("nodes", "inbound"),
        ("nodes", "outbound"),
        ("doks-managed", "inbound"),
    ]


@pytest.mark.parametrize(
    ("found", "incomplete"), [([], []), ([a_cluster()], []), ([], ["left"]), ([a_cluster()], ["z"])]
)
def test_clusters_have_the_documented_columns(found, incomplete) -> None:
    frame = frames.clusters(found, incomplete)
    assert list(frame.columns) == CLUSTERS
    types = dict(frame.dtypes)
    assert types.pop("nodes") == "int64"
    assert types.pop("created") == "datetime64[ns, UTC]"
    assert set(types.values()) == {STR}
    assert len(frame) == len(found) + len(incomplete)


def test_a_cluster_is_a_row() -> None:
    (row,) = frames.clusters([a_cluster()]).to_dict("records")
    assert row == {
        "name": "bert",
        "state": "running",
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "nodes": 5,
        "sizes": "gpu-h100x1-80gb, s-4vcpu-8gb",
        "endpoint": "https://c-1.k8s.ondigitalocean.com",
        "created": pd.Timestamp("2026-01-02T03:04:05Z"),
    }


def test_clusters_of_others_are_left_out_and_the_rest_is_sorted() -> None:
    found = [a_cluster("vit"), a_cluster("other", tags=["k8s"]), a_cluster("bert")]
    assert list(frames.clusters(found, ["gpt"]).name) == ["bert", "gpt", "vit"]


def test_a_cluster_that_is_being_made_has_no_endpoint_yet() -> None:
    frame = frames.clusters([a_cluster(endpoint=None), a_cluster("vit", endpoint="")])
    assert list(frame.endpoint) == ["", ""]


def test_a_stack_without_a_cluster_is_incomplete() -> None:
    row = frames.clusters([], ["left"]).iloc[0]
    assert (row["state"], row["nodes"]) == ("incomplete", 0)
    assert pd.isna(row["created"])


def test_times_with_and_without_fractions_of_a_second_stand_together() -> None:
    found = [a_cluster(), a_cluster("vit", created_at="2026-01-02T03:04:05.678Z")]
    assert len(frames.clusters(found)) == len(found)

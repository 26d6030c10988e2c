"""Progress: the engine's events folded into what a reader wants to see."""

from __future__ import annotations

import json

import pytest
from pulumi.automation.events import EngineEvent, OpType

from dotrain.engine.progress import Progress

PREFIX = "urn:pulumi:bert::dotrain::dotrain:index:Cluster$"
CLUSTER = "digitalocean:index/kubernetesCluster:KubernetesCluster"


def step(event: str, op: str, kind: str = CLUSTER, name: str = "cluster") -> EngineEvent:
    """Return an event as the CLI writes it into its log."""
    metadata = {"op": op, "urn": f"{PREFIX}{kind}::{name}", "type": kind, "provider": "p"}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, event: {"metadata": metadata}})


def diagnostic(message: str, severity: str = "error", urn: str | None = None) -> EngineEvent:
    said = {"message": message, "color": "never", "severity": severity, "prefix": "error: "}
    if urn is not None:
        said["urn"] = urn
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "diagnosticEvent": said})


def fold(*events: EngineEvent) -> Progress:
    progress = Progress("up bert")
    for event in events:
        progress.on_event(event)
    return progress


def steps(progress: Progress) -> list[tuple[str, ...]]:
    return [(one.verb, one.kind, one.name, one.status) for one in progress.steps.values()]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        (["resourcePreEvent"], "running"),
        (["resourcePreEvent", "resOutputsEvent"], "done"),
        (["resourcePreEvent", "resOpFailedEvent"], "failed"),
    ],
)
def test_the_events_of_an_object_are_one_step(events, status) -> None:
    progress = fold(*(step(event, "create") for event in events))
    assert steps(progress) == [("create", "cluster", "cluster", status)]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("tag:Tag", "tag"),
        ("vpc:Vpc", "VPC"),
        ("firewall:Firewall", "firewall"),
        ("kubernetesNodePool:KubernetesNodePool", "node pool"),
        ("databaseCluster:DatabaseCluster", "database"),
        ("databaseFirewall:DatabaseFirewall", "database firewall"),
        ("project:Project", "Project"),
    ],
)
def test_kinds_have_words(kind, word) -> None:
    progress = fold(step("resourcePreEvent", "create", f"digitalocean:index/{kind}", "it"))
    assert steps(progress) == [("create", word, "it", "running")]


@pytest.mark.parametrize(
    ("op", "verb"),
    [
        ("create", "create"),
        ("create-replacement", "create"),
        ("import", "adopt"),
        ("update", "update"),
        ("delete", "delete"),
        ("delete-replaced", "delete"),
    ],
)
def test_operations_have_verbs(op, verb) -> None:
    assert [one[0] for one in steps(fold(step("resourcePreEvent", op)))] == [verb]


@pytest.mark.parametrize("op", ["same", "read", "refresh", "replace", "discard"])
def test_what_changes_nothing_is_not_shown(op) -> None:
    assert op in {one.value for one in OpType}
    assert steps(fold(step("resourcePreEvent", op), step("resOutputsEvent", op))) == []


@pytest.mark.parametrize(
    "kind", ["pulumi:pulumi:Stack", "dotrain:index:Cluster", "pulumi:providers:digitalocean"]
)
def test_what_is_no_object_of_digitalocean_is_not_shown(kind) -> None:
    assert steps(fold(step("resourcePreEvent", "create", kind))) == []


def test_making_one_and_deleting_the_other_are_two_steps() -> None:
    progress = fold(
        step("resourcePreEvent", "create-replacement"),
        step("resOutputsEvent", "create-replacement"),
        step("resourcePreEvent", "delete-replaced"),
    )
    assert [one[0::3] for one in steps(progress)] == [("create", "done"), ("delete", "running")]


def test_a_step_counts_from_its_beginning() -> None:
    progress = fold(step("resourcePreEvent", "create"))
    (before,) = progress.steps.values()
    progress.on_event(step("resOutputsEvent", "create"))
    (after,) = progress.steps.values()
    assert after.started == before.started
    assert 0 <= after.seconds < 5


def test_an_error_is_one_sentence_and_told_once() -> None:
    urn = f"{PREFIX}{CLUSTER}::cluster"
    progress = fold(
        diagnostic("error: creating the cluster:\n  422 name taken\n", urn=urn),
        diagnostic("creating the cluster: 422 name taken\n", urn=urn),
        diagnostic("another", urn=urn),
    )
    assert progress.failures == [
        "cluster: creating the cluster: 422 name taken",
        "cluster: another",
    ]


@pytest.mark.parametrize(
    "event",
    [
        diagnostic("update failed"),
        diagnostic("update failed", urn=""),
        diagnostic("careful", "warning", f"{PREFIX}{CLUSTER}::cluster"),
        diagnostic("registering", "debug", f"{PREFIX}{CLUSTER}::cluster"),
        EngineEvent.from_json({"sequence": 1, "timestamp": 1, "cancelEvent": {}}),
        EngineEvent.from_json(
            {"sequence": 1, "timestamp": 1, "stdoutEvent": {"message": "x", "color": "never"}}
        ),
    ],
)
def test_what_is_no_error_of_an_object_is_ignored(event) -> None:
    progress = fold(event)
    assert progress.failures == []
    assert progress.steps == {}


def test_a_listener_hears_of_each_change_and_of_nothing_else() -> None:
    heard: list[str] = []
    progress = Progress("up bert", lambda key, _: heard.append(key))
    progress.note("It costs $1.")
    progress.on_event(step("resourcePreEvent", "same"))
    progress.on_event(step("resourcePreEvent", "create"))
    for _ in range(2):
        progress.on_event(diagnostic("no", urn=f"{PREFIX}{CLUSTER}::cluster"))
    progress.forgive()
    assert heard == ["note", "step", "failure", "forgive"]


def test_what_a_listener_hears_makes_the_same_progress_elsewhere() -> None:
    there = Progress("up bert")
    here = Progress("up bert", lambda key, value: there.take(key, json.loads(json.dumps(value))))
    here.note("It costs $1.")
    here.on_event(step("resourcePreEvent", "create"))
    here.on_event(diagnostic("no", urn=f"{PREFIX}{CLUSTER}::cluster"))
    here.on_event(step("resOpFailedEvent", "create"))
    there.take("of a newer version", {"any": "thing"})
    assert (there.notes, there.steps, there.failures) == (here.notes, here.steps, here.failures)
    here.forgive()
    assert there.failures == here.failures == []

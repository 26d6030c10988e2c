"""What an operation would do, and which input causes it, from the engine's events."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from dotrain.engine.preview import _UNKNOWN, Planned, planned

CLUSTER = "digitalocean:index/kubernetesCluster:KubernetesCluster"


def step(op: str, old: dict[str, Any], new: dict[str, Any], **more: Any) -> Planned | None:
    """Return what a step of the cluster is planned as; the event as the CLI writes it."""
    urn = f"urn:pulumi:bert::dotrain::{CLUSTER}::cluster"
    same = {"urn": urn, "type": CLUSTER, "id": "c", "parent": "", "provider": "p", "outputs": {}}
    states = {"old": {**same, "inputs": old}, "new": {**same, "inputs": new}}
    metadata = {"op": op, "urn": urn, "type": CLUSTER, "provider": "p", **states, **more}
    event = {"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": metadata}}
    return planned(EngineEvent.from_json(event))


def test_a_replacement_names_its_causes_with_their_values() -> None:
    found = step(
        "replace",
        {"name": "bert", "region": "nyc3", "nodePool": {"size": "s-1vcpu-2gb"}, "ha": True},
        {"name": "bert", "region": "ams3", "nodePool": {"size": "s-2vcpu-2gb"}, "ha": False},
        keys=["region", "nodePool.size", "ha"],
    )
    assert found == Planned(
        "replace",
        "cluster",
        "bert",
        ("region: nyc3 → ams3", "nodePool.size: s-1vcpu-2gb → s-2vcpu-2gb", "ha: True → False"),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [("vpc-1", _UNKNOWN), (["a"], ["b"]), (None, "a"), ({"secret": "a"}, {"secret": "b"})],
)
def test_a_value_that_is_not_plain_or_not_known_is_not_shown(old, new) -> None:
    assert step("replace", {"it": old}, {"it": new}, keys=["it"]).because == ("it",)


def test_what_goes_because_something_else_does_names_what_differs() -> None:
    old = {"name": "bert", "region": "nyc3", "vpcUuid": "v-1", "__defaults": []}
    new = {"name": "bert", "region": "ams3", "vpcUuid": _UNKNOWN, "__defaults": ["x"]}
    assert step("replace", old, new).because == ("region: nyc3 → ams3", "vpcUuid")


def test_its_two_halves_are_no_steps_of_their_own() -> None:
    for half in ("delete-replaced", "create-replacement"):
        assert step(half, {"name": "bert"}, {"name": "bert"}) is None

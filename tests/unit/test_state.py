"""State: what a checkpoint of Pulumi's says, and what a damaged one does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from dotrain.engine import state
from dotrain.engine.workspace import Backend
from dotrain.errors import StateCorrupt
from dotrain.spec import ClusterSpec, Database, Resolved
from tests.unit.strategies import resolutions, specs

SPEC = ClusterSpec("bert", database=Database())
RESOLVED = Resolved("1.34.1-do.0", {"ada@laptop": ("203.0.113.7/32",)}, "17")
STACK = "urn:pulumi:bert::dotrain::pulumi:pulumi:Stack::dotrain-bert"
ROOT = "urn:pulumi:bert::dotrain::dotrain:index:Cluster::bert"
PREFIX = "urn:pulumi:bert::dotrain::dotrain:index:Cluster$"


def resource(kind: str, name: str, **more: object) -> dict:
    return {
        "urn": f"{PREFIX}{kind}::{name}",
        "custom": True,
        "id": f"id-of-{name}",
        "type": kind,
        "inputs": {"name": name},
        "parent": ROOT,
        "created": "2026-01-02T03:04:05.678Z",
        **more,
    }


def checkpoint(*resources: dict, record: str | None = None, outputs: dict | None = None) -> dict:
    """Return a checkpoint as the Pulumi CLI 3.259 writes it."""
    component = {
        "urn": ROOT,
        "custom": False,
        "type": state.COMPONENT,
        "inputs": {"record": record},
        "parent": STACK,
        "propertyDependencies": {"record": []},
    }
    return {
        "version": 3,
        "checkpoint": {
            "stack": "organization/dotrain/bert",
            "latest": {
                "manifest": {"time": "2026-01-02T03:04:05Z", "magic": "ab", "version": "v3.259.0"},
                "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:No=:v1:yy:uH=="}},
                "resources": [
                    {
                        "urn": STACK,
                        "custom": False,
                        "type": "pulumi:pulumi:Stack",
                        **({"outputs": outputs} if outputs is not None else {}),
                    },
                    *([component] if record is not None else []),
                    *resources,
                ],
                "metadata": {},
            },
        },
    }


@pytest.fixture
def backend(tmp_path) -> Backend:
    backend = Backend(f"file://{tmp_path}", tmp_path)
    backend.checkpoint("bert").parent.mkdir(parents=True)
    return backend


def write(backend: Backend, content: object) -> Path:
    path = backend.checkpoint("bert")
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_a_stack_remembers_its_spec_outputs_and_objects(backend) -> None:
    write(
        backend,
        checkpoint(
            resource("pulumi:providers:digitalocean", "default_4_84_1"),
            resource("digitalocean:index/tag:Tag", "tag"),
            resource("digitalocean:index/kubernetesCluster:KubernetesCluster", "cluster"),
            resource("digitalocean:index/vpc:Vpc", "vpc", delete=True),
            resource("digitalocean:index/vpc:Vpc", "unborn", id=""),
            record=state.record(SPEC, RESOLVED),
            outputs={"tag": "dotrain:bert"},
        ),
    )
    assert state.read(backend, "bert") == state.State(
        spec=SPEC,
        resolved=RESOLVED,
        outputs={"tag": "dotrain:bert"},
        resources={"tag": "id-of-tag", "cluster": "id-of-cluster"},
    )


@given(specs, resolutions)
def test_what_is_recorded_is_read_back(spec, resolved) -> None:
    deployment = checkpoint(record=state.record(spec, resolved))["checkpoint"]["latest"]
    read = state.parse(deployment, "bert")
    assert (read.spec, read.resolved) == (spec, resolved)


def test_no_file_is_no_stack(backend) -> None:
    assert state.read(backend, "bert") is None


@pytest.mark.parametrize(
    "content",
    [
        {"version": 3, "checkpoint": {"stack": "organization/dotrain/bert"}},
        {"version": 3, "checkpoint": {"stack": "organization/dotrain/bert", "latest": None}},
        {"version": 3, "checkpoint": {"latest": {"manifest": {}, "resources": None}}},
        checkpoint(),
    ],
)
def test_a_stack_just_made_remembers_nothing(backend, content) -> None:
    write(backend, content)
    assert state.read(backend, "bert") == state.State(None, None, {}, {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version": 3, "checkpo',
        b"\x1f\x8b\x08\x00\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        {"checkpoint": None},
        {"checkpoint": {"latest": {"resources": [{"urn": STACK}]}}},
        {"checkpoint": {"latest": {"resources": ["x"]}}},
        checkpoint(record="{"),
        checkpoint(record="[1]"),
        checkpoint(record='{"spec": {}, "resolved": {}}'),
        checkpoint(record=json.dumps({"spec": SPEC.to_dict(), "resolved": {"me": {}}})),
    ],
)
def test_a_damaged_file_is_named_with_its_backup(backend, content) -> None:
    path = write(backend, content)
    with pytest.raises(StateCorrupt) as caught:
        state.read(backend, "bert")
    assert str(path) in caught.value.why
    assert f"{path}.bak" in caught.value.fix
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_damaged(backend) -> None:
    backend.checkpoint("bert").mkdir()
    with pytest.raises(StateCorrupt):
        state.read(backend, "bert")


def test_stacks_are_the_files_and_not_their_backups(backend) -> None:
    for name in ("vit.json", "bert.json", "bert.json.bak", "bert.json.attrs"):
        backend.checkpoint("bert").with_name(name).write_text("{}")
    assert state.stacks(backend) == ["bert", "vit"]


def test_a_backend_that_does_not_exist_has_no_stacks(tmp_path) -> None:
    assert state.stacks(Backend("file://x", tmp_path / "missing")) == []

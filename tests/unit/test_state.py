"""State: what a checkpoint of Pulumi's says, and what a damaged one does."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from dotrain.engine import restore, state
from dotrain.engine.workspace import Backend
from dotrain.errors import StateCorrupt, StateRestored, StateTooNew
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


CLUSTER = "digitalocean:index/kubernetesCluster:KubernetesCluster"


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
            resource(CLUSTER, "cluster", protect=True),
            resource("digitalocean:index/databaseCluster:DatabaseCluster", "database"),
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
        resources={"tag": "id-of-tag", "cluster": "id-of-cluster", "database": "id-of-database"},
        unprotected=frozenset({"database"}),
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


DAMAGED = [
    b"",
    bytes(4096),
    b'{"version": 3, "checkpo',
    b"\x1f\x8b\x08\x00\xff\xfe",
    b"\x28\xb5\x2f\xfd",
    b"null",
    b"[]",
    b"{}",
    {"checkpoint": None},
    {"version": "3", "checkpoint": {}},
    {"version": 3, "checkpoint": {"latest": {"resources": [{"urn": STACK}]}}},
    {"version": 3, "checkpoint": {"latest": {"resources": ["x"]}}},
    checkpoint(record="{"),
    checkpoint(record="[1]"),
    checkpoint(record='{"spec": {}, "resolved": {}}'),
    checkpoint(record=json.dumps({"spec": SPEC.to_dict(), "resolved": {"me": {}}})),
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_without_a_copy_is_named(backend, content) -> None:
    path = write(backend, content)
    before = path.read_bytes()
    with pytest.raises(StateCorrupt) as caught:
        state.read(backend, "bert")
    assert str(path) in caught.value.why
    assert f"{path}.bak" in caught.value.fix
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def saved(second: int, tag: str) -> dict:
    """Return a checkpoint that was saved at a second of a minute, with a tag to tell it by."""
    found = checkpoint(resource("digitalocean:index/tag:Tag", "tag", id=tag))
    found["checkpoint"]["latest"]["manifest"]["time"] = f"2026-01-02T05:04:{second:02}.5+02:00"
    return found


def keep(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


@pytest.mark.parametrize("content", [*DAMAGED, None])
def test_a_damaged_file_gives_way_to_the_newest_copy_that_can_be_read(backend, content) -> None:
    path = backend.checkpoint("bert")
    if content is not None:
        write(backend, content)
    damaged = path.read_bytes() if path.exists() else None
    keep(path.with_name("bert.json.bak"), saved(2, "before"))
    keep(backend.history("bert") / "bert-1795534048485182190.checkpoint.json", saved(1, "older"))
    keep(backend.history("bert") / "bert-1795534048485182191.checkpoint.json.gz", saved(9, "this"))
    keep(backend.history("bert") / "bert-1795534048485182191.history.json", b"{}")
    keep(backend.backups("bert") / "bert.1795534048485182192.json", saved(5, "another"))
    keep(backend.backups("bert") / "bert.1795534048485182193.json", b"{")
    with pytest.warns(StateRestored, match=r"saved at 2026-01-02 03:04:09 UTC, \d+ days? ago"):
        assert state.read(backend, "bert").resources == {"tag": "this"}
    # From now on it is the state, and what it replaced is kept.
    assert state.read(backend, "bert").resources == {"tag": "this"}
    kept = [one.read_bytes() for one in path.parent.glob("bert.json.broken-*")]
    assert kept == ([] if damaged is None else [damaged])
    assert "restored" in restore.pending(backend, "bert")
    restore.settle(backend, "bert")
    assert restore.pending(backend, "bert") is None


def test_a_stack_that_was_removed_stays_so_although_its_copies_are_there(backend) -> None:
    # As `pulumi stack rm` leaves it.
    keep(backend.checkpoint("bert").with_name("bert.json.bak"), checkpoint())
    keep(backend.history("bert") / "bert-1795534048485182190.checkpoint.json", b"{")
    assert state.read(backend, "bert") is None


def test_a_teams_state_is_left_alone(backend) -> None:
    shared = replace(backend, shared=True)
    path = write(backend, b"{")
    copy = path.with_name("bert.json.bak")
    keep(copy, saved(1, "old"))
    with pytest.raises(StateCorrupt, match="newest copy that can be read") as caught:
        state.read(shared, "bert")
    assert str(copy) in caught.value.fix
    assert path.read_bytes() == b"{"
    path.unlink()
    assert state.read(shared, "bert") is None


def test_a_compressed_state_is_read(backend) -> None:
    path = backend.checkpoint("bert")
    keep(path.with_name("bert.json.gz"), saved(1, "packed"))
    assert state.read(backend, "bert").resources == {"tag": "packed"}
    assert backend.stacks() == ["bert"]


def newer(version: int = 1, **fields: object) -> str:
    data = json.loads(state.record(SPEC, RESOLVED))
    data["version"] = version
    for name, value in fields.items():
        place, _, field = name.rpartition("__")
        inside = data["spec"][place] if place else data["spec"]
        (inside[0] if isinstance(inside, list) else inside)[field] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({**checkpoint(), "version": 5}, "version 5"),
        (checkpoint(record=newer(version=2)), "version 2"),
        (checkpoint(record=newer(gpus=8)), "gpus"),
        (checkpoint(record=newer(pools__spot=True)), "spot"),
        (checkpoint(record=newer(allow__until="dusk")), "until"),
        (checkpoint(record=newer(database__replicas=2)), "replicas"),
    ],
)
def test_what_a_newer_version_wrote_is_left_alone(backend, content, says) -> None:
    path = write(backend, content)
    keep(path.with_name("bert.json.bak"), saved(1, "old"))
    before = path.read_bytes()
    with pytest.raises(StateTooNew, match=says) as caught:
        state.read(backend, "bert")
    assert "pip install --upgrade dotrain" in caught.value.fix
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_record_of_before_there_were_versions_is_read(backend) -> None:
    data = json.loads(state.record(SPEC, RESOLVED))
    del data["version"]
    write(backend, checkpoint(record=json.dumps(data)))
    assert state.read(backend, "bert").spec == SPEC


def test_what_the_cli_exports_is_read_or_refused_alike() -> None:
    deployment = checkpoint(record=state.record(SPEC, RESOLVED))["checkpoint"]["latest"]
    exported = {"version": 3, "deployment": deployment}
    assert state.exported(json.dumps(exported), "bert").spec == SPEC
    with pytest.raises(StateTooNew):
        state.exported(json.dumps({**exported, "version": 5}), "bert")
    with pytest.raises(StateCorrupt):
        state.exported("{}", "bert")


def test_a_file_that_cannot_be_opened_is_damaged(backend) -> None:
    backend.checkpoint("bert").mkdir()
    with pytest.raises(StateCorrupt):
        state.read(backend, "bert")


def test_stacks_are_the_files_and_not_their_backups(backend) -> None:
    for name in ("vit.json", "bert.json", "bert.json.bak", "bert.json.attrs"):
        backend.checkpoint("bert").with_name(name).write_text("{}")
    assert backend.stacks() == ["bert", "vit"]


def test_a_backend_that_does_not_exist_has_no_stacks(tmp_path) -> None:
    assert Backend("file://x", tmp_path / "missing").stacks() == []

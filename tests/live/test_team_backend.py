"""A team keeps its state in a Pulumi backend of its own: here an S3 server on this machine."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

import dotrain
from dotrain import applying, lifecycle, operations, recall, stack, sweeping
from dotrain.api import Api
from dotrain.engine import locate, provider, standin, state
from dotrain.engine.driver import Driver
from dotrain.engine.progress import Progress
from dotrain.engine.provider import Provider
from dotrain.engine.workspace import Workspace, backend
from dotrain.errors import EngineError, OperationFailed, WrongPassphrase
from dotrain.grants import Grant
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target, start_sandbox, stop_sandbox
from dotrain.turn import Turn

pytestmark = pytest.mark.long(40)

SPEC = ClusterSpec("shared", pools=(Pool(count=3),), allow=(Grant("me"), Grant("203.0.113.0/24")))
RESOLVED = Resolved("1.34.1-do.0", {"ada@laptop": ("198.51.100.4/32",)})


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    address = f"127.0.0.1:{port}"
    # The server forgets nothing as long as its process lives.
    name = f"states-{uuid.uuid4()}"
    client = boto3.client("s3", endpoint_url=f"http://{address}", region_name="us-east-1")
    client.create_bucket(Bucket=name)
    yield f"s3://{name}?endpoint=http://{address}&s3ForcePathStyle=true"
    server.stop()


@pytest.fixture
def team(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's environment: the bucket, and the file with the passphrase they share."""
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("DOTRAIN_BACKEND", bucket)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    passphrase = tmp_path / "team"
    passphrase.write_text("shared by the team")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(passphrase))
    return passphrase


@pytest.fixture
def account(team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """An account with a team's backend, for want of a real one in a sandbox."""
    monkeypatch.setenv("DOTRAIN_SANDBOX_DELAY", "0")
    monkeypatch.setenv("DOTRAIN_SANDBOX_POLL_SECONDS", "0.05")
    running = start_sandbox()
    target = Target("digitalocean", running["url"], running["token"], tmp_path / "mine")
    # The places that know a sandbox from DigitalOcean, and would keep them apart: an
    # operation has a process of its own, which would look for the official provider.
    for module in (lifecycle, recall, sweeping):
        monkeypatch.setattr(module, "current", lambda: target)
    monkeypatch.setattr(stack, "open_driver", lambda target, name, *_: on(target, name))
    monkeypatch.setattr(operations, "_begin", begin)
    yield target
    stop_sandbox()


def begin(
    target: Target, name: str, kind: str, title: str, arguments: dict[str, Any]
) -> SimpleNamespace:
    """Do the work of an operation here, on the same backend with the same engine."""
    assert kind == "apply"
    turn = Turn(target, name, Progress(title), "here")
    spec = ClusterSpec.from_dict(arguments["spec"])
    applying.apply(turn, spec, applying.Options(force=arguments["force"], makes=arguments["makes"]))
    return SimpleNamespace(wait=lambda _: None)


def on(target: Target, name: str) -> Driver:
    engine = locate.find()
    assert engine is not None
    assert backend(target).directory is None
    target.directory.mkdir(mode=0o700, exist_ok=True)
    plugin = Provider(standin.write(), "stand-in", provider.wanted())
    return Driver(Workspace(target, name, engine, plugin))


def driver(home: Path) -> Driver:
    return on(Target("digitalocean", "https://api.digitalocean.com", "none", home), "shared")


def remember() -> None:
    """A program that makes nothing, remembers the spec and has a secret."""
    import pulumi

    class Component(pulumi.ComponentResource):
        def __init__(self) -> None:
            record = state.record(SPEC, RESOLVED)
            super().__init__(state.COMPONENT, SPEC.name, {"record": record})

    Component()
    pulumi.export("secret", pulumi.Output.secret("kubeconfig"))


def test_the_spec_of_a_shared_stack_is_read_on_another_machine(team: Path, tmp_path: Path) -> None:
    mine = driver(tmp_path / "mine")
    assert mine.read() is None
    mine.up(remember, Progress("up shared"))

    theirs = driver(tmp_path / "theirs")
    remembered = theirs.read()
    assert remembered is not None
    assert (remembered.spec, remembered.resolved) == (SPEC, RESOLVED)
    assert not (tmp_path / "theirs" / "passphrase").exists()

    team.write_text("another one")
    with pytest.raises(WrongPassphrase):
        driver(tmp_path / "third").up(remember, Progress("up shared"))
    team.write_text("shared by the team")
    theirs.destroy(Progress("down shared"))
    assert mine.read() is None


def test_settings_are_for_this_user_only(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("DOTRAIN_BACKEND", bucket)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    driver(tmp_path / "mine").up(remember, Progress("up shared"))
    passphrase = tmp_path / "mine" / "passphrase"
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "mine" / "stacks" / "shared").stat().st_mode) == 0o700


def test_the_password_of_a_backend_that_does_not_answer_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_BACKEND", "postgres://ada:5ecre7@127.0.0.1:1/states")
    with pytest.raises(OperationFailed, match="unable to open") as caught:
        driver(tmp_path / "ada").read()
    said = f"{caught.value} {caught.value.failures} {caught.value.__cause__}"
    assert "127.0.0.1:1" in said
    assert "5ecre7" not in said


def test_a_team_sees_and_sweeps_all_its_stacks(account: Target) -> None:
    from dotrain.program import create_program

    assert dotrain.clusters().empty
    expired = Grant("203.0.113.0/24", ("https",), "office", "2020-01-01T00:00:00Z")
    spec = ClusterSpec("whole", allow=(Grant("198.51.100.4"), expired))
    program = create_program(spec, Resolved("1.34.1-do.0"))
    on(account, "whole").up(program, Progress("up whole"))
    on(account, "shared").up(remember, Progress("up shared"))

    frame = dotrain.clusters()
    states = dict(zip(frame.name, frame.state, strict=True))
    assert states == {"whole": "running", "shared": "incomplete"}

    (row,) = dotrain.sweep().itertuples()
    assert (row.cluster, row.outcome, "office" in row.why) == ("whole", "done", True)
    with closing(Api(account)) as api:
        (firewall,) = (
            one
            for one in api.pages("/v2/firewalls", "firewalls")
            if one["tags"] == ["dotrain:whole"]
        )
    assert firewall["inbound_rules"] == [
        {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["198.51.100.4/32"]}}
    ]
    assert dotrain.sweep().empty


def test_a_backend_that_does_not_answer_is_said(
    account: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_BACKEND", "s3://nothing?endpoint=http://127.0.0.1:1&region=x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(EngineError, match="cannot be listed"):
        dotrain.clusters()

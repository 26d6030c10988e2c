"""A team keeps its state in a Pulumi backend of its own: here an S3 server on this machine."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from dotrain.engine import locate, state
from dotrain.engine.driver import Driver
from dotrain.engine.progress import Progress
from dotrain.engine.provider import Provider
from dotrain.engine.workspace import Workspace, backend
from dotrain.errors import OperationFailed, WrongPassphrase
from dotrain.grants import Grant
from dotrain.spec import ClusterSpec, Pool, Resolved
from dotrain.target import Target

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


def driver(home: Path) -> Driver:
    engine = locate.find()
    assert engine is not None
    home.mkdir(mode=0o700, exist_ok=True)
    target = Target("digitalocean", "https://api.digitalocean.com", "none", home)
    assert backend(target).directory is None
    return Driver(Workspace(target, "shared", engine, Provider(home, "official", "4.84.1")))


def remember() -> None:
    """A program that makes nothing, remembers the spec and has a secret."""
    import pulumi

    class Component(pulumi.ComponentResource):
        def __init__(self) -> None:
            record = state.record(SPEC, RESOLVED)
            super().__init__(state.COMPONENT, SPEC.name, {"record": record})

    Component()
    pulumi.export("secret", pulumi.Output.secret("kubeconfig"))


def test_the_spec_of_a_shared_stack_is_read_on_another_machine(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("DOTRAIN_BACKEND", bucket)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    passphrase = tmp_path / "team"
    passphrase.write_text("shared by the team")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(passphrase))
    mine = driver(tmp_path / "mine")
    assert mine.read() is None
    mine.up(remember, Progress("up shared"))

    theirs = driver(tmp_path / "theirs")
    remembered = theirs.read()
    assert remembered is not None
    assert (remembered.spec, remembered.resolved) == (SPEC, RESOLVED)
    assert not (tmp_path / "theirs" / "passphrase").exists()

    passphrase.write_text("another one")
    with pytest.raises(WrongPassphrase):
        driver(tmp_path / "third").up(remember, Progress("up shared"))
    passphrase.write_text("shared by the team")
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

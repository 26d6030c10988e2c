"""Why the engine failed: what Pulumi 3.259 says, as the error that says what to do."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from dotrain.engine import diagnosis
from dotrain.engine.locate import Engine
from dotrain.engine.provider import Provider
from dotrain.engine.workspace import Workspace
from dotrain.errors import (
    ConfigError,
    DotrainError,
    EngineError,
    EngineNotFound,
    OperationFailed,
    StateCorrupt,
    StateTooNew,
    WrongPassphrase,
)
from dotrain.target import Target

ENGINE = Path("/opt/pulumi")
LOCK = "{home}/state/.pulumi/locks/organization/dotrain/bert/0e67.json.18eb.tmp"


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    target = Target("sandbox", "http://127.0.0.1:9", "none", tmp_path)
    engine = Engine(ENGINE, "3.259.0", "PATH")
    return Workspace(target, "bert", engine, Provider(tmp_path, "stand-in", "4.84.1"))


SAID = [
    ("error: incorrect passphrase", WrongPassphrase, "passphrase"),
    (
        "error: failed to load checkpoint: unsupported checkpoint version 5",
        StateTooNew,
        "pip install --upgrade",
    ),
    (
        (
            "error: failed to load checkpoint: this stack's deployment needs support for the "
            "following features: telepathy"
        ),
        StateTooNew,
        "telepathy",
    ),
    (
        (
            "error: state store unsupported: 'meta.yaml' version (2) is not supported by this "
            "version of the Pulumi CLI"
        ),
        StateTooNew,
        "version (2)",
    ),
    (
        "error: failed to load checkpoint: place 1: unexpected end of JSON input",
        StateCorrupt,
        "history",
    ),
    ("The Pulumi CLI encountered a snapshot integrity error. This is a bug!", StateCorrupt, "hist"),
    ('error: corrupt store: missing version in ".pulumi/meta.yaml"', StateCorrupt, "Delete"),
    (
        f"error: 2 errors occurred:\n\t* 1) write {LOCK}: no space left on device\n\t* 2) x",
        OperationFailed,
        "Free some space",
    ),
    (
        f"error: 2 errors occurred:\n\t* 1) open {LOCK}: read-only file system",
        OperationFailed,
        "writable",
    ),
]


@pytest.mark.parametrize(("said", "kind", "hint"), SAID)
def test_what_the_engine_says_of_the_state_is_said_with_what_to_do(
    said, kind, hint, workspace
) -> None:
    said = said.format(home=workspace.target.directory)
    error = diagnosis.of_engine(said, said.splitlines()[0], workspace, "up bert", ())
    assert type(error) is kind
    assert hint in str(error)
    assert "\n" not in str(error)
    assert error.fix


@pytest.mark.parametrize(
    "said",
    [
        "error: update failed",
        "error: could not start plugin: fork/exec /opt/plugin: permission denied",
    ],
)
def test_what_is_not_about_the_state_is_left_to_others(said, workspace) -> None:
    assert diagnosis.of_engine(said, said, workspace, "up bert", ()) is None


def test_what_digitalocean_says_of_an_object_is_not_about_the_state(workspace) -> None:
    said = "error: failed to load checkpoint: no space left on device"
    failures = ["cluster: json: cannot unmarshal string"]
    assert diagnosis.of_engine(said, said, workspace, "up bert", failures) is None


@pytest.mark.parametrize(
    ("code", "name", "kind", "hint"),
    [
        (errno.ENOSPC, None, ConfigError, "Free some space"),
        (errno.EDQUOT, "/x", ConfigError, "Free some space"),
        (errno.EROFS, "/x", ConfigError, "writable"),
        (errno.EACCES, "/x", ConfigError, "writable"),
        (errno.ENOENT, str(ENGINE), EngineNotFound, "engine install"),
        (errno.EACCES, str(ENGINE), EngineNotFound, "engine install"),
        (errno.ENOMEM, None, EngineError, "doctor"),
    ],
)
def test_what_the_system_refuses_is_said_with_what_to_do(code, name, kind, hint, workspace) -> None:
    error = diagnosis.of_system(OSError(code, "refused", name), workspace)
    assert type(error) is kind
    assert isinstance(error, DotrainError)
    assert hint in error.fix
    assert "\n" not in str(error)

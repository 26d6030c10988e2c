"""A data directory that cannot be written, a passphrase that is another, an engine that is gone."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dotrain
from dotrain import errors
from dotrain.engine import locate
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(90)

# What lets root write where the permissions of files forbid it.
_OVERRIDES = (1, 2)
_PR_CAPBSET_DROP = 24


def without_overrides() -> None:
    """Have the permissions of files bind this process, once it has started another program."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in _OVERRIDES:
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno())


def with_little_room() -> None:
    """Let no file of this process and its children grow beyond 100 kB: the rest does not fit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))


def fails(code: str, prepare: Callable[[], None]) -> str:
    """Run dotrain in a process of its own, and return the last line of its traceback."""
    script = f"import dotrain; dotrain.use_sandbox(); {code}"
    done = subprocess.run(
        [sys.executable, "-c", script], preexec_fn=prepare, capture_output=True, check=False
    )
    assert done.returncode != 0
    return done.stderr.decode().strip().splitlines()[-1]


def state_files(home: Path, name: str) -> dict[Path, bytes]:
    state = home / "sandbox/state/.pulumi"
    return {path: path.read_bytes() for path in state.rglob(f"{name}*") if path.is_file()}


def count(name: str, sandbox: Sandbox) -> int:
    (cluster,) = [one for one in sandbox.objects("clusters") if one["name"] == name]
    return int(cluster["node_pools"][1]["count"])


def test_another_passphrase_is_noticed_before_a_new_stack_is_encrypted_with_it(
    sandbox: Sandbox, module_home: Path
) -> None:
    dotrain.up("first")
    path = module_home / "sandbox" / "passphrase"
    right = path.read_text()
    before = sandbox.last_request()

    def refused(match: str) -> None:
        with pytest.raises(errors.WrongPassphrase, match=match) as caught:
            dotrain.up("second")
        assert "\n" not in str(caught.value)
        assert right not in str(caught.value)
        assert sandbox.changes(before) == []

    path.write_text("another one")
    refused("not the one that it was")
    path.write_bytes(b"\xff\xfe")
    refused("It is not text")
    path.write_text(" \n")
    refused("empty")
    path.unlink()
    path.mkdir()
    refused("cannot be read")
    path.rmdir()
    refused("gone")
    # As an editor or `echo` would restore it.
    path.write_text(f"{right}\n")
    dotrain.up("second")
    assert right not in (module_home / "sandbox" / "passphrase.check").read_text()
    dotrain.down("first", confirm="first")
    dotrain.down("second", confirm="second")
    # Nothing is encrypted any more, so that any passphrase is as good.
    path.write_text("a new beginning")
    dotrain.up("third")
    dotrain.down("third", confirm="third")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CLI of this test's own, which it may break."""
    path = tmp_path / "pulumi"
    path.symlink_to(os.environ["DOTRAIN_PULUMI"])
    monkeypatch.setenv("DOTRAIN_PULUMI", str(path))
    return path


def old(path: Path) -> None:
    path.write_text("#!/bin/sh\necho v3.100.0\n")
    path.chmod(0o755)


def half(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01")
    path.chmod(0o755)


def test_an_engine_that_was_replaced_is_said_so_between_operations_and_within_one(
    sandbox: Sandbox, cli: Path
) -> None:
    cluster = dotrain.up("moved")
    real = cli.resolve()
    before = sandbox.last_request()
    for replace, says in ((Path.unlink, "does not exist"), (half, "start"), (old, "3.100.0")):
        cli.unlink()
        cli.touch()
        replace(cli)
        with pytest.raises(errors.EngineNotFound, match=says):
            cluster.resize(count=2)
        cli.touch()
    assert sandbox.changes(before) == []
    # A teardown starts the CLI three times: here it is another one from the third on.
    old(cli.with_name("pulumi.next"))
    cli.write_text(
        f'#!/bin/sh\ncase "$*" in *destroy*) mv "$0.next" "$0";; esac\nexec {real} "$@"\n'
    )
    cli.chmod(0o755)
    with pytest.raises(errors.EngineNotFound, match="was changed while") as caught:
        dotrain.down("moved", confirm="moved")
    assert "3.100.0" in str(caught.value)
    assert "\n" not in str(caught.value)
    cli.unlink()
    cli.symlink_to(real)
    assert dotrain.down("moved", confirm="moved").left.sum() == 0
    assert sandbox.objects("clusters") == []


def test_an_engine_that_is_replaced_while_it_works_finishes(sandbox: Sandbox, cli: Path) -> None:
    real = cli.resolve()
    cli.unlink()
    cli.write_text(f'#!/bin/sh\ncase "$*" in *" up "*) rm "$0"; ln -s {real} "$0";; esac\n')
    with cli.open("a") as file:
        file.write(f'exec {real} "$@"\n')
    cli.chmod(0o755)
    dotrain.up("swapped")
    assert cli.is_symlink()
    assert locate.check(cli)[0] is not None


def test_what_the_users_own_pulumi_is_told_does_not_hide_a_stack(
    sandbox: Sandbox, module_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for switch in ("GZIP", "ZSTD", "RETAIN_CHECKPOINTS"):
        monkeypatch.setenv(f"PULUMI_DIY_BACKEND_{switch}", "true")
    monkeypatch.setenv("PULUMI_SELF_MANAGED_STATE_GZIP", "true")
    monkeypatch.setenv("PULUMI_RETAIN_CHECKPOINTS", "true")
    dotrain.up("packed")
    stacks = module_home / "sandbox/state/.pulumi/stacks/dotrain"
    assert {path.name for path in stacks.glob("packed*")} == {"packed.json", "packed.json.bak"}


@pytest.fixture(scope="module")
def kept(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("kept")


def test_a_full_disk_is_said_before_anything_is_changed(
    sandbox: Sandbox, module_home: Path, kept: dotrain.Cluster
) -> None:
    # What Pulumi leaves of a lock that did not fit, which it cannot read itself.
    locks = module_home / "sandbox/state/.pulumi/locks/organization/dotrain/kept"
    (locks / "11111111-1111-1111-1111-111111111111.json.18eb065a168c4a05.tmp").touch()
    before, files = sandbox.last_request(), state_files(module_home, "kept")
    said = fails("dotrain.get('kept').resize(count=2)", with_little_room)
    assert said.startswith("dotrain.errors.ConfigError: The disk is full.")
    assert "Free some space" in said
    assert sandbox.changes(before) == []
    assert state_files(module_home, "kept") == files
    kept.resize(count=2)
    assert count("kept", sandbox) == 2


def test_a_directory_that_may_not_be_written_is_said_before_anything_is_changed(
    sandbox: Sandbox, module_home: Path, kept: dotrain.Cluster
) -> None:
    before, files = sandbox.last_request(), state_files(module_home, "kept")
    state = module_home / "sandbox/state"
    state.chmod(0o500)
    try:
        said = fails("dotrain.get('kept').resize(count=3)", without_overrides)
    finally:
        state.chmod(0o700)
    assert said.startswith("dotrain.errors.ConfigError:")
    assert "writ" in said
    assert "DOTRAIN_HOME" in said
    assert sandbox.changes(before) == []
    assert state_files(module_home, "kept") == files
    kept.resize(count=3)
    assert count("kept", sandbox) == 3

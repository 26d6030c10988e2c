"""Finding a Pulumi CLI: the order, and what is good enough."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from dotrain.engine import gotool, locate, versions
from dotrain.engine.locate import VERSION
from dotrain.errors import EngineNotFound


def install(path):
    place = locate.install_path()
    place.parent.mkdir(parents=True)
    place.symlink_to(path)
    return place


def test_the_version_is_the_one_that_the_go_module_pins():
    text = gotool.module_file("pulumi", "go.mod").decode()
    pinned = re.findall(r"github\.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", text)
    assert pinned == [VERSION, VERSION]


def test_a_machine_without_one_has_none(home):
    assert locate.find() is None


def test_the_real_cli_is_found_where_the_environment_says(home, engine_path, monkeypatch):
    monkeypatch.setenv("DOTRAIN_PULUMI", str(engine_path))
    engine = locate.find()
    assert (engine.path, engine.origin) == (engine_path, "DOTRAIN_PULUMI")
    assert versions.parse(engine.version) >= versions.parse(VERSION)


def test_the_real_cli_is_found_on_path(home, engine_path, tmp_path, on_path):
    link = tmp_path / "bin" / "pulumi"
    link.parent.mkdir()
    link.symlink_to(engine_path)
    on_path(link)
    engine = locate.find()
    assert (engine.path, engine.origin) == (link, "PATH")


def test_the_real_cli_is_found_where_dotrain_installs(home, engine_path):
    place = install(engine_path)
    engine = locate.find()
    assert (engine.path, engine.origin) == (place, "installed")
    assert place == home / "engine" / VERSION / "bin" / "pulumi"


def test_the_environment_goes_before_path_and_path_before_the_installed(
    home, script, on_path, monkeypatch
):
    good = f"echo v{VERSION}"
    install(script("c/pulumi", good))
    assert locate.find().origin == "installed"
    on_path(script("b/pulumi", good))
    assert locate.find().origin == "PATH"
    monkeypatch.setenv("DOTRAIN_PULUMI", str(script("a/pulumi", good)))
    assert locate.find().origin == "DOTRAIN_PULUMI"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo v3.258.9", "is version 3.258.9; dotrain needs 3.259.0 or a later 3.x"),
        ("echo v3.259.0-beta.1", "is version 3.259.0-beta.1"),
        ("echo v4.0.0", "is version 4.0.0"),
        ("echo", "prints no version"),
        ("echo Hello", "prints 'Hello' instead of a version"),
        ("exit 3", "exit status 3"),
    ],
)
def test_a_named_cli_that_will_not_do_is_an_error(home, script, monkeypatch, body, reason):
    path = script("bin/pulumi", body)
    monkeypatch.setenv("DOTRAIN_PULUMI", str(path))
    with pytest.raises(EngineNotFound) as caught:
        locate.find()
    assert str(path) in caught.value.what
    assert reason in caught.value.why
    assert "dotrain engine install" in caught.value.fix


@pytest.mark.parametrize("kind", ["missing", "plain", "directory", "foreign"])
def test_a_named_file_that_does_not_run_is_an_error(home, tmp_path, monkeypatch, kind):
    path = tmp_path / "pulumi"
    if kind == "directory":
        path.mkdir()
    elif kind != "missing":
        path.write_text("\x7fELF nonsense")
        path.chmod(0o755 if kind == "foreign" else 0o644)
    monkeypatch.setenv("DOTRAIN_PULUMI", str(path))
    with pytest.raises(EngineNotFound, match=r"does not exist|not an executable|does not start"):
        locate.find()


def test_an_old_one_on_path_is_passed_over_with_a_reason(home, script, on_path):
    old = script("old/pulumi", "echo v3.100.0")
    new = script("new/pulumi", "echo v3.300.1")
    on_path(old, new)
    engine, rejected = locate.on_path()
    assert (engine.path, engine.version) == (new, "3.300.1")
    assert rejected == (f"{old} is version 3.100.0; dotrain needs 3.259.0 or a later 3.x",)


def test_a_cli_is_asked_once_until_it_changes(home, script, on_path, tmp_path):
    log = tmp_path / "asked"
    path = script("bin/pulumi", f"echo x >> {log}; echo v{VERSION}")
    on_path(path)
    assert locate.find() == locate.find()
    assert log.read_text() == "x\n"
    os.utime(path, ns=(1, 1))
    locate.find()
    assert log.read_text() == "x\nx\n"


def test_a_failure_is_not_remembered(home, script, on_path, tmp_path):
    busy = tmp_path / "busy"
    busy.touch()
    on_path(script("bin/pulumi", f"[ -e {busy} ] && exit 1; echo v{VERSION}"))
    assert locate.find() is None
    busy.unlink()
    assert locate.find() is not None


def test_finding_does_not_import_the_sdk():
    code = "import sys, dotrain.engine.locate; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("text", ["", "dev", "v3", "v3.2", "3.2.x", "v3.2.1 beta", "go1.26.6"])
def test_what_is_no_version_is_not_guessed_at(text):
    assert versions.parse(text) is None

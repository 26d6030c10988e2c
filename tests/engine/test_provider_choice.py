"""Which provider runs: the official one wherever it can be had, the stand-in never for real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dotrain.engine import provider, standin
from dotrain.engine.locate import VERSION, Engine
from dotrain.errors import ProviderNotFound

SDK = provider.wanted()
MAJOR, MINOR, PATCH = (int(part) for part in SDK.split("."))
NEWER = f"{MAJOR}.{MINOR + 1}.0"


def quiet(_: str) -> None:
    pass


@pytest.fixture
def offline(home, no_network, script, tmp_path):
    """A CLI that cannot download, behind a network that would not let it; and its log."""
    log = tmp_path / "attempts"
    path = script("cli/pulumi", f'echo "$@" >> {log}; echo "error: no route to host"; exit 1')
    return Engine(path, VERSION, "PATH"), log


@pytest.fixture
def plugin(script):
    def make(version: str, home: str = "users-pulumi") -> Path:
        folder = f"{home}/plugins/resource-digitalocean-v{version}"
        return script(f"{folder}/{standin.NAME}", "exit 9").parent

    return make


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_official_one_on_path_runs_for_both_targets(offline, script, on_path, sandbox):
    path = script(f"bin/{standin.NAME}", f'[ "$1" = -version ] && echo v{SDK}')
    on_path(path)
    said = []
    chosen = provider.choose(sandbox=sandbox, engine=offline[0], progress=said.append)
    assert chosen == provider.Provider(path.parent, "official", SDK)
    assert said == [f"the official DigitalOcean provider {SDK} runs: {path.parent}"]


@pytest.mark.parametrize("version", ["4.0.0", f"{MAJOR + 1}.0.0", "", "dev"])
def test_an_unfit_one_on_path_is_passed_over(offline, script, on_path, version):
    on_path(script(f"bin/{standin.NAME}", f"echo {version}"))
    assert provider.official() is None


@pytest.mark.parametrize("home_name", ["users-pulumi", "home/pulumi"])
def test_the_newest_fitting_plugin_is_chosen(offline, plugin, home_name):
    plugin("4.0.0", home_name)
    plugin(SDK, home_name)
    newest = plugin(NEWER, home_name)
    plugin(f"{MAJOR + 1}.0.0", home_name)
    chosen = provider.choose(sandbox=False, engine=offline[0], progress=quiet)
    assert chosen == provider.Provider(newest, "official", NEWER)


def test_a_plugin_that_is_still_being_installed_is_not_used(offline, plugin):
    directory = plugin(SDK)
    directory.with_name(f"{directory.name}.partial").touch()
    assert provider.official() is None


def test_an_older_plugin_is_not_used_since_it_drops_what_it_does_not_know(offline, plugin):
    plugin(f"{MAJOR}.{MINOR - 1}.0")
    with pytest.raises(ProviderNotFound):
        provider.choose(sandbox=False, engine=offline[0], progress=quiet)


def test_the_real_api_without_an_official_one_is_an_error(offline):
    with pytest.raises(ProviderNotFound) as caught:
        provider.choose(sandbox=False, engine=offline[0], progress=quiet)
    assert SDK in caught.value.what
    assert "no route to host" in caught.value.why
    assert "dotrain engine install" in caught.value.fix


def test_the_stand_in_never_passes_for_the_official_one(offline, plugin, on_path):
    directory = standin.write()
    on_path(directory / standin.NAME)
    copy = plugin(NEWER) / standin.NAME
    copy.write_text(standin.script())
    assert provider.official() is None
    with pytest.raises(ProviderNotFound):
        provider.choose(sandbox=False, engine=offline[0], progress=quiet)


def test_the_sandbox_falls_back_to_the_stand_in_and_says_so(offline, home):
    said = []
    chosen = provider.choose(sandbox=True, engine=offline[0], progress=said.append)
    assert (chosen.kind, chosen.version) == ("stand-in", SDK)
    assert chosen.directory.parent == home / "standin"
    assert "stand-in provider. Error: no route to host (exit status 1)." in said[-1]


def test_a_failed_download_is_not_tried_again_for_a_day(offline):
    engine, log = offline
    for _ in range(3):
        provider.choose(sandbox=True, engine=engine, progress=quiet)
    assert log.read_text().splitlines() == [
        f"plugin install resource digitalocean v{SDK} --non-interactive --color=never"
    ]
    assert "no route to host" in provider.last_failure()
    yesterday = time.time() - 86401
    os.utime(provider._memory(), (yesterday, yesterday))
    provider.choose(sandbox=True, engine=engine, progress=quiet)
    assert len(log.read_text().splitlines()) == 2


def test_asking_for_it_tries_at_once(offline):
    engine, log = offline
    for _ in range(2):
        with pytest.raises(ProviderNotFound):
            provider.fetch(engine, quiet)
    assert len(log.read_text().splitlines()) == 2


def test_a_download_that_works_is_used_and_forgets_the_failure(offline, script, home):
    provider.choose(sandbox=True, engine=offline[0], progress=quiet)
    able = script(
        "able/pulumi",
        f'd="$PULUMI_HOME/plugins/resource-digitalocean-v{SDK}"; mkdir -p "$d"\n'
        f'echo "#!/bin/sh" > "$d/{standin.NAME}"; chmod +x "$d/{standin.NAME}"',
    )
    fetched = provider.fetch(Engine(able, VERSION, "PATH"), quiet)
    assert fetched.directory.is_relative_to(home / "pulumi" / "plugins")
    assert provider.last_failure() == ""
    again = provider.choose(sandbox=True, engine=offline[0], progress=quiet)
    assert again == fetched


def test_the_real_cli_is_refused_in_time_and_heard(home, no_network, engine_path):
    with pytest.raises(ProviderNotFound, match="failed to download plugin"):
        provider.fetch(Engine(engine_path, VERSION, "PATH"), quiet)


def test_the_stand_in_is_written_once(home):
    path = standin.write() / standin.NAME
    before = path.stat()
    assert standin.write() / standin.NAME == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    assert before.st_mode & 0o777 == 0o700


def test_a_torn_stand_in_is_written_again(home):
    path = standin.write() / standin.NAME
    path.write_text("#!/bin/sh\n")
    standin.write()
    assert path.read_text() == standin.script()


def test_several_processes_write_one_whole_stand_in(home):
    code = "from dotrain.engine import standin; print(standin.write())"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    places = {process.communicate()[0].strip() for process in running}
    assert len(places) == 1
    directory = Path(places.pop())
    assert [path.name for path in directory.iterdir()] == [standin.NAME]
    assert (directory / standin.NAME).read_text() == standin.script()


def test_the_stand_in_runs_this_python_and_this_dotrain(home, script, monkeypatch, tmp_path):
    python = script("a folder/it's python", 'echo "$PYTHONPATH|$*"')
    monkeypatch.setattr(sys, "executable", str(python))
    path = standin.write() / standin.NAME
    out = subprocess.check_output(
        [path, "127.0.0.1:1"], cwd=tmp_path, env={"PYTHONPATH": "/other"}, text=True
    )
    package = Path(standin.__file__).parents[2]
    assert out == f"{package}:/other|-m dotrain.sandbox.provider 127.0.0.1:1\n"

"""A machine with nothing on it, a Pulumi CLI that is real, and a Go that only is slow."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from dotrain import config
from dotrain.engine.locate import VERSION

# Read before any test changes the environment.
_REAL = os.environ.get("DOTRAIN_PULUMI") or shutil.which("pulumi")
_TOOLS = ("sh", "cat", "chmod", "env", "mkdir", "sleep")

CLOSED_PROXY = "http://127.0.0.1:1"


@pytest.fixture
def engine_path() -> Path:
    if _REAL is None:
        pytest.fail("No Pulumi CLI: set DOTRAIN_PULUMI to one, or put `pulumi` on PATH.")
    return Path(_REAL).absolute()


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A data directory of its own, and nothing on PATH but what shell scripts need."""
    for name in list(os.environ):
        if name.startswith(("DOTRAIN_", "DIGITALOCEAN_", "PULUMI_", "GO")):
            monkeypatch.delenv(name)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in _TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "users-pulumi"))
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / "home"))
    # Installed or not, child processes import the dotrain under test.
    monkeypatch.setenv("PYTHONPATH", str(Path(sys.modules["dotrain.config"].__file__).parents[1]))
    return tmp_path / "home"


@pytest.fixture
def no_network(monkeypatch) -> None:
    """Refuse every download at once: a proxy where nobody listens, and no package index."""
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, CLOSED_PROXY)
    for name in ("no_proxy", "NO_PROXY", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("GOPROXY", "off")


@pytest.fixture
def script(tmp_path):
    """Write an executable shell script and return its path."""

    def write(relative: str, body: str) -> Path:
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def on_path(monkeypatch):
    """Put the directories of some executables on PATH, before the rest."""

    def put(*paths: Path) -> None:
        parts = [*(str(path.parent) for path in paths), os.environ["PATH"]]
        monkeypatch.setenv("PATH", os.pathsep.join(parts))

    return put


@pytest.fixture
def slow_go(tmp_path, script, on_path) -> Path:
    """A Go that "builds" a script, for as long as a file `hold` lasts; return its log."""
    log = tmp_path / "builds.log"
    go = script(
        "slow-go/go",
        f"""
case "$1" in
version) echo "go version go1.99.0 plan9/arm" ;;
list) echo "go: downloading example.com/a v1.0.0"; echo example.com/a ;;
build)
    echo "$$" >> {log}
    env > {tmp_path}/go.env
    echo example.com/a
    while [ -e {tmp_path}/hold ]; do sleep 0.05; done
    while [ "$1" != -o ]; do shift; done
    for name in pulumi server {" ".join(config.KUBERNETES_PROGRAMS[1:])}; do
        echo "#!/bin/sh" > "$2$name"
        echo "echo v{VERSION}" >> "$2$name"
        chmod +x "$2$name"
    done ;;
esac""",
    )
    on_path(go)
    return log

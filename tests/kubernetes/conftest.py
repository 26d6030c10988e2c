"""One sandbox with a real control plane, and a cluster on it, for all tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import dotrain
from dotrain import target
from tests.live.conftest import Sandbox


@pytest.fixture(scope="package")
def package_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory for the tests of this package."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOTRAIN_HOME", str(home))
        patch.setenv("DOTRAIN_SANDBOX_DELAY", "0.2")
        yield home


@pytest.fixture(scope="package")
def sandbox(package_home: Path) -> Iterator[Sandbox]:
    """A sandbox whose clusters have a control plane."""
    dotrain.use_sandbox(kubernetes=True)
    running = Sandbox()
    yield running
    running.close()
    target.stop_sandbox()
    dotrain.use_digitalocean()


@pytest.fixture(scope="package")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    """A cluster with two training nodes."""
    return dotrain.up("bert", pool=dotrain.Pool(size="s-2vcpu-4gb", count=2))

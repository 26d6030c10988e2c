"""One server, one sandbox and one cluster for the whole gallery: each takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import dotrain
from scripts import lab, serving
from tests.conftest import data_directory
from tests.live.conftest import Sandbox, started

# A machine that does something else meanwhile is no reason to fail.
expect.set_options(timeout=180_000)


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The gallery's data directory."""
    with data_directory(tmp_path_factory) as directory:
        yield directory


@pytest.fixture(scope="package")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    """A Jupyter server whose kernels have the gallery's data directory."""
    with serving.jupyter(tmp_path_factory.mktemp("notebooks")) as running:
        yield running


@pytest.fixture(scope="package")
def sandbox(home: Path) -> Iterator[Sandbox]:
    """The gallery's sandbox."""
    with started() as running:
        yield running


@pytest.fixture(scope="package")
def bert(sandbox: Sandbox) -> str:
    """A cluster of two nodes that stays; its name."""
    return dotrain.up("bert", pool=dotrain.Pool(count=2)).name


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Chromium."""
    with lab.chromium() as started:
        yield started

"""One sandbox with a real control plane, and a cluster on it, for all tests of this directory."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dotrain
from dotrain.errors import DotrainError
from dotrain.jobs import watching
from tests.conftest import data_directory
from tests.live.conftest import Sandbox, started

# Seconds after which a test does not end by itself, however busy the machine is.
_MOST = 150


@pytest.fixture(scope="package")
def package_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory for the tests of this package."""
    with data_directory(tmp_path_factory) as home:
        yield home


@pytest.fixture(scope="package")
def sandbox(package_home: Path) -> Iterator[Sandbox]:
    """A sandbox whose clusters have a control plane."""
    with started(kubernetes=True) as running:
        yield running


@pytest.fixture(scope="package")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    """A cluster with two training nodes."""
    return dotrain.up("bert", pool=dotrain.Pool(size="s-2vcpu-4gb", count=2))


@pytest.fixture(autouse=True)
def bounded(request: pytest.FixtureRequest) -> Iterator[None]:
    """End a test that does not, and say how its jobs and Pods were."""
    used = "cluster" in request.fixturenames

    def end(*_: object) -> None:
        said = ""
        with contextlib.suppress(DotrainError):
            if used:
                there: dotrain.Cluster = request.getfixturevalue("cluster")
                said = f"{there.jobs().to_string()}\n{there.pods().to_string()}"
        pytest.fail(f"It did not end within {_MOST} s.\n{said}")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_MOST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def impatient() -> Iterator[None]:
    """Look at jobs more often than is good for a control plane."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "_FIRST", 0.1)
        patch.setattr(watching, "_LAST", 0.2)
        yield


@pytest.fixture
def run(cluster: dotrain.Cluster) -> Iterator[Callable[..., dotrain.Job]]:
    """Submit jobs that are deleted after the test."""
    made: list[dotrain.Job] = []
    usual = {"image": "python:3.13-slim", "cpus": 0.2, "grace": "5s"}

    def submit(work: Any, **asked: Any) -> dotrain.Job:
        made.append(cluster.run(work, **{**usual, **asked}))
        return made[-1]

    yield submit
    for job in made:
        job.delete()

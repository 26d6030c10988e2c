"""What all tests share: an engine that is really there, and a home of their own."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dotrain import config as dotrain_config
from dotrain.engine import helm, kubernetes, locate
from dotrain.errors import HelmNotFound
from scripts import browser
from tests import sampling
from tests.crash import cases
from tests.faults import cases as faults

_FOREIGN = (
    "DIGITALOCEAN_TOKEN",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "DIGITALOCEAN_API_URL",
    "DOTRAIN_BACKEND",
    "DOTRAIN_TARGET",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
)


def pytest_configure(config: pytest.Config) -> None:
    """Find the engine and a Chromium once, before any test gets a home without one."""
    # Hundreds of Pythons are started, and each would compile dotrain anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    engine = locate.find()
    if engine is None:
        pytest.exit(
            "There is no Pulumi CLI, and nothing is tested without the real one. "
            "Run 'make engine' (or 'dotrain engine install'), which takes about 4 minutes once.",
            returncode=1,
        )
    os.environ["DOTRAIN_PULUMI"] = str(engine.path)
    programs = dotrain_config.kubernetes()
    if not kubernetes.complete(programs):
        pytest.exit(
            f"There is no Kubernetes control plane in {programs}, and nothing is tested without "
            "a real one. Run 'make kubernetes' (or 'dotrain sandbox install-kubernetes'), which "
            "takes about 10 minutes once.",
            returncode=1,
        )
    os.environ["DOTRAIN_KUBERNETES"] = str(programs)
    try:
        os.environ["DOTRAIN_HELM"] = str(helm.find())
    except HelmNotFound:
        pytest.exit(
            "There is no Helm, and no operator is installed without the real one. Run 'make helm' "
            "(or 'dotrain engine install-helm'), which takes about 2 minutes once.",
            returncode=1,
        )
    os.environ["DOTRAIN_CHROMIUM"] = str(browser.chromium())
    for name in _FOREIGN:
        os.environ.pop(name, None)


def pytest_report_header() -> list[str]:
    """Say which of the matrices is run."""
    return [
        f"crash matrix: sample of DOTRAIN_CRASH_SEED={cases.SEED}",
        f"fault matrix: sample of DOTRAIN_FAULT_SEED={faults.SEED}",
        f"modules that take long: {sampling.told()}",
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of `make test` what takes long and is not in today's share."""
    long: dict[pytest.Item, str] = {}
    seconds: dict[str, float] = {}
    for item in items:
        if mark := item.get_closest_marker("long"):
            long[item] = item.nodeid.split("::")[0]
            (seconds[long[item]],) = mark.args
    run = sampling.share(seconds)
    gone = {item for item, module in long.items() if module not in run}
    if gone:
        config.hook.pytest_deselected(items=list(gone))
        items[:] = [item for item in items if item not in gone]


@contextlib.contextmanager
def data_directory(factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Have a data directory of its own, with a sandbox that is quick."""
    home = factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOTRAIN_HOME", str(home))
        patch.setenv("DOTRAIN_SANDBOX_DELAY", "0.2")
        yield home


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory for the tests of one module."""
    with data_directory(tmp_path_factory) as home:
        yield home

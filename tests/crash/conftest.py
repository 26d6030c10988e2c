"""A bench for each worker, a starting point for all, and the matrix printed at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dotrain.engine.exclusive import exclusive
from tests.crash import table
from tests.crash.run import Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("crash"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def point(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that is up, made by whichever worker comes first."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    home = shared / "crash-point"
    with exclusive(shared / "crash-point.lock", lambda *_: None):
        if not home.exists():
            bench.prepare(home)
    return home


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for ends in ("passed", "failed") for one in terminalreporter.stats.get(ends, ())]
    found = [dict(one.user_properties) for one in reports]
    cells = [table.Cell(**one["cell"]) for one in found if "cell" in one]
    if cells:
        terminalreporter.write_line(table.to_markdown(cells))

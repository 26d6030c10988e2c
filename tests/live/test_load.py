"""Some notebooks at once on one sandbox; `make load` has fifty of them, and 200 stacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import load
from tests.live.conftest import started

pytestmark = pytest.mark.long(30)


@pytest.fixture(scope="module")
def _running(module_home: Path) -> Iterator[None]:
    with started():
        yield


@pytest.mark.usefixtures("_running")
def test_eight_notebooks_lose_none_of_their_changes() -> None:
    seen = load.at_once(8, 400)
    assert seen.lost == []
    assert len(seen.seconds) >= 400
    # On a machine that does something else meanwhile, too.
    assert seen.percentile(99) < 5

"""Whatever is cut off, whenever: nothing is lost, doubled, open, locked or left running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.crash.cases import Case, chosen
from tests.crash.run import Bench


@pytest.mark.parametrize("case", chosen(), ids=str)
def test_nothing_is_lost(
    case: Case, bench: Bench, point: Path, record_property: Callable[[str, Any], None]
) -> None:
    outcome = bench.run(case, point)
    record_property("cell", {**asdict(case), **asdict(outcome)})
    assert outcome.wrong == [], (
        f"{outcome.phase} when it was hit; again: DOTRAIN_CRASH_CASES={case} make crash"
    )

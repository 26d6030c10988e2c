"""Whatever is cut off, whenever: nothing is lost, doubled, open, locked or left running."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.crash.cases import Case, everything, sample
from tests.crash.run import Bench

SEED = int(os.environ.get("DOTRAIN_CRASH_SEED", "1"))
CASES = everything() if os.environ.get("DOTRAIN_CRASH_CASES") == "all" else sample(SEED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_is_lost(
    case: Case, bench: Bench, point: Path, record_property: Callable[[str, Any], None]
) -> None:
    outcome = bench.run(case, point)
    record_property("cell", {**asdict(case), "phase": outcome.phase, "wrong": outcome.wrong})
    record_property("seconds", round(outcome.seconds, 1))
    assert outcome.wrong == [], f"hit: {outcome.phase}"

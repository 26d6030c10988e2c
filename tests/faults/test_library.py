"""Whatever an endpoint does wrong when dotrain asks it: nothing breaks, and an error says all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tests.faults import calls
from tests.faults.cases import Case, chosen
from tests.faults.endpoints import LIBRARY
from tests.faults.library import Library
from tests.live.conftest import Sandbox, sandbox

__all__ = ["sandbox"]

MOST = 20
ALWAYS = {
    # What is new is in no list yet, and only its label's count says that it is there.
    "down-library-get-databases-hidden-once"
}


@pytest.fixture(scope="module")
def library(sandbox: Sandbox) -> Library:
    calls.make(sandbox)
    return Library(sandbox)


@pytest.mark.parametrize("case", chosen(LIBRARY, MOST, ALWAYS), ids=str)
def test_it_is_ridden_out_or_told(
    case: Case, library: Library, record_property: Callable[[str, Any], None]
) -> None:
    outcome = library.run(case)
    record_property("fault", {**asdict(case), **asdict(outcome)})
    assert outcome.wrong == [], f"again: DOTRAIN_FAULT_CASES={case} make faults"

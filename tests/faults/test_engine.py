"""Whatever DigitalOcean does to Pulumi's provider: nothing is doubled, open, lost or unsaid."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.faults.cases import chosen, everything
from tests.faults.endpoints import PROVIDER
from tests.faults.engine import ENVIRONMENT, Bench
from tests.faults.rows import Row, singly, together

_DOUBLE = "up-provider-post-firewalls-500-applied-once"


def _rows() -> list[Row]:
    if os.environ.get("DOTRAIN_FAULT_CASES") == "all":
        return together(everything(PROVIDER))
    return singly(chosen(PROVIDER, 5, [_DOUBLE]))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("faults") / "home"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "DOTRAIN_HOME": str(home)}.items():
            patch.setenv(name, value)
        made = Bench(home)
        yield made
        made.close()


@pytest.mark.parametrize("row", _rows(), ids=str)
def test_nothing_goes_wrong_but_the_call(
    row: Row, bench: Bench, record_property: Callable[[str, Any], None]
) -> None:
    found = bench.run(row)
    for case, outcome in found.items():
        cell = {"outcome": outcome.outcome, "wrong": outcome.wrong}
        record_property("fault", {**asdict(case), **cell})
    wrong = {str(case): one.wrong for case, one in found.items() if one.wrong}
    assert wrong == {}, f"again: DOTRAIN_FAULT_CASES={','.join(wrong)} make faults"

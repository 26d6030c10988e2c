"""The matrix itself: it has all cases, its sample has a bit of all, and it is printed whole."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.faults import cases, table
from tests.faults.endpoints import LIBRARY, PROVIDER, USED
from tests.faults.kinds import KINDS


@pytest.mark.parametrize("who", [LIBRARY, PROVIDER])
def test_cases_are_told_apart_by_their_names(who: str) -> None:
    found = cases.everything(who)
    assert len({str(one) for one in found}) == len(found)


@pytest.mark.parametrize("who", [LIBRARY, PROVIDER])
def test_a_sample_has_each_fault_and_each_call(who: str) -> None:
    everything = cases.everything(who)
    for seed in range(5):
        found = cases.sample(who, 40, [str(everything[7])], seed)
        assert len(found) == 40
        assert everything[7] in found
        assert {one.fault for one in found} == {one.fault for one in everything}
        assert {one.call for one in found} == {one.call for one in everything}


def test_no_cell_is_empty() -> None:
    found = [
        table.Cell(**asdict(one), outcome=table.RIDDEN_OUT, wrong=[])
        for who in (LIBRARY, PROVIDER)
        for one in cases.everything(who)
    ]
    lines = [one for one in table.to_markdown(found).splitlines() if one.startswith("| ")]
    assert len(lines) == len(USED) + sum(map(len, USED.values()))
    for line in lines:
        cells = [one.strip() for one in line.strip("|").split("|")]
        assert len(cells) == len(KINDS) + 1
        assert all(cells)
        assert table.NOT_RUN not in cells

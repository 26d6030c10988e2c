"""Each test that the threat model names exists, and it names one for each threat."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`(test_\w+)`")


def test_every_test_it_names_exists() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = set(NAMED.findall(PAGE))
    assert len(named) > 40
    assert named - there == set()


def test_every_threat_has_a_test() -> None:
    tables = PAGE.split("| who and how | what stops it | shown by |\n|---|---|---|\n")[1:]
    assert len(tables) > 8
    for table in tables:
        for row in table.split("\n\n")[0].splitlines():
            who, what, tests = (cell.strip() for cell in row.strip().strip("|").split("|"))
            assert who, row
            assert what, row
            assert NAMED.search(tests), row

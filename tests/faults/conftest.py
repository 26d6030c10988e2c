"""The fault matrix, printed at the end."""

from __future__ import annotations

import pytest

from tests.faults import table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for ends in ("passed", "failed") for one in terminalreporter.stats.get(ends, ())]
    found = [dict(one.user_properties) for one in reports]
    cells = [table.Cell(**one["fault"]) for one in found if "fault" in one]
    if cells:
        terminalreporter.write_line(table.to_markdown(cells))

"""The fault matrix, printed at the end."""

from __future__ import annotations

import pytest

from tests.faults import table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for ends in ("passed", "failed") for one in terminalreporter.stats.get(ends, ())]
    said = [entry for one in reports for entry in one.user_properties]
    cells = [table.Cell(**value) for name, value in said if name == "fault"]
    if cells:
        terminalreporter.write_line(table.to_markdown(cells))

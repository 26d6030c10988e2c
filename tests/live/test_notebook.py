"""The quickstart notebook runs in a real kernel, and what it shows is right."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.live.conftest import Sandbox

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_from_top_to_bottom_and_leaves_nothing(
    path: Path, sandbox: Sandbox
) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = nbformat.writes(notebook)
    assert "203.0.113.7/32" in shown
    assert "198.51.100.4/32" in shown
    assert sandbox.token not in shown
    assert sandbox.objects("clusters") == []
    assert sandbox.objects("firewalls") == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_has_no_outputs_in_git(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)

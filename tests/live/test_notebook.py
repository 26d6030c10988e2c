"""The notebooks run in a real kernel, and what they show is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import notebooks
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(270)

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
SHOWN = {
    # An address, and the one that takes its place.
    "quickstart": ("203.0.113.7/32", "198.51.100.4/32", "1 cluster, which costs $0.3"),
    "access": ("203.0.113.7/32", "198.51.100.4/32"),
    "lifetime": (
        "gpu-mi300x1-192gb",
        "1/1 (0-4) gpu-h100x1-80gb",
        "of $50.00 so far",
        "Draining cpu-s-2vcpu-4gb",
        "region: nyc2",
        "was not asked: its nodes are newer than that",
        "The training failed.",
    ),
    "panel": (
        # The form, the panel and the clusters, as a saved notebook shows them.
        "gains access: 203.0.113.7/32 to the Kubernetes API, tcp 443",
        "panel: running",
        "under $0.01 of $50.00 so far",
        "203.0.113.0/24",
        "'me' is 198.51.100.4/32.",
        "1 cluster, which costs $0.23 an hour",
    ),
    "training": (
        "the key is there: True",
        "'of': 2, 'weight': 4.0}]",
        "The loss is not a number at rate 1000000000.0.",
        "gpu-h100x8-640gb",
        "The global 'lock' (_thread.lock)",
        "'closed', 'diverge', 'fit'",
        "'cancelled'",
        "The cluster 'train' was taken down, and nothing of it is left.",
    ),
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_from_top_to_bottom_and_leaves_nothing(
    path: Path, sandbox: Sandbox
) -> None:
    notebook = notebooks.read(path)
    notebooks.client(notebook, timeout=300).execute()
    shown = notebooks.text(notebook)
    for text in SHOWN[path.stem]:
        assert text in shown, text
    assert sandbox.token not in shown
    assert sandbox.objects("clusters") == []
    assert sandbox.objects("firewalls") == []
    # Only where a notebook asks for it.
    sandbox.call("POST", "/__sandbox__/settings", kubernetes="")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_begins_with_its_purpose(path: Path) -> None:
    first = notebooks.read(path).cells[0]
    assert first.cell_type == "markdown"
    title, purpose = first.source.split("\n\n", 1)
    assert title.startswith("# ")
    assert purpose[:1].isupper()
    assert ". " in purpose


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_has_no_outputs_in_git(path: Path) -> None:
    notebook = notebooks.read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)

"""Notebooks: read, made of cells, run, and written, for tests and for pictures.

nbformat's check of what a URI is takes three seconds to import, wherever one
is imported: here it is where one is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode


def read(path: Path) -> NotebookNode:
    """Return the notebook that is in a file."""
    import nbformat

    return nbformat.read(path, as_version=4)


def cell(source: str, **metadata: Any) -> NotebookNode:
    """Return a cell of code."""
    import nbformat

    return nbformat.v4.new_code_cell(source, metadata=metadata)


def of(*sources: str, **metadata: Any) -> NotebookNode:
    """Return a notebook of cells of code."""
    import nbformat

    return nbformat.v4.new_notebook(cells=[cell(one) for one in sources], metadata=metadata)


def client(notebook: NotebookNode, **options: Any) -> NotebookClient:
    """Return what executes a notebook in a kernel of this Python."""
    from nbclient import NotebookClient

    return NotebookClient(notebook, kernel_name="python3", **options)


def text(notebook: NotebookNode) -> str:
    """Return a notebook as it is saved."""
    import nbformat

    return str(nbformat.writes(notebook))

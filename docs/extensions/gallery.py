"""The notebooks as pages: brought beside the other pages, with what they put out.

They are executed on a sandbox of the build's own. The engine and the control
plane are those of the user who builds. A live widget means nothing without a
kernel: its snapshot, which a saved notebook has beside it, stands for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.util.display import status_iterator

from dotrain import config
from dotrain.engine import kubernetes, locate

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"
NOT_EXECUTED = (
    "*This page was built without executing the notebook: it has no outputs. "
    "`make docs` executes it.*"
)
_SECONDS = 600


def bring(app: Sphinx) -> None:
    """Write the notebooks into the folder of the pages, executed where that can be."""
    target = Path(app.srcdir) / "notebooks"
    target.mkdir(exist_ok=True)
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    for stale in {one.name for one in target.glob("*.ipynb")} - {one.name for one in paths}:
        (target / stale).unlink()
    if os.getenv("DOTRAIN_DOCS_EXECUTE") == "0":
        for path in paths:
            _write(target / path.name, unexecuted(nbformat.read(path, as_version=4)))
        return
    for path in status_iterator(paths, "executing notebooks... ", length=len(paths)):
        with own_sandbox():
            _write(target / path.name, executed(nbformat.read(path, as_version=4)))


def relink(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Let links to notebooks lead to their pages; on GitHub they lead to the files."""
    source[0] = source[0].replace("../notebooks/", "notebooks/")


def unexecuted(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook that says below its purpose that it has no outputs."""
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(NOT_EXECUTED, id="not-executed"))
    return notebook


def executed(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with its outputs, less what only a kernel can show.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell fails: then there is no site.
    """
    with tempfile.TemporaryDirectory() as place:
        resources = {"metadata": {"path": place}}
        NotebookClient(
            notebook, timeout=_SECONDS, kernel_name="python3", resources=resources
        ).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if VIEW not in one.get("data", {})]
            cell.metadata.pop("execution", None)
    return notebook


@contextmanager
def own_sandbox() -> Iterator[None]:
    """Give what runs meanwhile a data directory, and so a sandbox, of its own."""
    engine, programs = locate.find(), config.kubernetes()
    missing = [
        command
        for command, there in (
            ("make engine", engine is not None),
            ("make kubernetes", kubernetes.complete(programs)),
        )
        if not there
    ]
    if engine is None or missing:
        message = (
            f"The notebooks cannot be executed: run {' and '.join(map(repr, missing))} first, or "
            "set DOTRAIN_DOCS_EXECUTE=0 for pages without outputs."
        )
        raise RuntimeError(message)
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ.update(
            DOTRAIN_HOME=home,
            DOTRAIN_PULUMI=str(engine.path),
            DOTRAIN_KUBERNETES=str(programs),
            DOTRAIN_ME="me@laptop",
            DOTRAIN_SANDBOX_DELAY="0.5",
        )
        try:
            yield
        finally:
            subprocess.run(
                [sys.executable, "-m", "dotrain", "sandbox", "stop"],
                check=False,
                stdout=subprocess.DEVNULL,
            )
            os.environ.clear()
            os.environ.update(before)


def _write(path: Path, notebook: NotebookNode) -> None:
    text = nbformat.writes(notebook)
    # A page that has not changed is not built again.
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx bring them before it looks for pages."""
    app.connect("builder-inited", bring)
    app.connect("source-read", relink)
    return {"parallel_read_safe": True}

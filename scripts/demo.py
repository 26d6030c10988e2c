"""Execute the quickstart notebook on the sandbox and print what each cell said."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import notebooks

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "quickstart.ipynb"
WIDTH = 100


def main() -> None:
    """Run the demo; an error in a cell ends it with that error."""
    notebook = notebooks.read(NOTEBOOK)
    client = notebooks.client(notebook, timeout=600, on_cell_executed=lambda cell, **_: show(cell))
    say(f"Running {NOTEBOOK.name} on the sandbox. Nothing here is real or costs money.")
    client.execute()
    say("\nDone: the cluster was made, changed and taken down. The account was read again after")
    say("that, and nothing is left of it: it costs $0.00 an hour. `make lab` opens the notebook,")
    say("`.venv/bin/dotrain sandbox stop` ends the sandbox.")


def show(cell: NotebookNode) -> None:
    """Print a code cell and what it put out."""
    if cell.cell_type != "code":
        return
    say("\n" + "\n".join(f">>> {line}" for line in cell.source.splitlines()))
    for output in cell.outputs:
        say(output.get("text") or output.get("data", {}).get("text/plain", ""))


def say(text: str) -> None:
    """Print at once, so that it is seen as it happens."""
    sys.stdout.write(f"{text.rstrip()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

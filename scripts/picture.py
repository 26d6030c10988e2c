"""Take the README's pictures: a cluster's life by its widgets, in JupyterLab and Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Locator

from dotrain.engine import locate
from scripts import browser, lab, serving
from scripts.panels import Form, Panel

IMAGES = Path(__file__).parents[1] / "docs" / "images"
NOTEBOOK = "panel.ipynb"
# Tall enough for a form as a whole: no output is cut off.
WIDTH, HEIGHT = 1000, 2600
LARGEST = 150_000

CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    "dotrain.form('bert')",
    "cluster = dotrain.get('bert')\ncluster",
    "dotrain.use_sandbox(address='198.51.100.4');",
)


def main() -> None:
    """Save the pictures."""
    engine = locate.find()
    if engine is None:
        sys.exit("There is no Pulumi CLI: run 'make engine' first.")
    # The engine and Chromium are this home's; the pictures' cluster is in one of its own.
    os.environ["DOTRAIN_PULUMI"] = str(engine.path)
    os.environ["DOTRAIN_CHROMIUM"] = str(browser.chromium())
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ["DOTRAIN_HOME"] = str(Path(name) / "home")
        try:
            os.environ["DOTRAIN_ME"] = "me@laptop"
            with serving.jupyter(Path(name)) as server, lab.chromium() as chromium:
                server.write(NOTEBOOK, *CELLS)
                light(chromium, server)
                server.theme("dark")
                dark(chromium, server)
        finally:
            subprocess.run([sys.executable, "-m", "dotrain", "sandbox", "stop"], check=True)


def light(chromium: Browser, server: serving.Server) -> None:
    """Take those of the form, the nodes, and the address that moved."""
    notebook = _open(chromium, server)
    notebook.run(0)
    notebook.run(1)
    form = Form(notebook.output(1))
    form.field("Number of nodes").fill("2")
    form.said("$60.00 a month").wait_for()
    take(notebook, notebook.output(1), "form")
    form.button("Create").click()
    form.said("bert was made on sandbox.").wait_for()
    notebook.run(2)
    panel = Panel(notebook.output(2))
    panel.said("3 of 3 run").wait_for()
    take(notebook, notebook.output(2), "status")
    panel.tab("Nodes")
    panel.write("Number of nodes", "4")
    panel.said("2 → 4 nodes").wait_for()
    take(notebook, notebook.output(2), "nodes")
    panel.button("Reset").click()
    notebook.run(3)
    panel.tab("Access")
    panel.said("Your address is now").wait_for()
    take(notebook, notebook.output(2), "access")
    notebook.save()
    notebook.page.close()
    server.stop_kernels()


def dark(chromium: Browser, server: serving.Server) -> None:
    """Take that of the teardown."""
    notebook = _open(chromium, server)
    notebook.run(0)
    notebook.run(2)
    panel = Panel(notebook.output(2))
    panel.tab("Teardown")
    panel.write("Type bert to confirm", "bert")
    panel.button("Delete").click()
    panel.said("Nothing is left.").wait_for()
    take(notebook, notebook.output(2), "teardown")
    notebook.page.close()


def take(notebook: lab.Notebook, what: Locator, name: str) -> None:
    """Save a picture of a cell's output."""
    notebook.page.wait_for_function("document.fonts.status == 'loaded'")
    path = IMAGES / f"{name}.png"
    what.screenshot(path=path, animations="disabled")
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path.name} has {path.stat().st_size:,} bytes, and may have {LARGEST:,}.")
    sys.stdout.write(f"{path.relative_to(IMAGES.parents[1])}\n")


def _open(chromium: Browser, server: serving.Server) -> lab.Notebook:
    page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    return lab.Notebook(page, server, NOTEBOOK)


if __name__ == "__main__":
    main()

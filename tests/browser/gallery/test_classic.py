"""The form and the panel in Notebook 7."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from scripts.panels import Form, Panel
from tests.browser.conftest import SCREENSHOTS, Open
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.gallery

CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    "dotrain.form('seven')",
    "dotrain.use_sandbox(address='198.51.100.7');",
)


def test_a_cluster_lives_and_ends_in_notebook_7(opened: Open, sandbox: Sandbox) -> None:
    notebook = opened("classic.ipynb", *CELLS, classic=True)
    notebook.run(0)
    notebook.run(1)
    form = Form(notebook.output(1))
    expect(form.where).to_contain_text("a month")
    form.button("Create").click()
    panel = Panel(notebook.output(1))
    expect(panel.where).to_contain_text("2 of 2 run")
    notebook.screenshot(SCREENSHOTS / "classic-created.png")
    notebook.run(2)
    panel.tab("Access")
    expect(panel.where).to_contain_text("Your address is now 198.51.100.7")
    panel.button("Allow me").click()
    expect(panel.row("198.51.100.7/32").first).to_be_visible()
    panel.tab("Teardown")
    panel.write("Type seven to confirm", "seven")
    panel.button("Delete").click()
    expect(panel.where).to_contain_text("Nothing is left.")
    assert [one["name"] for one in sandbox.objects("clusters")].count("seven") == 0
    panel.where.screenshot(path=SCREENSHOTS / "classic-proof.png")

"""All of a cluster's life by the keyboard: no mouse is moved from the form to the teardown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.panels import Form, Panel
from tests.browser.conftest import Open
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.gallery

CELLS = ("import dotrain\n\ndotrain.use_sandbox();", "dotrain.form()")
_FAR = 150


def test_a_cluster_is_made_and_taken_down_without_a_mouse(opened: Open, sandbox: Sandbox) -> None:
    notebook = opened("keys.ipynb", *CELLS)
    notebook.run_all()
    keys = notebook.page.keyboard
    form = Form(notebook.output(1))
    expect(form.where).to_contain_text("a month")
    # How one gets from cell to cell is JupyterLab's; from here on there is only Tab.
    form.field("Name").focus()
    keys.press("Control+A")
    keys.type("keys")
    go_to(notebook.page, form.field("Find a size"))
    keys.type("s-4vcpu-8gb")
    go_to(notebook.page, form.field("Size"))
    keys.press("Home")
    go_to(notebook.page, form.field("Number of nodes"))
    keys.press("Control+A")
    keys.type("2")
    expect(form.code).to_contain_text("s-4vcpu-8gb")
    expect(form.code).to_contain_text("count=2")
    expect(form.button("Create")).to_be_enabled()
    go_to(notebook.page, form.button("Create"))
    keys.press("Enter")
    panel = Panel(notebook.output(1))
    expect(panel.where).to_contain_text("3 of 3 run")
    (made,) = [one for one in sandbox.objects("clusters") if one["name"] == "keys"]
    assert made["node_pools"][1]["count"] == 2

    page = notebook.page
    go_to(page, panel.where.get_by_role("tab", name="Status"))
    for tab in ("Nodes", "Access", "Activity", "Teardown"):
        keys.press("ArrowRight")
        expect(focused(page)).to_have_text(tab)
        keys.press("Enter")
        expect(panel.where.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
    go_to(page, panel.field("Type keys to confirm"))
    keys.type("key")
    expect(panel.button("Delete")).to_be_disabled()
    keys.type("s")
    expect(panel.button("Delete")).to_be_enabled()
    go_to(page, panel.button("Delete"))
    assert focused(page).evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    keys.press("Enter")
    expect(panel.where).to_contain_text("Nothing is left.")
    assert [one["name"] for one in sandbox.objects("clusters")].count("keys") == 0


def focused(page: Page) -> Locator:
    """Return what has the focus."""
    return page.locator(":focus")


def go_to(page: Page, what: Locator) -> None:
    """Press Tab until `what` has the focus."""
    expect(what).to_be_visible()
    passed = []
    for _ in range(_FAR):
        if what.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
    raise AssertionError("Tab does not lead there, but to:\n" + "\n".join(passed))

"""All widgets in light and in dark: axe finds nothing serious in them, and each has its picture."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from scripts.lab import HEIGHT, WIDTH, Notebook
from scripts.panels import Form, Panel, Widget
from scripts.serving import Server
from tests.browser.conftest import SCREENSHOTS, Open

pytestmark = pytest.mark.gallery

CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    "dotrain.form('other', max_age='1d')",
    "dotrain.get('bert').panel()",
    "dotrain.clusters()",
)
# What says that a tab has read what it shows.
TABS = {
    "Status": "3 of 3 run",
    "Nodes": "$0.071/h",
    "Access": "audit: passed",
    "Activity": "create cluster",
    "Teardown": "dotrain-bert",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_leaves_every_widget_readable(
    opened: Open, server: Server, bert: str, theme: str
) -> None:
    server.theme(theme)
    notebook = opened(f"{theme}.ipynb", *CELLS)
    # Tall enough for a form as a whole: no cell is left out of the page, or cut off.
    notebook.page.set_viewport_size({"width": WIDTH, "height": 3 * HEIGHT})
    is_light = notebook.page.evaluate("document.body.dataset.jpThemeLight") == "true"
    assert is_light == (theme == "light")
    notebook.run_all()
    form = Form(notebook.output(1))
    expect(form.where).to_contain_text("a month")
    look_at(notebook, form.where, f"{theme}-form")
    form.write("Name", "Not a name")
    form.button("Add a source", exact=False).click()
    form.button("Show egress and other options", exact=False).click()
    expect(form.button("Hide egress and other options", exact=False)).to_be_visible()
    expect(form.button("Go to what is wrong")).to_be_visible()
    look_at(notebook, form.where, f"{theme}-form-with-mistakes")
    panel = Panel(notebook.output(2))
    for tab, said in TABS.items():
        panel.tab(tab)
        expect(panel.said(said)).to_be_visible()
        look_at(notebook, notebook.output(2), f"{theme}-panel-{tab.lower()}")
    clusters = Widget(notebook.output(3))
    expect(clusters.said("belongs to nothing")).to_be_visible()
    look_at(notebook, clusters.where, f"{theme}-clusters")
    server.theme("light")


def look_at(notebook: Notebook, what: Locator, name: str) -> None:
    """Take a picture of an output, and have axe look at what is seen of it."""
    what.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")
    what.evaluate("one => one.dataset.seen = 'yes'")
    found = Axe().run(notebook.page, context="[data-seen]").response
    what.evaluate("one => delete one.dataset.seen")
    assert found["passes"], "axe has looked at something"
    bad = [
        f"{one['impact']} {one['id']}: {node['html']}\n{node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert bad == [], name

"""An account whose names are HTML: every widget shows them as the text that they are."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dotrain.sandbox.store import Store
from scripts.panels import Form, Panel, Widget
from tests.browser.conftest import Open
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.gallery

EVIL = "<img src=x onerror=alert(1)>"
GONE = f"{EVIL}gone"
CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    "dotrain.form('other')",
    "dotrain.get('bert').panel()",
    "dotrain.clusters()",
)


@pytest.fixture
def hostile(home: Path, sandbox: Sandbox, bert: str) -> Iterator[None]:
    """Names that DigitalOcean itself would refuse, written behind the back of its checks."""
    cluster = sandbox.objects("clusters")[0]
    tag = f"k8s:{cluster['id']}"
    volume = {"name": "pvc-1", "size_gigabytes": 1, "region": "nyc3"}
    ours = sandbox.call("POST", "/v2/volumes", **volume, tags=[tag])["volume"]
    path = f"/v2/volumes/{ours['id']}/snapshots"
    kept = sandbox.call("POST", path, name=EVIL, tags=[tag])["snapshot"]
    left = sandbox.call("POST", "/v2/volumes", **{**volume, "name": "pvc-2"})["volume"]
    database = home / "sandbox" / "server" / "sandbox.db"
    with closing(Store(database)) as store, store.transaction():
        store.put("volume", {**_found(store, "volume", ours["id"]), "name": EVIL})
        gone = {"name": EVIL, "tags": ["dotrain", f"dotrain:{GONE}"]}
        store.put("volume", {**_found(store, "volume", left["id"]), **gone})
        known = _found(store, "cluster", cluster["id"])
        foreign = copy.deepcopy(known)
        foreign |= {"id": str(uuid.uuid4()), "name": EVIL, "version": EVIL}
        foreign["tags"] = ["dotrain", f"dotrain:{EVIL}"]
        store.put("cluster", foreign)
    yield
    with closing(Store(database)) as store, store.transaction():
        for kind, one in (("cluster", foreign), ("snapshot", kept)):
            store.delete(kind, one["id"])
        for one in (ours, left):
            store.delete("volume", one["id"])


def _found(store: Store, kind: str, key: str) -> dict[str, Any]:
    found = store.get(kind, key)
    assert found is not None
    return found


def test_names_that_are_html_are_text_in_every_widget(opened: Open, hostile: None) -> None:
    notebook = opened("hostile.ipynb", *CELLS)
    notebook.run_all()
    form = Form(notebook.output(1))
    expect(form.where).to_contain_text("a month")
    form.button("Add a source", exact=False).click()
    for label in ("Name", "Find a size", "Address", "Label"):
        form.write(label, EVIL)
    expect(form.where).to_contain_text(EVIL)
    nothing_injected(notebook.page)

    panel = Panel(notebook.output(2))
    for tab in ("Status", "Nodes", "Access", "Activity", "Teardown"):
        panel.tab(tab)
        nothing_injected(notebook.page)
    expect(panel.row(EVIL)).to_have_count(2)
    panel.write("Type bert to confirm", EVIL)
    panel.tab("Access")
    panel.button("Let somebody in", exact=False).click()
    panel.write("Who", "192.0.2.7")
    panel.write("What for", EVIL)
    expect(panel.where).to_contain_text(f"'{EVIL}' cannot be a label.")
    nothing_injected(notebook.page)

    clusters = Widget(notebook.output(3))
    expect(clusters.row(EVIL).first).to_be_visible()
    expect(clusters.said("to nothing")).to_be_visible()
    clusters.write("Filter", EVIL)
    expect(clusters.row("bert")).to_have_count(0)
    choice = clusters.field("Cluster")
    for option in (EVIL, f"{GONE} (what it left)"):
        expect(choice.get_by_role("option", name=option, exact=True)).to_have_count(1)
    for button in ("Open panel", "Tear down …"):
        choice.select_option(label=EVIL)
        clusters.button(button).click()
        expect(clusters.where.get_by_role("alert").filter(has_text=EVIL).first).to_be_visible()
        nothing_injected(notebook.page)
    notebook.save()
    # What stands in the notebook is looked at as it is without its kernel, too.
    notebook.shut_down()
    again = opened("hostile.ipynb")
    expect(again.output(3)).to_contain_text(EVIL)
    again.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    expect(again.output(2)).to_contain_text(EVIL)
    nothing_injected(again.page)


def nothing_injected(page: Page) -> None:
    """No element was made of a name; that no dialog came up is seen when the test ends."""
    assert page.locator("[onerror], img[src=x]").count() == 0

"""What a researcher does with a cluster, from the form to the teardown, in JupyterLab."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from dotrain import config
from scripts.lab import Notebook
from scripts.panels import Form, Panel
from scripts.serving import Server
from tests.browser.conftest import Open
from tests.live.conftest import Sandbox

expect.set_options(timeout=60_000)

CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    "form = dotrain.form('story')\nform",
    "dotrain.use_sandbox(address='198.51.100.4');",
    "dotrain.get('story').panel()",
)


def test_a_cluster_is_made_changed_and_taken_down_by_its_widgets(
    opened: Open, server: Server, sandbox: Sandbox
) -> None:
    notebook = opened("story.ipynb", *CELLS)
    notebook.run(0)
    notebook.run(1)
    panel = create(notebook, sandbox)
    change_nodes(panel, sandbox)
    notebook.run(2)
    move_and_let_in(panel, sandbox)
    notebook.save()
    assert_no_secret((server.directory / "story.ipynb").read_text(), sandbox)
    notebook.shut_down()
    # What the panel has shown meanwhile would be asked about when the page is left.
    notebook.save()
    notebook = reopen(opened, sandbox)
    tear_down(Panel(notebook.output(3)), sandbox)
    notebook.save()
    assert_no_secret((server.directory / "story.ipynb").read_text(), sandbox)


def create(notebook: Notebook, sandbox: Sandbox) -> Panel:
    form = Form(notebook.output(1))
    form.field("Number of nodes").fill("2")
    expect(form.code).to_contain_text("Pool(count=2)")
    expect(form.where).to_contain_text("$60.00 a month")
    form.button("Create").click()
    # Each resource with its time, while the others are being made.
    expect(form.where.get_by_role("row", name=re.compile("create cluster"))).to_be_visible()
    panel = Panel(notebook.output(1))
    expect(panel.where).to_contain_text("3 of 3 run")
    assert [one["name"] for one in sandbox.objects("clusters")] == ["story"]
    return panel


def change_nodes(panel: Panel, sandbox: Sandbox) -> None:
    panel.tab("Nodes")
    panel.write("Number of nodes", "3")
    expect(panel.where).to_contain_text("2 → 3 nodes")
    panel.button("Apply").click()
    expect(panel.said("Done: the pool train is as it was asked for.")).to_be_visible()
    expect(panel.row("train")).to_contain_text("$0.107/h")
    assert pool(sandbox)["count"] == 3
    panel.button("Search all sizes").click()
    panel.write("Find a size", "s-4vcpu-8gb")
    panel.field("Size").select_option(index=0)
    expect(panel.where).to_contain_text("A new pool of 3 x s-4vcpu-8gb is made first")
    panel.button("Apply").click()
    # Both pools are there for a while.
    expect(panel.row("s-2vcpu-4gb")).to_have_count(0)
    expect(panel.said("Done: the pool train is as it was asked for.")).to_be_visible()
    assert pool(sandbox)["size"] == "s-4vcpu-8gb"


def pool(sandbox: Sandbox) -> dict[str, object]:
    (cluster,) = sandbox.objects("clusters")
    (found,) = [one for one in cluster["node_pools"] if one["name"].startswith("train")]
    return found


def move_and_let_in(panel: Panel, sandbox: Sandbox) -> None:
    panel.tab("Access")
    expect(panel.where).to_contain_text("Your address is now 198.51.100.4")
    panel.button("Allow me").click()
    expect(panel.row("198.51.100.4/32").first).to_be_visible()
    panel.button("Let somebody in", exact=False).click()
    panel.write("Who", "203.0.113.0/24")
    panel.write("What for", "office")
    panel.button("Allow").click()
    let_in = panel.row("203.0.113.0/24").filter(has_text="into the nodes")
    expect(let_in.filter(has_not_text="not in force").first).to_be_visible()
    assert "203.0.113.0/24" in json.dumps(sandbox.objects("firewalls"))
    panel.button("Revoke 203.0.113.0/24 (office)").click()
    expect(panel.row("203.0.113.0/24")).to_have_count(0)
    assert "203.0.113.0/24" not in json.dumps(sandbox.objects("firewalls"))
    panel.button("Audit").click()
    expect(panel.where).to_contain_text("audit: passed")


def tear_down(panel: Panel, sandbox: Sandbox) -> None:
    panel.tab("Teardown")
    expect(panel.row("firewall")).to_contain_text("dotrain-story")
    expect(panel.button("Delete")).to_be_disabled()
    panel.write("Type story to confirm", "story")
    panel.button("Delete").click()
    expect(panel.where).to_contain_text("Nothing is left.")
    assert sandbox.objects("clusters") == []


def assert_no_secret(saved: str, sandbox: Sandbox) -> None:
    assert sandbox.token not in saved
    for word in ("client-certificate-data", "client-key-data", "passphrase", "dop_v1_"):
        assert word not in saved
    for file in (config.home() / "pulumi").rglob("*passphrase*"):
        assert file.read_text().strip() not in saved


def reopen(opened: Open, sandbox: Sandbox) -> Notebook:
    again = opened("story.ipynb")
    # Without its kernel no widget is left, but the copy beside it is.
    expect(again.output(1)).to_contain_text("story was made on sandbox.")
    expect(again.page.get_by_text("Error displaying widget").filter(visible=True)).to_have_count(0)
    # Its kernel is another, as after a restart.
    again.run_all()
    expect(again.output(1)).to_contain_text("There is a cluster 'story'")
    assert [one["name"] for one in sandbox.objects("clusters")] == ["story"]
    return again

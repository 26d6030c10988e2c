"""Two notebooks of one cluster: what is done in one is seen in the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.lab import Notebook
from scripts.panels import Panel
from scripts.serving import Server
from tests.browser.conftest import SCREENSHOTS, Open
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.gallery

CELLS = ("import dotrain\n\ndotrain.use_sandbox();", "dotrain.get('bert').panel()")


@pytest.fixture
def another(chromium: Browser) -> Iterator[Page]:
    """A second page."""
    page = chromium.new_page(viewport={"width": 1180, "height": 1180})
    yield page
    page.close()


def test_two_notebooks_of_a_cluster_show_the_same(
    opened: Open, server: Server, sandbox: Sandbox, bert: str, another: Page
) -> None:
    ours = opened("ours.ipynb", *CELLS)
    ours.run_all()
    server.write("theirs.ipynb", *CELLS)
    theirs = Notebook(another, server, "theirs.ipynb")
    theirs.run_all()
    mine, other = Panel(ours.output(1)), Panel(theirs.output(1))
    other.tab("Access")
    expect(other.row("203.0.113.7/32").first).to_be_visible()
    mine.tab("Access")
    mine.button("Let somebody in", exact=False).click()
    mine.write("Who", "192.0.2.0/24")
    mine.write("What for", "lab")
    mine.button("Allow").click()
    expect(mine.row("192.0.2.0/24").filter(has_text="in force").first).to_be_visible()
    expect(other.row("192.0.2.0/24").filter(has_text="in force").first).to_be_visible()
    # And it is taken back where it was not given.
    other.button("Revoke 192.0.2.0/24 (lab)").click()
    expect(mine.row("192.0.2.0/24")).to_have_count(0)
    for panel in (mine, other):
        panel.tab("Activity")
    tables = [panel.where.get_by_role("table").last for panel in (mine, other)]
    for table in tables:
        expect(table).to_contain_text("revoke")
        expect(table).not_to_contain_text("running")
    assert tables[0].inner_text() == tables[1].inner_text()
    # A kernel that starts anew finds the same, and makes nothing.
    ours.restart_and_run_all()
    expect(Panel(ours.output(1)).where).to_contain_text("3 of 3 run")
    assert [one["name"] for one in sandbox.objects("clusters")] == ["bert"]
    theirs.screenshot(SCREENSHOTS / "theirs.png")
    assert theirs.troubles == []

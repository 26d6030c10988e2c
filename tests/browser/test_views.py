"""The kit in a page that forbids scripts, and with names that would be HTML."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from dotrain.widgets.kit import html
from dotrain.widgets.kit.sheet import sheet
from scripts import lab, serving
from tests.browser.test_kit import HOSTILE

pytestmark = pytest.mark.gallery

# Everything that takes a string, with one that would be a picture if it were HTML.
NAMES = f"""
import ipywidgets
EVIL = {HOSTILE!r}
said = {{"description": EVIL, "tooltip": EVIL}}
chosen = {{"options": [EVIL, "other"], **said}}
texts = [ipywidgets.Text(value=EVIL, placeholder=EVIL, **said),
         ipywidgets.Combobox(value=EVIL, placeholder=EVIL, **chosen)]
kinds = (ipywidgets.Dropdown, ipywidgets.Select, ipywidgets.SelectMultiple,
         ipywidgets.SelectionSlider, ipywidgets.ToggleButtons)
buttons = [ipywidgets.Button(**said), ipywidgets.Checkbox(**said), ipywidgets.ToggleButton(**said)]
all = ipywidgets.VBox([*texts, *(kind(**chosen) for kind in kinds), *buttons])
ipywidgets.VBox([
    ipywidgets.Tab([all], titles=[EVIL]),
    ipywidgets.Accordion([ipywidgets.HTML()], titles=[EVIL]),
])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[serving.Server]:
    """Serve a notebook with everything that takes a string."""
    directory = tmp_path_factory.mktemp("views")
    with serving.jupyter(directory) as started:
        started.write("names.ipynb", NAMES)
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with lab.chromium() as started:
        yield started


@pytest.mark.parametrize(("policy", "aided"), [("'none'", False), ("'unsafe-inline'", True)])
def test_in_a_page_that_forbids_scripts_in_it_nothing_breaks_and_only_the_aid_is_not_there(
    browser, policy, aided
) -> None:
    page, troubles = browser.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    rule = "body:has(.dotrain-live-x) .dotrain-saved-x{display:none}"
    inside = f"{sheet(rule).value}{html.notice('It is seen.')}{html.code('up()')}"
    body = f'<div class="dotrain dotrain-live-x">{inside}</div><p class="dotrain-saved-x">copy</p>'
    headers = {"content-security-policy": f"script-src {policy}", "content-type": "text/html"}
    page.route("https://strict.example/", lambda route: route.fulfill(body=body, headers=headers))
    page.goto("https://strict.example/")
    expect(page.get_by_text("It is seen.")).to_be_visible()
    expect(page.get_by_text("copy", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Copy").click()
    live = page.locator(".dotrain-live-x")
    assert live.evaluate("one => Boolean(one.dotrainAided)") is aided
    assert troubles == []
    page.close()


def test_no_name_is_taken_for_html_wherever_it_stands(server, browser) -> None:
    notebook = lab.Notebook(browser.new_page(), server, "names.ipynb")
    notebook.run_all()
    expect(notebook.output(0).get_by_role("combobox").first).to_be_visible()
    expect(notebook.output(0).get_by_role("tab", name=HOSTILE)).to_be_visible()
    expect(notebook.output(0).locator("img")).to_have_count(0)
    assert notebook.troubles == []
    notebook.page.close()
    server.stop_kernels()

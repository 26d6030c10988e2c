"""The kit in JupyterLab: named, focused, and still there when its kernel is not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from scripts import lab, serving

pytestmark = pytest.mark.gallery

NAME = "kit.ipynb"
DEAD = "Error displaying widget"
HOSTILE = "<img src=x onerror=alert(1)></script>"
# A machine that does something else meanwhile is no reason to fail.
expect.set_options(timeout=60_000)
SHOWN = f"""
import ipywidgets
from dotrain.widgets.kit import attach, closing, html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker

HOSTILE = {HOSTILE!r}

class Shown:
    def __init__(self):
        self.made = 0
        self.saved = attach.Copies(self)
        self.said = Message()
        name = Field("Name", ipywidgets.Text("bert"), hint="Begins with a letter.")
        name.error = f"There is a {{HOSTILE}}."
        nodes = Field("Nodes", ipywidgets.IntSlider(2, 1, 10))
        size = Field("Size", ipywidgets.SelectionSlider(options=["small", "large"]))
        form = ipywidgets.VBox([name.widget, nodes.widget, size.widget])
        look = ipywidgets.HTML(self.html())
        choice = ipywidgets.ToggleButtons(options=["one", "two"], description="Choice")
        more = ipywidgets.Accordion([ipywidgets.HTML("It is open.")], titles=["More"])
        choice = ipywidgets.VBox([choice, more])
        create = Action("Create", self.make, worker=Worker("kit"), said=self.said,
                        style="primary", done=self.tell, doing="It is being made.")
        self.widget = ipywidgets.VBox([
            ipywidgets.Tab([form, look, choice], titles=["Form", "Look", "Choice"]),
            create.widget, self.said.widget,
        ])

    def make(self):
        self.made += 1
        return self.made

    def tell(self, made):
        self.said.show(f"Made {{made}}.", "ok")
        self.saved.update()

    def html(self):
        kinds = "".join(html.badge(kind, kind) + html.notice(f"It is {{kind}}.", kind)
                        for kind in html.KINDS)
        table = html.table(["Name", "$/h"], [[HOSTILE, "0.50"]], caption="Clusters", numeric=[1])
        return kinds + table + html.facts([("Copies made", str(self.made))]) + html.code("up()")

    def text(self):
        return f"{{self.made}} made"

    def close(self):
        closing.close(self.widget)

    def _ipython_display_(self):
        self.saved.show()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[serving.Server]:
    """Serve a notebook that shows what the kit has."""
    directory = tmp_path_factory.mktemp("kit")
    (directory / "shown.py").write_text(SHOWN)
    with serving.jupyter(directory) as started:
        for name in (NAME, "again.ipynb"):
            started.write(name, "import shown; shown.Shown()")
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with lab.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def saved(server, browser) -> Path:
    """Return the notebook after a click in it; its kernel has ended."""
    notebook = opened(browser, server)
    made_and_saved(notebook)
    notebook.page.close()
    server.stop_kernels()
    return server.directory / NAME


def opened(browser: Browser, server: serving.Server, name: str = NAME) -> lab.Notebook:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    return lab.Notebook(context.new_page(), server, name)


def live(notebook: lab.Notebook) -> Locator:
    return notebook.page.locator("[class*=dotrain-live-]")


def copy(notebook: lab.Notebook) -> Locator:
    return notebook.page.locator("[class*=dotrain-saved-]")


def tab(notebook: lab.Notebook, name: str) -> None:
    live(notebook).get_by_role("tab", name=name).click()


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with what is shown of ours."""
    found = Axe().run(page, context=".jp-OutputArea").response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def made_and_saved(notebook: lab.Notebook) -> None:
    """Run the cell and click once, so that the copy is newer than the cell, and save."""
    notebook.run_all()
    live(notebook).get_by_role("button", name="Create").click()
    notebook.page.get_by_text("Made 1.").wait_for()
    expect(copy(notebook)).to_contain_text("Copies made1")
    notebook.save()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_live_widget_is_seen_named_and_used_by_keys_alone(server, browser, theme) -> None:
    server.theme(theme)
    notebook = opened(browser, server)
    notebook.run_all()
    page = notebook.page
    assert page.evaluate("document.body.dataset.jpThemeLight") == str(theme == "light").lower()
    expect(live(notebook)).to_be_visible()
    expect(copy(notebook)).to_be_hidden()

    name = live(notebook).get_by_role("textbox", name="Name", exact=True)
    expect(name).to_have_accessible_description(f"Begins with a letter. There is a {HOSTILE}.")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.focus()
    page.keyboard.press("Tab")
    slider = live(notebook).get_by_role("slider", name="Nodes")
    expect(slider).to_be_focused()
    assert slider.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    page.keyboard.press("ArrowRight")
    expect(live(notebook).get_by_role("textbox", name="Nodes, typed")).to_have_text("3")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    size = live(notebook).get_by_role("slider", name="Size")
    expect(size).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(size).to_have_attribute("aria-valuetext", "large")
    assert violations(page) == []

    create = live(notebook).get_by_role("button", name="Create")
    create.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Made 1.").wait_for()
    # It was disabled meanwhile, which takes the focus away.
    expect(create).to_be_focused()
    for other in ("Look", "Choice"):
        tab(notebook, other)
        assert violations(page) == []
    tab(notebook, "Look")
    live(notebook).get_by_role("button", name="Copy").click()
    page.locator(".dotrain-copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "up()"
    tab(notebook, "Choice")
    expect(live(notebook).get_by_role("button", name="one")).to_have_attribute(
        "aria-pressed", "true"
    )
    live(notebook).get_by_role("button", name="two").click()
    expect(live(notebook).get_by_role("button", name="one")).to_have_attribute(
        "aria-pressed", "false"
    )
    more = live(notebook).get_by_role("button", name="More")
    expect(more).to_have_attribute("aria-expanded", "false")
    more.focus()
    page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    page.get_by_text("It is open.").wait_for()
    expect(more).to_be_focused()
    assert notebook.troubles == []
    server.stop_kernels()
    page.close()


def test_its_copy_is_what_a_saved_notebook_shows_without_the_kernel(saved, server, browser) -> None:
    for theme in ("light", "dark"):
        server.theme(theme)
        notebook = opened(browser, server)
        dead = notebook.page.get_by_text(DEAD)
        dead.wait_for(state="attached")
        expect(dead).to_be_hidden()
        expect(copy(notebook)).to_be_visible()
        expect(copy(notebook)).to_contain_text("Copies made1")
        expect(copy(notebook)).to_contain_text(HOSTILE)
        expect(copy(notebook).get_by_role("button")).to_have_count(0)
        assert violations(notebook.page) == []
        assert notebook.troubles == []
        notebook.page.close()
    server.stop_kernels()


def test_a_page_that_is_loaded_again_has_the_widget_while_its_kernel_runs(server, browser) -> None:
    notebook = opened(browser, server, "again.ipynb")
    notebook.run_all()
    live(notebook).get_by_role("button", name="Create").click()
    notebook.page.get_by_text("Made 1.").wait_for()
    notebook.save()
    notebook = lab.Notebook(notebook.page, server, "again.ipynb")
    expect(live(notebook)).to_be_visible()
    expect(copy(notebook)).to_be_hidden()
    live(notebook).get_by_role("button", name="Create").click()
    notebook.page.get_by_text("Made 2.").wait_for()
    notebook.page.close()
    server.stop_kernels()


def test_in_a_notebook_of_a_stranger_the_copy_can_be_read(saved, server, browser) -> None:
    content = json.loads(saved.read_text())
    # Nobody here has signed these outputs.
    content["cells"][0]["source"] = "import shown\nshown.Shown()"
    (server.directory / "stranger.ipynb").write_text(json.dumps(content))
    notebook = opened(browser, server, "stranger.ipynb")
    expect(copy(notebook)).to_be_visible()
    expect(copy(notebook)).to_contain_text("Copies made1")
    expect(copy(notebook)).to_contain_text(HOSTILE)
    expect(notebook.page.get_by_text(DEAD)).to_have_count(0)
    assert notebook.troubles == []
    notebook.page.close()
    server.stop_kernels()


def test_a_page_made_of_the_notebook_has_the_copy_once(saved, browser, tmp_path) -> None:
    page = exported(saved, tmp_path)
    content = page.read_text()
    assert content.count("<caption>Clusters</caption>") == 1
    assert "1 made" not in content, "the text is for who shows no HTML"
    tab = browser.new_page()
    tab.goto(page.as_uri())
    expect(tab.get_by_role("table", name="Clusters")).to_be_visible()
    tab.close()


def exported(notebook: Path, directory: Path) -> Path:
    """Return a page of HTML made of `notebook`, in `directory`."""
    command = (sys.executable, "-m", "nbconvert", "--to", "html", str(notebook))
    subprocess.run(
        [*command, "--output-dir", str(directory)], check=True, capture_output=True, timeout=120
    )
    return directory / f"{notebook.stem}.html"

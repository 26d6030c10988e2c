"""A saved notebook: what is read in it where its kernel is gone, and what must not be in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from dotrain import config
from scripts import install_vscode, lab, vscode
from scripts.lab import Notebook
from scripts.panels import Panel
from scripts.serving import Server
from tests.browser.conftest import SCREENSHOTS, Open
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.gallery

# Of this user's data directory: the gallery has another.
CODE = install_vscode.place()
NAME = "saved.ipynb"
CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    "dotrain.form('other')",
    "dotrain.get('bert').panel()",
    "dotrain.clusters()",
)
# What each copy says, by its cell.
SAID = {1: "dotrain.up(", 2: "3 of 3 run", 3: "1 cluster, which costs"}
DEAD = "Error displaying widget"
SECRETS = ("client-certificate-data", "client-key-data", "passphrase", "dop_v1_", "password")


@pytest.fixture(scope="module")
def saved(server: Server, sandbox: Sandbox, bert: str, chromium: Browser) -> Path:
    """A notebook with every widget, saved; its kernel has ended."""
    path = server.write(NAME, *CELLS)
    page = chromium.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
    notebook = Notebook(page, server, NAME)
    notebook.run_all()
    panel = Panel(notebook.output(2))
    for tab, said in {"Access": "audit: passed", "Teardown": "dotrain-bert"}.items():
        panel.tab(tab)
        expect(panel.said(said)).to_be_visible()
    copies = notebook.page.locator("[class*=dotrain-saved-]")
    for said in ("audit: passed", "dotrain-bert", "belongs to nothing"):
        expect(copies.filter(has_text=said)).to_have_count(1)
    notebook.shut_down()
    notebook.save()
    page.close()
    return path


@pytest.mark.parametrize("classic", [False, True], ids=["lab", "classic"])
def test_it_can_be_read_without_its_kernel(opened: Open, saved: Path, *, classic: bool) -> None:
    notebook = opened(NAME, classic=classic)
    for number in SAID:
        reads_once(notebook.output(number), number)
    assert notebook.page.get_by_text(DEAD).filter(visible=True).count() == 0
    kind = "classic" if classic else "lab"
    notebook.screenshot(SCREENSHOTS / f"saved-in-{kind}.png")


def test_a_strangers_can_be_read(opened: Open, server: Server, saved: Path) -> None:
    content = json.loads(saved.read_text())
    # Nobody here has signed what another cell has put out.
    content["cells"][0]["source"] = "import dotrain"
    (server.directory / "stranger.ipynb").write_text(json.dumps(content))
    notebook = opened("stranger.ipynb")
    for number in SAID:
        reads_once(notebook.output(number), number)
    expect(notebook.page.get_by_text(DEAD).filter(visible=True)).to_have_count(0)


def test_a_page_made_of_it_has_every_copy_once(
    saved: Path, chromium: Browser, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", saved, "--output-dir", tmp_path],
        check=True,
        capture_output=True,
        timeout=300,
    )
    page = chromium.new_page()
    page.goto((tmp_path / "saved.html").as_uri(), wait_until="domcontentloaded")
    for number in SAID:
        reads_once(page.locator(".jp-Cell").nth(number).locator(".jp-OutputArea"), number)
    page.screenshot(path=SCREENSHOTS / "saved-as-html.png", full_page=True)
    page.close()


def test_its_copies_can_be_read_in_visual_studio_code(saved: Path, chromium: Browser) -> None:
    assert CODE.exists(), "There is no Visual Studio Code for browsers: run 'make vscode' first."
    with vscode.serving(saved, CODE) as url:
        # It draws what is in sight, and no more.
        page = chromium.new_page(viewport={"width": lab.WIDTH, "height": 3 * lab.HEIGHT})
        page.goto(url, timeout=300_000)
        output = vscode.outputs(page)
        for said in SAID.values():
            expect(output.get_by_text(said).filter(visible=True).first).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "saved-in-vscode.png")
        page.close()


def test_it_holds_no_secret(saved: Path, sandbox: Sandbox) -> None:
    content = saved.read_text()
    kept = [
        file.read_text().strip() for file in config.home().rglob("*passphrase*") if file.is_file()
    ]
    assert kept, "there is one to look for"
    for secret in (sandbox.token, *kept, *SECRETS):
        assert secret not in content


def reads_once(output: Locator, number: int) -> None:
    """Check that an output shows its copy, which is no control, and shows it once."""
    copy = output.locator("[class*=dotrain-saved-]")
    expect(copy).to_have_count(1)
    expect(copy).to_be_visible()
    expect(copy).to_contain_text(SAID[number])
    expect(copy.locator("button, input, select")).to_have_count(0)

"""Run the quickstart in a real JupyterLab and save the README's picture of it.

Needs Chromium: Debian's at /usr/bin/chromium, or Playwright's own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from dotrain.engine import locate

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "notebook.png"
CELLS = 5  # down to the rules
WIDTH, HEIGHT = 1180, 1180


@contextmanager
def jupyterlab(directory: Path, settings: Path) -> Iterator[str]:
    """Serve `directory` and yield JupyterLab's address, with its token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"),
            *(f"--ServerApp.root_dir={directory}", "--ServerApp.ip=127.0.0.1"),
            *("--allow-root", f"--LabApp.user_settings_dir={settings}"),
            f"--LabApp.workspaces_dir={settings / 'workspaces'}",
        ],
        env={**os.environ, "JUPYTER_TOKEN": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{url}/api?token={token}").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield f"{url}/lab/tree/quickstart.ipynb?token={token}"
    finally:
        process.terminate()
        process.wait()


def run_cells(page: Page, count: int) -> None:
    """Run the first `count` cells, waiting for each to end."""
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_selector("text=Kernel status: Idle", state="attached", timeout=60_000)
    page.locator(".jp-Notebook .jp-Cell").first.click()
    for _ in range(count):
        page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "count => document.querySelectorAll('.jp-CodeCell .jp-OutputArea-child').length >= count"
        " && ![...document.querySelectorAll('.jp-InputPrompt')].some(p => p.innerText == '[*]:')",
        arg=2,
        timeout=120_000,
    )
    page.wait_for_timeout(1500)


def main() -> None:
    """Save the picture."""
    browser_path = shutil.which("chromium")
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
    ):
        directory = Path(name)
        # The engine is this home's; the picture's cluster is in one of its own.
        engine = locate.find()
        if engine is None:
            sys.exit("There is no Pulumi CLI: run 'make engine' first.")
        os.environ["DOTRAIN_PULUMI"] = str(engine.path)
        shutil.copy(ROOT / "notebooks" / "quickstart.ipynb", directory)
        os.environ["DOTRAIN_HOME"] = str(directory / "home")
        with jupyterlab(directory, directory / "settings") as url:
            browser = playwright.chromium.launch(
                executable_path=browser_path,
                args=["--no-sandbox", "--disable-background-networking"],
            )
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(url)
            run_cells(page, CELLS)
            page.keyboard.press("Control+b")
            # JupyterLab asks whether to show its news.
            page.get_by_role("button", name="No", exact=True).click()
            page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
            page.wait_for_timeout(500)
            page.screenshot(path=PICTURE)
            browser.close()
        subprocess.run([sys.executable, "-m", "dotrain", "sandbox", "stop"], check=True)


if __name__ == "__main__":
    main()

"""A notebook in a browser, used as a person uses it: by what is written on buttons and menus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from scripts import browser
from scripts.serving import Server

WIDTH, HEIGHT = 1180, 1180
_PATIENCE = 240_000.0

_KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status"
_DONE = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets;
  return cells.filter(cell => cell.model.type == 'code' && cell.model.sharedModel.source).every(
    cell => cell.model.executionCount != null && cell.promptNode.innerText != '[*]:');
}"""
_FAILED = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets;
  if (cells.some(cell => cell.promptNode?.innerText == '[*]:')) return '';
  const outputs = cells.flatMap(cell => cell.model.outputs?.toJSON() ?? []);
  const error = outputs.find(output => output.output_type == 'error');
  return error ? `${error.ename}: ${error.evalue}` : '';
}"""

_FORGET = """number => {
  window.jupyterapp.shell.currentWidget.content.widgets[number].model.executionCount = null;
}"""
_RAN = """number => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets[number];
  return cell.model.executionCount != null && cell.promptNode.innerText != '[*]:';
}"""

# What JupyterLab itself says that is no error of the page.
_NOISE = (
    "ResizeObserver loop",
    "Canceled",
    # Notebook 7, where it loads what only JupyterLab has.
    "reading 'schema'",
    "Command 'filebrowser:open-path' not registered",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser.chromium(), args=[*browser.FLAGS, "--lang=en-US"]
        )
        try:
            yield started
        finally:
            started.close()


class Notebook:
    """A notebook that is open in a page.

    Parameters
    ----------
    page : playwright.sync_api.Page
        The page; it is sent to the notebook.
    server : scripts.serving.Server
        Who serves it.
    name : str
        The file's name.
    classic : bool
        Whether to open it in Notebook 7 instead of JupyterLab.
    """

    def __init__(self, page: Page, server: Server, name: str, *, classic: bool = False) -> None:
        self.page = page
        self.name = name
        self.troubles: list[str] = []
        """Errors that no script of the page caught, and dialogs that one opened."""
        page.set_default_timeout(_PATIENCE)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on(
            "dialog", lambda dialog: (self._note(f"A dialog: {dialog.message}"), dialog.dismiss())
        )
        page.goto(server.classic(name) if classic else server.lab(name))
        self.page.wait_for_function(f"{_KERNEL} == 'idle'")
        if not classic:
            self._without_sidebar()

    def run_all(self) -> None:
        """Run all cells by the menu, and wait for the last to end."""
        self.choose("Run", "Run All Cells")
        self.finished()

    def run(self, number: int) -> None:
        """Run one cell by the keyboard, and wait for it to end."""
        # A number left by another kernel may be the one it gets from this.
        self.page.evaluate(_FORGET, number)
        self.cell(number).locator(".jp-InputPrompt").first.click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(_RAN, arg=number)

    def restart_and_run_all(self) -> None:
        """Restart the kernel and run all cells by the menu, and wait for the last to end."""
        self.choose("Kernel", "Restart Kernel and Run All Cells…")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        # The numbers of the cells are cleared only once the kernel is new.
        self.page.wait_for_function(f"!({_DONE})()")
        self.finished()

    def finished(self) -> None:
        """Wait until all cells have run; raise when one fails, after which no other runs."""
        self.page.wait_for_function(f"({_DONE})() || ({_FAILED})()")
        error = self.page.evaluate(_FAILED)
        if error:
            raise RuntimeError(f"A cell of {self.name} failed: {error}")

    def shut_down(self) -> None:
        """Shut the kernel down by the menu."""
        self.choose("Kernel", "Shut Down Kernel")
        self.page.wait_for_function(f"!{_KERNEL}")

    def save(self) -> None:
        """Save the notebook by the menu."""
        self.choose("File", "Save Notebook")
        self.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")

    def choose(self, menu: str, item: str) -> None:
        """Choose an item of a menu."""
        self.page.get_by_role("menubar").get_by_role("menuitem", name=menu, exact=True).click()
        # What a menu calls "Run All Cells" has its keys in its name.
        entry = (
            self.page.locator(".lm-Menu")
            .get_by_role("menuitem")
            .filter(has=self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True))
        )
        entry.click()

    def cell(self, number: int) -> Locator:
        """Return a cell, the first being 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def output(self, number: int) -> Locator:
        """Return what a cell has put out."""
        return self.cell(number).locator(".jp-Cell-outputWrapper")

    def screenshot(self, path: Path) -> None:
        """Save a picture of the page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, animations="disabled")

    def _without_sidebar(self) -> None:
        self.page.evaluate("window.jupyterapp.shell.collapseLeft()")

    def _note(self, text: str) -> None:
        if not any(noise in text for noise in _NOISE):
            self.troubles.append(text)

"""A Jupyter server, a browser and a sandbox for each module, and what a person does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from scripts import lab, serving
from tests.live.conftest import Sandbox, started

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"

Open = Callable[..., lab.Notebook]


@pytest.fixture(scope="module")
def server(module_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    """A Jupyter server whose kernels have the module's data directory."""
    with serving.jupyter(tmp_path_factory.mktemp("notebooks")) as running:
        yield running


@pytest.fixture(scope="module")
def sandbox(module_home: Path) -> Iterator[Sandbox]:
    """The sandbox of the module's data directory, which its kernels work on."""
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium; not longer than a module, whose loop would be in the way of other tests."""
    with lab.chromium() as started:
        yield started


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own, as wide as the README's pictures."""
    made = chromium.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
    yield made
    made.close()


@pytest.fixture
def opened(page: Page, server: serving.Server, sandbox: Sandbox) -> Iterator[Open]:
    """Opens a notebook; the test fails when a script of its page did."""
    notebooks: list[lab.Notebook] = []

    def opening(name: str, *cells: str, classic: bool = False) -> lab.Notebook:
        if cells:
            server.write(name, *cells)
        notebooks.append(lab.Notebook(page, server, name, classic=classic))
        return notebooks[-1]

    yield opening
    if notebooks and not page.is_closed():
        notebooks[-1].screenshot(SCREENSHOTS / f"{Path(notebooks[-1].name).stem}.png")
    server.stop_kernels()
    assert [one for notebook in notebooks for one in notebook.troubles] == []

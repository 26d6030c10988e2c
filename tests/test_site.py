"""The site is built without a warning, shows what the notebooks put out, and fetches nothing."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

import dotrain
from scripts import notebooks

ROOT = Path(__file__).parents[1]
# What a page would fetch, and a style sheet; where a link leads is another matter.
FETCHED = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio|object)\b[^>]*?"
    r"""\s(?:src|srcset|href|data)=["'](?:https?:)?//[^"']*""",
    re.IGNORECASE,
)
IMPORTED = re.compile(r"""(?:url\(["']?|@import\s+["'])(?:https?:)?//""", re.IGNORECASE)

pytestmark = pytest.mark.gallery


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q"),
            *("-b", "html", "-d", folder / "doctrees", ROOT / "docs", folder / "html"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return folder / "html"


def test_every_public_name_and_method_is_in_its_index(site: Path) -> None:
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    found = {name for kind, names in inventory.data.items() for name in names}
    wanted = {f"dotrain.{name}" for name in dotrain.__all__}
    wanted |= {f"dotrain.errors.{name}" for name in dotrain.errors.__all__}
    wanted |= {
        f"dotrain.{kind.__name__}.{name}"
        for kind in (dotrain.Cluster, dotrain.Job)
        for name, one in inspect.getmembers(kind)
        if not name.startswith("_") and (callable(one) or isinstance(one, property))
    }
    assert wanted <= found


def test_the_notebooks_show_what_they_put_out(site: Path) -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        page = (site / "notebooks" / f"{path.stem}.html").read_text("utf-8")
        shown = [
            cell
            for cell in notebooks.read(path).cells
            if cell.cell_type == "code" and not cell.source.startswith(("import ", "%"))
        ]
        assert page.count('class="cell_output') > len(shown) / 2, path.stem
        assert "203.0.113.7" in page or path.stem in ("lifetime", "training")
        assert "<table" in page
        # What only a kernel can show, and would be fetched from elsewhere without one.
        assert "widget-view+json" not in page


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        assert not FETCHED.findall(page.read_text("utf-8")), page
    for sheet in site.rglob("*.css"):
        assert not IMPORTED.search(sheet.read_text("utf-8")), sheet


def test_no_page_names_this_machine(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert str(ROOT) not in text, page
        assert os.environ["DOTRAIN_PULUMI"] not in text, page

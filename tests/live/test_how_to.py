"""What the how-to pages have a user do can be done: their code runs, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dotrain
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(60)

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
# Each goes on with the cluster that the one before left, and the last takes it down.
ORDER = ["going-real", "team", "roaming", "hosted", "leaving-nothing"]
BLOCK = re.compile(
    r"(?:<!-- not run: (.*?) -->\n)?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE
)


def blocks(page: str) -> list[tuple[str, str]]:
    """Return each block of Python on a page, with the reason why it is not run."""
    return BLOCK.findall((PAGES / f"{page}.md").read_text("utf-8"))


@pytest.fixture(scope="module")
def bert(sandbox: Sandbox) -> Iterator[None]:
    yield
    assert sandbox.objects("clusters") == []
    assert sandbox.objects("firewalls") == []


def test_every_page_is_read() -> None:
    assert sorted(ORDER) == sorted(path.stem for path in PAGES.glob("*.md"))


@pytest.mark.parametrize("page", ORDER)
def test_the_code_of_a_page_runs(page: str, bert: None) -> None:
    names: dict[str, object] = {}
    ran = 0
    for reason, source in blocks(page):
        code = compile(source, f"{page}.md", "exec")
        if not reason:
            exec(code, names)
            ran += 1
    assert ran > 1
    assert dotrain.Cluster.__name__ in {type(one).__name__ for one in names.values()}

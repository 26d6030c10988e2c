"""Directories that go as a whole."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def remove(path: Path) -> None:
    """Remove a directory, whatever those who wrote into it may do there."""
    for at, _, _ in os.walk(path):
        # On the way down, so that what is in it is seen too.
        os.chmod(at, 0o700)  # noqa: PTH101 (of thousands)
    shutil.rmtree(path, ignore_errors=True)

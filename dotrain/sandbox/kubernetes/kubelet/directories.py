"""Directories that go as a whole."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def remove(path: Path) -> None:
    """Remove a directory, even what its owner may not read or write in it."""
    path.chmod(0o700)
    for at, names, _ in os.walk(path):
        for name in names:
            inner = os.path.join(at, name)  # noqa: PTH118 (there may be thousands)
            if not os.path.islink(inner):  # noqa: PTH114
                # Before the walk comes to it, or it would see nothing there.
                os.chmod(inner, 0o700)  # noqa: PTH101
    shutil.rmtree(path, ignore_errors=True)

"""Directories to work in beside the place where what is made there ends.

An interrupt leaves one, which the next run removes, and never half a program in
its place.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

from dotrain.engine.gobuild import LEFTOVERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PREFIX = ".partial-"


def make(directory: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a new one in `directory`, to be used in a ``with`` statement."""
    return tempfile.TemporaryDirectory(prefix=_PREFIX, dir=directory, ignore_cleanup_errors=True)


def tidy(directory: Path, progress: Callable[[str], None]) -> None:
    """Remove a Go that was fetched for a build; an interrupt here costs nothing."""
    left = [directory / name for name in LEFTOVERS if (directory / name).exists()]
    if left:
        progress("removing the fetched Go and its caches (3 GB), which serve nothing else")
    for path in left:
        path.replace(path.with_name(f"{_PREFIX}{path.name}"))
    sweep(directory)


def sweep(directory: Path) -> None:
    """Remove what interrupted runs left; with the lock held, none of it is in use."""
    for left in directory.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)

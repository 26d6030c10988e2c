"""Directories that go as a whole."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOG = logging.getLogger(__name__)


def remove(path: Path) -> None:
    """Remove a directory, even what its owner may not read or write; it may vanish by itself."""
    _open(path)
    for at, names, _ in os.walk(path):
        for name in names:
            # Before the walk comes to it, or it would see nothing there.
            _open(os.path.join(at, name))  # noqa: PTH118 (there may be thousands)
    shutil.rmtree(path, ignore_errors=True)


def _open(path: Path | str) -> None:
    # Somebody else may be removing it too, or own it.
    with suppress(OSError):
        if not os.path.islink(path):  # noqa: PTH114
            os.chmod(path, 0o700)  # noqa: PTH101


class Cleaners:
    """Removes directories beside everything else, each once.

    Parameters
    ----------
    remove : callable
        Removes one; it blocks.
    """

    def __init__(self, remove: Callable[[Path], None]) -> None:
        self._remove = remove
        self._tasks: dict[Path, asyncio.Task[None]] = {}

    def begin(self, path: Path, after: asyncio.Task[None] | None = None) -> None:
        """Remove a directory, once something else has ended; nothing if that is under way."""
        if path in self._tasks:
            return
        task = self._tasks[path] = asyncio.create_task(self._clean(path, after))

        def over(_: asyncio.Task[None]) -> None:
            del self._tasks[path]

        task.add_done_callback(over)

    async def wait(self) -> None:
        """Return once none is at work."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def _clean(self, path: Path, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait({after})
        try:
            await asyncio.to_thread(self._remove, path)
        except OSError as error:
            _LOG.warning("%s could not be removed: %s", path, error)

"""A job in the cells of a notebook, kept up to date until it has ended.

One thread looks at a job, whatever number of cells show it. It begins with the
first of them and ends, under a lock that whoever adds a cell takes too, when
the job has ended and what follows it is over, or it is gone; after that nothing
is left to update. It is a daemon, and told to stop when the kernel does.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

from dotrain import display
from dotrain.jobs.shown import Picture

# Seconds between two looks, and when the cluster is out of reach.
_EVERY, _SELDOM = 2.0, 15.0

_lives: dict[Hashable, Live] = {}
_lock = threading.Lock()


class Cell:
    """One output of a notebook cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last: dict[str, str] = {}

    def show(self, picture: Picture) -> None:
        """Show `picture` in place of what it showed."""
        from IPython.display import display as show

        bundle = picture.bundle()
        if self._handle is None:
            self._handle = show(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        elif bundle != self._last:
            self._handle.update(bundle, raw=True)
        self._last = bundle


class Live:
    """The cells that show one job, and the thread that keeps them up to date.

    Parameters
    ----------
    look : callable
        Returns what there is to show; never raises.
    """

    def __init__(self, look: Callable[[], Picture]) -> None:
        self._look = look
        self._cells: list[Cell] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether something is still kept up to date."""
        return self._thread is not None

    def add(self) -> None:
        """Show the job in the cell that runs now, and keep that up to date."""
        picture, cell = self._look(), Cell()
        cell.show(picture)
        if picture.last:
            return
        with _lock:
            self._cells.append(cell)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dotrain job", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Keep nothing up to date any more."""
        self._stop.set()

    def _run(self) -> None:
        seconds = _EVERY
        while not self._stop.wait(seconds):
            picture = self._look()
            last = picture.last
            with _lock:
                cells = list(self._cells)
                if last:
                    # A cell that is added from now on begins another thread.
                    self._cells.clear()
                    self._thread = None
                    _forget(self)
            for cell in cells:
                # A frontend that has gone away is no reason to leave the others.
                with suppress(Exception):
                    cell.show(picture)
            if last:
                return
            seconds = _SELDOM if picture.note else _EVERY


def _forget(live: Live) -> None:
    """Let go of a job that has ended; the lock is held."""
    for key in [key for key, one in _lives.items() if one is live]:
        del _lives[key]


def show(key: Hashable, look: Callable[[], Picture]) -> None:
    """Show a job in the cell that runs now, and keep it up to date until it has ended.

    Parameters
    ----------
    key : hashable
        Which job.
    look : callable
        Returns what there is to show; never raises.
    """
    with _lock:
        live = _lives.setdefault(key, Live(look))
    live.add()
    with _lock:
        if not live.running:
            _forget(live)


def cell_number() -> int | None:
    """Return the number of the cell that runs now; None where there are no cells."""
    if not isinstance(display.choose(), display.Cell):
        return None
    from IPython import get_ipython

    return int(get_ipython().execution_count)


@atexit.register
def _stop() -> None:
    for live in _lives.values():
        live.stop()

"""An operation as lines in a terminal."""

from __future__ import annotations

from collections.abc import Callable

from dotrain.display import rows
from dotrain.engine.progress import Progress, Step

# Seconds: what takes longer is told when it begins, or once it has taken that long.
_LONG, _PATIENCE = 10.0, 5.0


class Lines:
    """Writes a line for each step that ends, and for one that takes long when it begins.

    Parameters
    ----------
    write : callable
        Takes each line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._shown: set[str] = set()
        self._begun: set[str] = set()

    def refresh(self, progress: Progress) -> None:
        """Write what is new."""
        for note in list(progress.notes):
            self._once(note)
        for key, step in list(progress.steps.items()):
            if step.status != "running":
                self._once(rows.row(progress, step).line)
            elif key not in self._begun and _is_long(progress, step):
                self._begun.add(key)
                usually = progress.past.step(step.what).words(step.elapsed)
                self._once(f"{rows.MARKS['running']} {step.what} {step.name}  {usually}")

    def _once(self, line: str) -> None:
        if line not in self._shown:
            self._shown.add(line)
            self._write(line)


def _is_long(progress: Progress, step: Step) -> bool:
    known = progress.past.step(step.what)
    return known.high >= _LONG or step.elapsed >= _PATIENCE

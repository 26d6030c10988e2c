"""An operation's turn on a stack: one at a time on this machine, whoever began it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import stack
from dotrain.engine import journal, processes, workspace
from dotrain.engine.exclusive import every, exclusive
from dotrain.engine.progress import Progress
from dotrain.errors import OperationInterrupted
from dotrain.target import Target

if TYPE_CHECKING:
    from dotrain.engine.driver import Driver

_REPEAT = 10.0
_LOOK = 0.1


class Turn:
    """An operation on a stack, as those who do its work see it.

    Parameters
    ----------
    target : Target
        The account.
    name : str
        The cluster's name.
    progress : Progress
        What to report to.
    operation : str
        The operation's id.
    patience : float
        Seconds to wait for an operation on another machine.
    """

    def __init__(
        self, target: Target, name: str, progress: Progress, operation: str, patience: float = 0.0
    ) -> None:
        self.target = target
        self.name = name
        self.progress = progress
        # When it had nobody to wait for any more, as `time.monotonic` counts.
        self.began: float | None = None
        self._operation = operation
        self._patience = patience
        self._driver: Driver | None = None
        self._interrupted = False

    def driver(self) -> Driver:
        """Return the driver of the stack, to which interrupts are handed on from now on."""
        self._driver = stack.open_driver(
            self.target, self.name, self.progress, self._operation, self._patience
        )
        self.refuse_interrupted()
        return self._driver

    def interrupt(self) -> None:
        """Ask the operation to stop as soon as its state is safe; a signal handler may call it."""
        self._interrupted = True
        if self._driver is not None:
            self._driver.interrupt()

    def refuse_interrupted(self) -> None:
        """Raise OperationInterrupted when somebody has asked to stop."""
        if self._interrupted:
            raise OperationInterrupted(
                f"{self.progress.title} was interrupted.",
                "Nothing had been changed yet, or what was made is saved in the state.",
                "Run the same call again.",
            )

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait until no other operation works on the stack, and keep others waiting until the end.

        An operation that was killed is taken over: what it started is ended.
        """
        directory = workspace.directory(self.target, self.name)

        def say(holder: str, _: float) -> None:
            path = journal.running(journals(directory))
            card = journal.Reader(path).card if path else None
            self.progress.note(f"Waiting for {card or holder}.")

        def waiting(holder: str, seconds: float) -> None:
            self.refuse_interrupted()
            said(holder, seconds)

        said = every(_REPEAT, say)
        with exclusive(directory / "operation.lock", waiting):
            for path in journal.killed(journals(directory)):
                self._take_over(path)
            self.began = time.monotonic()
            yield

    def _take_over(self, path: Path) -> None:
        dead = journal.Reader(path)
        if dead.card is None:
            return
        title, operation = dead.card.title, dead.card.id
        # An engine that lives on finishes what it has begun and saves it.
        told = False
        while processes.runs_engine(operation):
            if not told:
                told = True
                self.progress.note(f"Waiting for the engine of {title!r}, whose process is gone.")
            self.refuse_interrupted()
            time.sleep(_LOOK)
        processes.end_operation(operation)
        self.progress.note(f"Took over from {title!r}, whose process was killed.")
        writer = journal.Writer(path)
        writer.write("end", {"killed": True})
        writer.close()


def journals(directory: Path) -> Path:
    """Return the directory with the journals of a stack's operations."""
    return directory / "operations"

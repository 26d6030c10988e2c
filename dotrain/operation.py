"""An operation as a notebook sees it: shown live, waited for, stopped, or left to itself."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from dotrain import display, durations, transport
from dotrain.engine import journal
from dotrain.engine.progress import Progress
from dotrain.errors import DotrainError, OperationFailed, OperationInterrupted
from dotrain.hosts import Host

_LOOK_SECONDS = 0.02
_REFRESH_SECONDS = 0.2


class Operation:
    """Something that is being done, or was done, to a cluster.

    It runs in a process of its own: neither an interrupt nor the end of the
    kernel cuts it off, and any notebook can wait for it.

    Parameters
    ----------
    path : pathlib.Path
        Its journal.
    host : Host or None
        The process that runs it, when this kernel started it.
    """

    def __init__(self, path: Path, host: Host | None = None) -> None:
        self._reader = journal.Reader(path)
        self._host = host

    @property
    def title(self) -> str:
        """What it is, such as ``"up bert"``."""
        return self._reader.progress.title

    @property
    def kind(self) -> str:
        """``"apply"``, ``"down"`` or ``"after"``; empty before its process has said so."""
        return self._reader.card.kind if self._reader.card else ""

    @property
    def began(self) -> dt.datetime | None:
        """When it began, in UTC; None before its process has said so."""
        return durations.moment(self._reader.card.started) if self._reader.card else None

    @property
    def ended(self) -> dt.datetime | None:
        """When it ended, in UTC; None while it runs, and when it was killed."""
        self._reader.read()
        at, end = self._reader.ended, self._reader.end
        # Of one that was killed only the end is known that another one wrote for it.
        if at is None or end is None or end.get("killed"):
            return None
        return dt.datetime.fromtimestamp(at, dt.timezone.utc)

    @property
    def id(self) -> str:
        """What tells it from others: the name of its journal."""
        return self._reader.path.stem

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        self._reader.read()
        return self._state() == "running"

    @property
    def elsewhere(self) -> bool:
        """Whether another machine, with which this one shares a directory, has not ended it.

        Whether it still runs there nobody here knows.
        """
        self._reader.read()
        return self._state() == "elsewhere"

    @property
    def error(self) -> DotrainError | None:
        """Why it failed; None when it runs, or did what it should."""
        self._reader.read()
        state = self._state()
        if state == "killed":
            return self._killed()
        said = (self._reader.end or {}).get("error")
        return transport.from_dict(said) if said else None

    @property
    def summary(self) -> str:
        """What there is to say of it in a line: nothing once it has done what it should."""
        error = self.error
        if error is not None:
            return f"{self.title} failed: {error}"
        if not self.running:
            return ""
        steps = list(self.progress.steps.values())
        done = sum(step.status == "done" for step in steps)
        doing = [f"{step.verb} {step.kind}" for step in steps if step.status == "running"]
        return f"{self.title} is running: {', '.join([f'{done} done', *doing])}"

    @property
    def progress(self) -> Progress:
        """What it has done so far."""
        self._reader.read()
        if self._state() == "killed":
            self._reader.progress.cut_off()
        return self._reader.progress

    @property
    def log(self) -> str:
        """What it has said, a line for each, with the times in UTC: the last 500 lines."""
        return str(self.progress.log)

    @property
    def result(self) -> Any:
        """What it returned, as JSON has it; None before it has ended, and when it failed."""
        self._reader.read()
        return (self._reader.end or {}).get("result")

    def stop(self) -> None:
        """Ask it to stop as soon as its state is safe; `wait` tells when it has."""
        # A process that has not yet said that it runs it would die of the signal.
        if self.running and self._reader.card:
            with suppress(ProcessLookupError):
                os.kill(self._reader.card.pid, signal.SIGINT)

    def wait_until_begun(self) -> None:
        """Wait until its process has said that it runs it."""
        while self.running and self._reader.card is None:
            time.sleep(_LOOK_SECONDS)

    def wait(self, interrupts: Interrupts | None = None) -> Any:
        """Show it until it has ended, as `follow` does.

        Parameters
        ----------
        interrupts : Interrupts, optional
            What has counted interrupts since the operation began.

        Raises
        ------
        OperationInterrupted
            When it was interrupted, or goes on by itself.
        DotrainError
            What the operation raises.
        """
        self.follow(interrupts)
        error = self.error
        if error is not None:
            raise error
        return self.result

    def follow(self, interrupts: Interrupts | None = None) -> None:
        """Show it until it has ended, well or not.

        An interrupt asks an operation of this kernel to stop, and waits until
        it has; a second one leaves it to itself, as the first does with an
        operation that another kernel began.

        Parameters
        ----------
        interrupts : Interrupts, optional
            What has counted interrupts since the operation began.

        Raises
        ------
        OperationInterrupted
            When it is left to itself.
        """
        shown = display.choose()
        refreshed = 0.0
        stopped = False
        following = display.following(shown, self._reader.progress)
        with nullcontext(interrupts) if interrupts else Interrupts() as counted, following:
            while True:
                self._reader.read()
                now = time.monotonic()
                ended = self._state() != "running"
                if ended or now - refreshed >= _REFRESH_SECONDS:
                    refreshed = now
                    shown.refresh(self.progress)
                if ended:
                    return
                if counted.count and self._host and not stopped:
                    if self._reader.card:
                        stopped = True
                        self._reader.progress.note("Interrupt again to leave it to itself.")
                        self.stop()
                elif counted.count > (1 if self._host else 0):
                    raise self._left()
                time.sleep(_LOOK_SECONDS)

    def _state(self) -> str:
        # Before it has said who runs it, only its own kernel knows the process.
        if self._reader.card is None and self._host and not self._host.alive:
            self._reader.read()
            return "killed" if self._reader.end is None else "ended"
        return self._reader.state

    def _killed(self) -> OperationFailed:
        words = self._host.last_words if self._host else ""
        return OperationFailed(
            f"{self.title or 'The operation'} was cut off.",
            f"Its process was killed{f', and said: {words}' if words else ''}.",
            "Run the same call again: it takes over, and finds what was made.",
        )

    def _left(self) -> OperationInterrupted:
        name = self.title.rpartition(" ")[2]
        return OperationInterrupted(
            f"{self.title} goes on without this cell.",
            "It runs in a process of its own, since an engine that is killed loses what it made.",
            f"dotrain.get({name!r}) shows it and waits for it.",
        )

    def __repr__(self) -> str:
        return display.to_text(self.progress)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        progress = self.progress
        html = display.to_html(progress, log=True)
        return {"text/plain": display.to_text(progress), "text/html": html}


class Interrupts:
    """Counts interrupts instead of raising them.

    A KeyboardInterrupt could come between any two instructions, also while
    something is shown. Only the main thread is ever interrupted, or may count.
    """

    def __init__(self) -> None:
        self.count = 0
        self._previous: Any = None

    def __enter__(self) -> Interrupts:  # noqa: PYI034 - no subclass of it
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._add)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _add(self, _signal: int, _frame: FrameType | None) -> None:
        self.count += 1

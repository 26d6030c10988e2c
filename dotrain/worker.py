"""Run an operation beside the notebook: on a thread of its own, shown as it goes.

Pulumi's inline programs run an event loop of their own, which must not be the
kernel's. The calling thread only waits and shows, so that an interrupt reaches
it, and asks the engine to stop in an orderly way.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import FrameType
from typing import Any, TypeVar

from dotrain import display
from dotrain.engine.progress import Progress
from dotrain.errors import OperationInterrupted

_T = TypeVar("_T")
_REFRESH_SECONDS = 0.2


def run(
    title: str,
    work: Callable[[Progress], _T],
    *,
    interrupt: Callable[[], None],
) -> _T:
    """Return what `work` returns, showing its progress.

    Parameters
    ----------
    title : str
        What the operation is, such as ``"up bert"``.
    work : callable
        Takes the `Progress` to report to.
    interrupt : callable
        Asks `work` to stop once its state is safe.

    Raises
    ------
    OperationInterrupted
        At a second interrupt: the operation then goes on by itself.
    """
    progress = Progress(title)
    shown = display.choose()
    future: Future[_T] = Future()

    def target() -> None:
        try:
            future.set_result(work(progress))
        except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
            future.set_exception(error)

    with _Interrupts() as interrupts:
        threading.Thread(target=target, name=f"dotrain {title}", daemon=True).start()
        handed_on = False
        while not future.done():
            wait([future], timeout=_REFRESH_SECONDS)
            shown.refresh(progress)
            if interrupts.count and not handed_on:
                handed_on = True
                interrupt()
                progress.note(
                    "Interrupted: stopping as soon as the state is safe. "
                    "Interrupt again to leave it."
                )
            elif interrupts.count > 1 and not future.done():
                raise OperationInterrupted(
                    f"{title} goes on without this cell.",
                    "It was interrupted twice, and an engine that is killed loses what it made.",
                    "dotrain.get() shows when it has ended; until then the cluster is locked.",
                )
    progress.finish()
    shown.refresh(progress)
    return future.result()


class _Interrupts:
    """Counts interrupts instead of raising them.

    A KeyboardInterrupt could come between any two instructions, also between
    the start of the work and the loop that waits for it, and would leave the
    work alone. Only the main thread is ever interrupted, or may count.
    """

    def __init__(self) -> None:
        self.count = 0
        self._previous: Any = None

    def __enter__(self) -> _Interrupts:  # noqa: PYI034 - no subclass of it
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._add)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _add(self, _signal: int, _frame: FrameType | None) -> None:
        self.count += 1

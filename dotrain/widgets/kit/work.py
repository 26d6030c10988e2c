"""What takes its time, off the kernel's main thread, so that the kernel goes on answering."""

from __future__ import annotations

import contextvars
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from dotrain import confirm

T = TypeVar("T")

_warned: contextvars.ContextVar[Callable[[str], None] | None] = contextvars.ContextVar(
    "warned", default=None
)


class Busy(RuntimeError):
    """A worker does something else."""


class Worker:
    """Does one thing at a time, in a thread of its own.

    Parameters
    ----------
    name : str
        What its threads are called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._unfinished = 0
        self._listeners: list[Callable[[bool], None]] = []

    @property
    def busy(self) -> bool:
        """Whether it does something, what follows it included."""
        return self._thread is not None

    def listen(self, callback: Callable[[bool], None]) -> Callable[[], None]:
        """Have `callback` told when it becomes busy (True) and when it has ended (False).

        Returns
        -------
        callable
            Ends that.
        """
        self._listeners.append(callback)

        def leave() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return leave

    def start(
        self,
        call: Callable[[], T],
        *,
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
        warned: Callable[[str], None] | None = None,
    ) -> None:
        """Run `call`, then one of `done` and `failed`, in a thread; return at once.

        It sees the caller's context variables. Nobody is asked anything in it:
        what would ask raises what to pass instead.

        Parameters
        ----------
        call : callable
            What takes its time.
        done : callable
            Takes what it returned. It may start the next thing.
        failed : callable
            Takes what it, or `done`, raised.
        warned : callable, optional
            Takes the text of each warning, which then appears nowhere else.

        Raises
        ------
        Busy
            When it does something else.
        """
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run,
            args=(self._run, call, done, failed, warned),
            name=f"dotrain {self._name}",
            daemon=True,
        )
        with self._changed:
            if self._thread not in (None, threading.current_thread()):
                raise Busy(f"{self._name} is still busy.")
            self._thread = thread
            self._unfinished += 1
        _catch_warnings()
        self._tell(busy=True)
        try:
            thread.start()
        except RuntimeError as error:
            # No thread is to be had: nothing was begun, and one may try again.
            self._end(thread)
            failed(error)

    def join(self, timeout: float) -> bool:
        """Wait until it does nothing, at most `timeout` seconds; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._unfinished, timeout)

    def _run(
        self,
        call: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
        warned: Callable[[str], None] | None,
    ) -> None:
        _warned.set(warned)
        try:
            try:
                with confirm.unattended():
                    done(call())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is shown
                failed(error)
        except BaseException as error:  # noqa: BLE001 - what cannot be shown is printed
            report(error)
        finally:
            self._end(threading.current_thread())

    def _end(self, thread: threading.Thread) -> None:
        """Be free again, unless what followed has started the next thing."""
        with self._changed:
            last = self._thread is thread
            if last:
                self._thread = None
        if last:
            self._tell(busy=False)
        with self._changed:
            self._unfinished -= 1
            self._changed.notify_all()

    def _tell(self, *, busy: bool) -> None:
        for callback in list(self._listeners):
            tell(callback, busy)


def tell(callback: Callable[[T], object], value: T) -> None:
    """Call `callback` with `value`; what it raises is printed, and others are told all the same."""
    try:
        callback(value)
    except Exception as error:  # noqa: BLE001 - printed, see above
        report(error)


def report(error: BaseException) -> None:
    """Print an error that no widget can show, as Python does of a thread that dies of it."""
    args = (type(error), error, error.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(args))


def _catch_warnings() -> None:
    """Have warnings of threads that want them told to them, and all others shown as before."""
    before = warnings.showwarning
    if getattr(before, "of_dotrain", False) is False:

        def show(message: Warning | str, *where: Any, **more: Any) -> None:
            told = _warned.get()
            if told is None:
                before(message, *where, **more)
            else:
                told(str(message))

        show.of_dotrain = True  # type: ignore[attr-defined]
        warnings.showwarning = show
    # Python shows a warning once for each line that warns; each action is a new occasion.
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "dotrain":
            vars(module).pop("__warningregistry__", None)

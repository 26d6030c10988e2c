"""Look at something again and again, in one thread, while somebody looks at what shows it."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dotrain.widgets.kit import presence
from dotrain.widgets.kit.work import report, tell

T = TypeVar("T")

SELDOM = 60.0
"""Seconds between two looks, at least, while nobody seems to be there."""
_SLOWER = 10

_pollers: weakref.WeakSet[Poller[Any]] = weakref.WeakSet()


def _always() -> bool:
    return True


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class _Subscriber(Generic[T]):
    callback: Callable[[T], None]
    viewed: Callable[[], bool]


class Poller(Generic[T]):
    """Looks every so many seconds while a subscriber is viewed, and not otherwise.

    When there has been no sign of anybody for long, it looks seldom: views are
    still counted of a page that was closed.

    Parameters
    ----------
    look : callable
        Returns what there is to show; an error is part of that.
    every : float
        Seconds between two looks; may be changed.
    name : str
        What its thread is called.
    eager : callable, optional
        Returns whether what there is to see ends by itself, and is worth
        looking at as often whoever is there.
    """

    def __init__(
        self,
        look: Callable[[], T],
        *,
        every: float,
        name: str,
        eager: Callable[[], bool] = _never,
    ) -> None:
        self.every = every
        self._look = look
        self._eager = eager
        self._name = name
        self._changed = threading.Condition()
        self._subscribers: list[_Subscriber[T]] = []
        self._thread: threading.Thread | None = None
        self._asked = False
        self._stopped = False
        _pollers.add(self)

    @property
    def running(self) -> bool:
        """Whether it looks."""
        return self._thread is not None

    @property
    def resting(self) -> bool:
        """Whether it looks seldom, as nobody seems to be there."""
        return presence.away() and not self._eager()

    def subscribe(
        self, callback: Callable[[T], None], *, viewed: Callable[[], bool] = _always
    ) -> Callable[[], None]:
        """Have each look given to `callback`, in the poller's thread; return what ends that.

        Parameters
        ----------
        callback : callable
            Takes what was seen.
        viewed : callable
            Returns whether anybody sees what it shows. When that becomes true
            later, call `now`.
        """
        subscriber = _Subscriber(callback, viewed)
        with self._changed:
            self._subscribers.append(subscriber)
        self.now()

        def unsubscribe() -> None:
            with self._changed:
                if subscriber in self._subscribers:
                    self._subscribers.remove(subscriber)
                self._changed.notify_all()

        return unsubscribe

    def now(self) -> None:
        """Look at once rather than when it is time, if anybody is there to see it."""
        with self._changed:
            if self._stopped or not self._anybody():
                return
            self._asked = True
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"dotrain {self._name}", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, timeout: float) -> bool:
        """Wait until it does not look, at most `timeout` seconds; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def _anybody(self) -> bool:
        return any(one.viewed() for one in self._subscribers)

    def _goes_on(self) -> bool:
        """Return whether to look again; the thread that is told no has ended."""
        with self._changed:
            self._asked = self._asked and self._anybody()
            if not self._asked:
                wait = max(_SLOWER * self.every, SELDOM) if self.resting else self.every
                self._changed.wait_for(self._disturbed, wait)
            if self._stopped or not self._anybody():
                self._thread = None
                self._changed.notify_all()
                return False
            self._asked = False
            return True

    def _disturbed(self) -> bool:
        return self._asked or self._stopped or not self._subscribers

    def _run(self) -> None:
        while self._goes_on():
            try:
                seen = self._look()
            except Exception as error:  # noqa: BLE001 - the next look may do better
                report(error)
                continue
            with self._changed:
                # A cell that ran again left one behind that is in no page.
                viewed = [one for one in self._subscribers if one.viewed()]
            for one in viewed:
                tell(one.callback, seen)


class Views:
    """How often a widget is in a page; calling it says whether it is at all.

    Parameters
    ----------
    widget : ipywidgets.DOMWidget
        What is shown; its front end begins to count.
    appeared : callable, optional
        Called when it is seen again, such as a poller's `now`.
    """

    def __init__(self, widget: Any, appeared: Callable[[], None] | None = None) -> None:
        self._count = 0
        self._widget = widget
        self._appeared = appeared
        presence.watch()
        # A front end counts the views of a model whose count is no longer None.
        widget.set_trait("_view_count", 0)
        widget.observe(self._changed, names="_view_count")

    def __call__(self) -> bool:
        """Return whether it is in a page."""
        # Of a widget that was closed no page tells anything any more.
        return self._count > 0 and self._widget.comm is not None

    def _changed(self, change: dict[str, Any]) -> None:
        before, self._count = self._count, change["new"] or 0
        if self._appeared and self._count and not before:
            self._appeared()


def _wake() -> None:
    for poller in list(_pollers):
        poller.now()


presence.on_return(_wake)


@atexit.register
def _stop() -> None:
    for poller in list(_pollers):
        poller.stop()

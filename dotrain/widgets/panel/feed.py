"""Looks at a cluster for all panels of a kernel that show it: one thread, one set of requests.

While somebody looks at a panel, the journal of the newest operation is read
every second, which costs no request, and the account is asked every few
seconds, in a thread of its own: an account that answers slowly, or not at all,
does not hold up what the journal says. Of a cluster that is gone nobody is asked
anything, until a journal or the stack says that there is one again.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakValueDictionary

from dotrain import looking, operations
from dotrain.engine import workspace
from dotrain.errors import DotrainError
from dotrain.operation import Operation
from dotrain.snapshot import Snapshot
from dotrain.target import Target
from dotrain.widgets.kit.live import Poller

# Seconds between two looks: at the journal; at the account, while an operation works on
# the cluster, while none does, and when there is nothing to see or it failed; at the database.
TICK = 1.0
BUSY, CALM, SELDOM = 2.0, 5.0, 30.0
DATABASE = 30.0


# By the account with its token, as one that was refused stays so; for as long as
# something shows what it says.
_feeds: WeakValueDictionary[tuple[Target, str], Feed] = WeakValueDictionary()
_lock = threading.Lock()


def of(target: Target, name: str) -> Feed:
    """Return the feed of this kernel for the cluster `name`."""
    with _lock:
        found = _feeds.get((target, name))
        if found is None:
            found = _feeds[target, name] = Feed(target, name)
        return found


class _Question:
    """What the account is asked, in a thread: the answer may be long in coming."""

    def __init__(self, ask: Callable[[], Snapshot], name: str) -> None:
        self._ask = ask
        self._answer: Snapshot | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def answer(self, patience: float | None) -> Snapshot | None:
        """Return the answer, None while there is none after `patience` seconds; raise its error."""
        self._thread.join(patience)
        if self._error is not None:
            raise self._error
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = self._ask()
        except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
            self._error = error


class Feed:
    """Takes snapshots of one cluster while anybody sees what shows them.

    Parameters
    ----------
    target : Target
        The account.
    name : str
        The cluster's name.
    """

    def __init__(self, target: Target, name: str) -> None:
        self.last: Snapshot | None = None
        self._target = target
        self._name = name
        # Where the stack is not a file here, reading it takes a second of the engine.
        self._near = workspace.backend(target).directory is not None
        self._one = threading.Lock()
        self._asked = False
        self._question: _Question | None = None
        self._news: tuple[str, bool] | None = None
        self._looked = self._database = float("-inf")
        self._poller = Poller(self.look, every=TICK, name=f"feed {name}", eager=self._busy)

    @property
    def resting(self) -> bool:
        """Whether it looks seldom, as nobody seems to be there."""
        return self._poller.resting

    def subscribe(
        self, callback: Callable[[Snapshot], None], *, viewed: Callable[[], bool]
    ) -> Callable[[], None]:
        """Have each new snapshot given to `callback` while `viewed`; return what ends that."""
        return self._poller.subscribe(callback, viewed=viewed)

    def appeared(self) -> None:
        """Go on: somebody sees a panel again."""
        self._poller.now()

    def now(self) -> None:
        """Ask the account at once, whenever it was asked the last time."""
        self._asked = True
        self._poller.now()

    def ended(self, timeout: float) -> bool:
        """Wait until it looks no more, at most `timeout` seconds; return whether that is so."""
        return self._poller.join(timeout)

    def first(self, timeout: float, told: Callable[[Snapshot], object]) -> None:
        """Have `told` take how the cluster is at present, and wait for that.

        Parameters
        ----------
        timeout : float
            Seconds to wait at most; when it takes longer, `told` is called then.
        told : callable
            Takes the look, in another thread.
        """
        if time.monotonic() - self._looked >= TICK:
            # Nobody may have looked for long: what was seen then is not how it is.
            self._asked = True

        def look() -> None:
            seen = self.look()
            while self._question is not None:
                seen = self.look()
            told(seen)

        name = f"dotrain first look at {self._name}"
        thread = threading.Thread(target=look, name=name, daemon=True)
        thread.start()
        thread.join(timeout)

    def look(self) -> Snapshot:
        """Return how the cluster is, asking the account when it is time; never raises.

        An answer that is not there in a second comes with a later look, and only
        before the first there is nothing else to return.
        """
        with self._one:
            try:
                self.last = self._next(self.last)
            except Exception as error:  # noqa: BLE001 - shown in the panel, whatever it is
                self.last = self._failed(error)
            return self.last

    def _next(self, before: Snapshot | None) -> Snapshot:
        operation = operations.newest(self._target, self._name)
        if self._question is None:
            ask = self._due(before, operation)
            if ask is not None:
                self._question = _Question(ask, f"dotrain look at {self._name}")
        if self._question is not None:
            answer = self._answer(self._question, None if before is None else TICK)
            if answer is not None:
                return answer
        if before is None:
            raise AssertionError  # the first look is due, and waited for
        # The time that steps take goes on.
        goes_on = before.busy or self._question is not None
        return replace(before, operation=operation) if goes_on else before

    def _answer(self, question: _Question, patience: float | None) -> Snapshot | None:
        try:
            answer = question.answer(patience)
        except Exception:
            self._question = None
            raise
        if answer is not None:
            self._question = None
        return answer

    def _due(
        self, before: Snapshot | None, operation: Operation | None
    ) -> Callable[[], Snapshot] | None:
        """Return what the account is to be asked now; None when it is not time."""
        news = (operation.id, operation.running) if operation else None
        asked, self._asked = self._asked, False
        if before is None or asked or news != self._news:
            # What ends or begins changes what the account has.
            self._news = news
            return lambda: self._take(before, read=True)
        if self._database_is_due(before):
            self._database = time.monotonic()
            return lambda: looking.with_database(self._target, before)
        if time.monotonic() - self._looked >= self._every(before):
            return lambda: self._take(before, read=self._near)
        return None

    def _take(self, before: Snapshot | None, *, read: bool) -> Snapshot:
        try:
            seen = self._seen(before, read=read)
            if before is not None and not read:
                whole = seen.with_database_of(before)
                if whole.drifted != before.drifted:
                    # The rules may be what another machine has asked for since.
                    seen = self._seen(before, read=True)
        finally:
            self._looked = time.monotonic()
        if before is None or before.observed is None or seen.gone:
            return seen
        if seen.error is not None:
            # What was seen stays, with its time, until a look succeeds.
            return replace(before, error=seen.error, operation=seen.operation)
        return seen.with_database_of(before)

    def _seen(self, before: Snapshot | None, *, read: bool) -> Snapshot:
        prices = looking.known_prices(self._target)
        return looking.take(self._target, self._name, prices, before=before, read=read)

    def _every(self, before: Snapshot) -> float:
        if before.gone:
            return CALM if self._near else float("inf")
        if before.error is not None:
            # What refuses, or is too busy to answer, is not asked the more for it.
            return SELDOM
        if before.busy:
            return BUSY
        return SELDOM if before.state == "no cluster" else CALM

    def _busy(self) -> bool:
        return self.last is not None and self.last.busy

    def _database_is_due(self, before: Snapshot) -> bool:
        wanted = before.cluster is not None and before.spec is not None and before.spec.database
        return bool(wanted) and time.monotonic() - self._database >= DATABASE

    def _failed(self, error: Exception) -> Snapshot:
        said = DotrainError(
            f"Looking at {self._name!r} failed.",
            f"This was not expected. {type(error).__name__}: {error}",
            "It is looked at again in a while; Refresh does so at once.",
        )
        now = dt.datetime.now(dt.timezone.utc)
        before = self.last or Snapshot(self._name, now, self._target.kind)
        return replace(before, error=said)

"""What goes on in a case, seen from outside: processes, locks, requests."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass

import psutil

from dotrain.engine import journal
from dotrain.engine.processes import OPERATION
from tests.crash.account import Account
from tests.crash.cases import Operation

MARK = "DOTRAIN_CRASH"
"""The variable that a kernel and all that comes of it carry, to be found by."""

_PATIENCE = 60.0

# What carries no mark never will: a process that one of ours starts carries it from its first
# moment. To read the environment of all the others over and over takes a whole core.
_foreign: set[psutil.Process] = set()


@dataclass(frozen=True)
class Processes:
    """Those that carry a mark, by what they are."""

    hosts: tuple[psutil.Process, ...] = ()
    engines: tuple[psutil.Process, ...] = ()
    plugins: tuple[psutil.Process, ...] = ()

    @property
    def all(self) -> tuple[psutil.Process, ...]:
        """All of them."""
        return (*self.hosts, *self.engines, *self.plugins)

    def beside(self, kernel: int) -> list[str]:
        """Return those that do not belong to the kernel `kernel`, in words."""
        strays = [one for one in self.hosts if _parent(one) != kernel]
        return [_words(one) for one in (*strays, *self.engines, *self.plugins)]


def processes(mark: str) -> Processes:
    """Return the processes that carry `mark`."""
    found: dict[str, list[psutil.Process]] = {"host": [], "engine": [], "plugin": []}
    for process in psutil.process_iter():
        if process in _foreign:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            # While it starts another program it has none for a moment.
            if environment and MARK not in environment:
                _foreign.add(process)
            if environment.get(MARK) != mark or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if environment.get(OPERATION):
                leads = os.getsid(process.pid) == process.pid
                found["engine" if leads else "plugin"].append(process)
            elif "dotrain.host" in process.cmdline():
                found["host"].append(process)
    return Processes(*map(tuple, found.values()))


class Watch:
    """Waits for a moment of an operation.

    Parameters
    ----------
    account : Account
        The sandbox it works on.
    operation : Operation
        What is done.
    mark : str
        What its processes carry.
    """

    def __init__(self, account: Account, operation: Operation, mark: str) -> None:
        self._account = account
        self._operation = operation
        self._mark = mark
        self._before = account.journals
        self._asked = len(account.log())
        self._engine: psutil.Process | None = None

    def until(self, moment: str) -> None:
        """Wait for a moment, or for the end of the operation."""
        come = {
            "begun": lambda: processes(self._mark).hosts,
            "engine": lambda: processes(self._mark).engines,
            "locked": lambda: self._account.locks,
            "plugin": lambda: processes(self._mark).plugins,
            "first": self._changed,
            "waiting": lambda: self._asked_for(*self._operation.waits) >= self._operation.times,
            "unlocked": self._freed,
        }[moment]
        deadline = time.monotonic() + _PATIENCE
        while not come() and not self.ended():
            assert time.monotonic() < deadline, f"it was never {moment}"
            time.sleep(0.002)
        if moment == "waiting" and not self.ended():
            time.sleep(self._operation.seconds)

    def engine(self) -> psutil.Process | None:
        """Return the CLI that runs, or the next one to; None when none does until the end."""
        if self._engine is not None:
            return self._engine
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = processes(self._mark).engines
            if found:
                return found[0]
            if self.ended():
                return None
        raise AssertionError("there was no engine")

    def phase(self) -> str:
        """Return how far the operation is, in words."""
        if self.ended():
            return "ended"
        locked = bool(self._account.locks)
        now = processes(self._mark)
        changes = len(self._account.changes(self._asked))
        if now.engines:
            what = "provider" if now.plugins else "lock" if locked else "engine"
        else:
            what = "after the engine" if self._engine else "before the engine"
        return f"{what}, {changes} change{'s' if changes > 1 else ''}" if changes else what

    def _freed(self) -> bool:
        if self._engine is None:
            # Known beforehand: once the stack is free, its engine has a moment left.
            if self._changed() and self._account.locks:
                self._engine = next(iter(processes(self._mark).engines), None)
            return False
        return not self._account.locks

    def _changed(self) -> bool:
        if self._operation.waits[0] == "GET":
            return self._asked_for("GET", r"/v2/(firewalls|vpcs|kubernetes/clusters)/.*") > 0
        return bool(self._account.changes(self._asked))

    def _asked_for(self, method: str, path: str) -> int:
        return sum(
            one["method"] == method and bool(re.fullmatch(path, one["path"]))
            for one in self._account.log()
        )

    def ended(self) -> bool:
        """Return whether the operation has ended."""
        new = self._account.journals - self._before
        return any(journal.Reader(path).end is not None for path in new)

    def running(self) -> bool:
        """Return whether the operation has begun and not ended."""
        return self._account.journals > self._before and not self.ended()


def _parent(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()[:6])
    except psutil.NoSuchProcess:
        return "one that has just ended"

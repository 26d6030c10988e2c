"""Processes: whether one still runs, and the end of those that an operation left behind."""

from __future__ import annotations

import contextlib
import os

import psutil

_NUMBERS = 1 << 31

OPERATION = "DOTRAIN_OPERATION"
"""The variable that an operation's engine and plugins carry: the operation's id."""


def born() -> float:
    """Return when this process began, seconds since 1970: with its number, its identity."""
    return float(psutil.Process().create_time())


def alive(pid: int, since: float | None = None) -> bool:
    """Return whether a process runs.

    Parameters
    ----------
    pid : int
        Its number.
    since : float, optional
        When it ran for certain, seconds since 1970. A number is given again
        after a while, and a process that began later is another one.
    """
    if not 0 < pid < _NUMBERS:
        # No number a process can have: nobody can say.
        return True
    try:
        process = psutil.Process(pid)
        # A killed child that nobody waited for still has its number.
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return since is None or process.create_time() <= since + 1
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        # Somebody else's process.
        return True


def end_session(leader: int) -> None:
    """Kill what is left of the session that the process `leader` led; it has ended itself.

    The engine starts its plugins in groups of their own, so that a signal to
    its group does not reach them; but they stay in its session. The system
    gives no number of a session to another one while any of it runs.
    """
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if pid != leader and os.getsid(pid) == leader:
                _kill(pid)


def of_operation(operation: str) -> list[int]:
    """Return the processes of this user that carry the id of an operation."""
    return [
        process.pid
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _carries(process, operation)
    ]


def runs_engine(operation: str) -> bool:
    """Return whether the engine of an operation runs: it leads a session, its plugins do not."""
    return any(_leads(pid) for pid in of_operation(operation))


def end_operation(operation: str) -> list[int]:
    """Kill the processes that carry the id of an operation, and return them."""
    ended = of_operation(operation)
    for pid in ended:
        _kill(pid)
    return ended


def _carries(process: psutil.Process, operation: str) -> bool:
    try:
        return bool(process.environ().get(OPERATION) == operation)
    except (psutil.Error, OSError):
        return False


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()

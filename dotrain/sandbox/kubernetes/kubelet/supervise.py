"""The process above one container's, which ends it with the sandbox and writes its log.

Its standard input is a pipe from the sandbox: first a line of JSON with what to
start, then a letter for each signal, until the sandbox closes it or is killed,
which kills the container. Should it be killed itself, the first process goes with
it, and one more above it, which does nothing else, ends what is left. On its
standard output it says in lines of JSON that the container runs, and how it has
ended. It imports nothing of the sandbox, so that it starts at once and is small.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any

TERMINATE = b"T"
KILL = b"K"
_CHUNK = 1 << 16
# A longer line is written in parts, as container runtimes do.
_LONGEST = 1 << 14
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_LINUX = sys.platform == "linux"


class NotStarted(Exception):
    """The program is not there, or cannot be run."""


def main() -> None:
    """Run one container and say how it ends."""
    asked = json.loads(_line(0))
    # What loses its parent becomes a child of this process, so that nothing gets away.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if below := os.fork():
        os.close(0)
        os.waitpid(below, 0)
        _end_descendants()
        return
    # That is not handed down.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    (out, said), (errors, failed) = os.pipe(), os.pipe()
    try:
        log = _Log(asked["log"], {out: "stdout", errors: "stderr"})
        first = _First(asked, said, failed)
    except (NotStarted, OSError) as error:
        _say(error=str(error), at=time.time())
        return
    try:
        os.close(said)
        os.close(failed)
        _say(pid=first.pid, at=time.time())
        _follow(first, log, wake)
    finally:
        _end(first)
    log.close()
    _say(code=first.code, at=time.time())


class _First:
    """The first process of a container.

    Made without `subprocess`, whose import takes longer than all else here.

    Raises
    ------
    NotStarted
        When it cannot be; it says why.
    """

    def __init__(self, asked: dict[str, Any], out: int, errors: int) -> None:
        self.code: int | None = None
        heard, failed = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _become(asked, out, errors)
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or str(error)
                os.write(failed, f'exec: "{asked["command"][0]}": {why}'.encode())
            finally:
                os._exit(1)
        os.close(failed)
        # It is closed, with nothing in it, by the program that has taken over.
        said = os.read(heard, _CHUNK)
        os.close(heard)
        if said:
            os.waitpid(self.pid, 0)
            raise NotStarted(said.decode())

    def over(self) -> bool:
        """Return whether it has ended."""
        return self._look(os.WNOHANG)

    def wait(self) -> None:
        """Return when it has ended."""
        self._look(0)

    def signal(self, number: int) -> None:
        """Send it a signal, and to it alone, as a container runtime does."""
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)

    def _look(self, options: int) -> bool:
        if self.code is None and (status := os.waitpid(self.pid, options))[0]:
            code = os.waitstatus_to_exitcode(status[1])
            # As a shell and a kubelet give it: 128 and the signal, if by one.
            self.code = code if code >= 0 else 128 - code
        return self.code is not None


def _become(asked: dict[str, Any], out: int, errors: int) -> None:
    """Become the program that is asked for."""
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # None of it becomes another user, whom this one could not kill.
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        # Python ignores these, and a program inherits that.
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(errors, 2)
    os.chdir(asked["directory"])
    command = asked["command"]
    os.execvpe(command[0], command, asked["environment"])  # noqa: S606 (no shell is wanted)


class _Log:
    """A file with what a process writes, in the format of the Container Runtime Interface."""

    def __init__(self, path: str, pipes: dict[int, str]) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._names = dict(pipes)
        self._rest = dict.fromkeys(pipes, b"")
        for pipe in pipes:
            os.set_blocking(pipe, False)

    @property
    def open(self) -> list[int]:
        """The pipes that somebody may still write into."""
        return list(self._names)

    def take(self, pipe: int) -> bool:
        """Write down what there is in a pipe; return whether there was anything."""
        try:
            chunk = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return False
        *lines, rest = (self._rest[pipe] + chunk).split(b"\n")
        said = [(part, tag) for line in lines for part, tag in _parts(line)]
        while len(rest) >= _LONGEST:
            said.append((rest[:_LONGEST], b"P"))
            rest = rest[_LONGEST:]
        if not chunk and rest:
            said.append((rest, b"F"))
            rest = b""
        self._rest[pipe] = rest
        self._write(self._names[pipe], said)
        if not chunk:
            del self._names[pipe]
        return bool(chunk)

    def close(self) -> None:
        """Write down the last of it: nobody is left who could say more."""
        for pipe in self.open:
            while self.take(pipe):
                pass
            if pipe in self._names and self._rest[pipe]:
                self._write(self._names[pipe], [(self._rest[pipe], b"F")])
        os.close(self._file)

    def _write(self, name: str, said: list[tuple[bytes, bytes]]) -> None:
        now = time.time_ns()
        whole, rest = divmod(now, 10**9)
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest:09}Z"
        head = f"{at} {name} ".encode()
        # On a full disk a log has a gap, and the container goes on.
        with suppress(OSError):
            os.write(self._file, b"".join(head + tag + b" " + part + b"\n" for part, tag in said))


def _parts(line: bytes) -> list[tuple[bytes, bytes]]:
    starts = range(0, max(1, len(line)), _LONGEST)
    parts = [line[start : start + _LONGEST] for start in starts]
    return [(part, b"P") for part in parts[:-1]] + [(parts[-1], b"F")]


def _follow(first: _First, log: _Log, wake: int) -> None:
    """Write the log and pass on signals until the first process has ended."""
    while not first.over():
        readable, _, _ = select.select([0, wake, *log.open], [], [])
        for one in readable:
            if one == wake:
                os.read(wake, _CHUNK)
                _reap(first)
            elif one == 0:
                word = os.read(0, 1)
                first.signal(signal.SIGTERM if word == TERMINATE else signal.SIGKILL)
                if not word:
                    return
            else:
                log.take(one)


def _end(first: _First) -> None:
    """Kill all that is left: without its first process, there is no container."""
    first.signal(signal.SIGKILL)
    first.wait()
    _end_descendants()


def _end_descendants() -> None:
    while left := _descendants():
        for one in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        time.sleep(0.005)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _reap(first: _First) -> None:
    """Collect what has ended after its parents have; not the first process, whose code is kept."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    with suppress(ChildProcessError):
        while _LINUX and (ended := os.waitid(os.P_ALL, 0, options)):
            if ended.si_pid == first.pid:
                return
            os.waitpid(ended.si_pid, 0)


def _descendants() -> list[int]:
    children = _children()
    found, look = [], [os.getpid()]
    while look:
        more = children.get(look.pop(), [])
        found += more
        look += more
    return found


def _children() -> dict[int, list[int]]:
    """Return the children of each process; of none, where there is no /proc."""
    found: dict[int, list[int]] = {}
    for one in os.scandir("/proc") if _LINUX else ():
        with suppress(OSError, ValueError):
            stat = os.open(f"/proc/{int(one.name)}/stat", os.O_RDONLY)
            # The name of the program, in parentheses, may hold anything.
            parent = os.read(stat, _CHUNK).rpartition(b")")[2].split()[1]
            os.close(stat)
            found.setdefault(int(parent), []).append(int(one.name))
    return found


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _line(descriptor: int) -> bytes:
    """Read one line; nothing follows it before there is an answer."""
    said = b""
    while not said.endswith(b"\n") and (more := os.read(descriptor, _CHUNK)):
        said += more
    return said


def _say(**words: Any) -> None:
    # Nobody may be left to hear it.
    with suppress(OSError):
        os.write(1, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    main()

"""Lines of logs as Kubernetes has them: with the time at which each was written.

The kubelet puts it before each line, in RFC 3339 with up to nine digits of a
second (https://kubernetes.io/docs/reference/kubernetes-api/, ``timestamps`` of
``readNamespacedPodLog``), and takes it back as ``sinceTime``, to the second.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_STAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d)) ?"
)
_SECOND = 10**9


class Line(NamedTuple):
    """A line of a log.

    Parameters
    ----------
    moment : int
        When it was written, in nanoseconds since 1970; 0 when that is not known.
    rank : int
        By which rank.
    text : str
        What it says, as a terminal would show it.
    """

    moment: int
    rank: int
    text: str


def parse(raw: bytes, rank: int) -> Line:
    r"""Return a line with its time.

    Examples
    --------
    >>> parse(b"1970-01-01T00:00:01.5Z 10%\r20%", rank=0)
    Line(moment=1500000000, rank=0, text='20%')
    """
    said = raw.decode("utf-8", "replace")
    match = _STAMP.match(said)
    if match is None:
        return Line(0, rank, _visible(said))
    *parts, fraction, sign, hours, minutes = match.groups()
    seconds = calendar.timegm((*map(int, parts), 0, 0, 0))
    if sign:
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds -= offset if sign == "+" else -offset
    moment = seconds * _SECOND + int((fraction or "").ljust(9, "0"))
    return Line(moment, rank, _visible(said[match.end() :]))


def _visible(text: str) -> str:
    """Return what is left of a line that was written over, as progress bars are."""
    return text.rstrip("\r").rpartition("\r")[2]


def stamped(line: Line) -> str:
    """Return a line with its time in front, as `parse` reads it.

    Examples
    --------
    >>> stamped(Line(1_500_000_000, 0, "epoch 3"))
    '1970-01-01T00:00:01.500000000Z epoch 3'
    """
    seconds, rest = divmod(line.moment, _SECOND)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{moment}.{rest:09}Z {line.text}"


class Position:
    """How far a log was read: what comes again is known, and nothing is left out.

    ``sinceTime`` has seconds, and a program can write many lines within one,
    and several at the very same time.
    """

    def __init__(self) -> None:
        self._moment = 0
        self._same = 0
        self._again = 0
        self._is_known = False

    @property
    def moment(self) -> int:
        """When the last line was written, in nanoseconds since 1970; 0 before there is one."""
        return self._moment

    @property
    def since(self) -> int:
        """The second from which to read on; 0 for the beginning."""
        return self._moment // _SECOND

    def reopen(self) -> None:
        """Expect the log from `since` on."""
        self._again = self._same
        self._is_known = bool(self._moment)

    def take(self, line: Line) -> bool:
        """Say whether a line is a new one."""
        if not line.moment:
            return True
        if self._is_known:
            if line.moment < self._moment:
                return False
            if line.moment == self._moment and self._again:
                self._again -= 1
                return False
            self._is_known = False
        # Later or earlier: a node's clock may be set back.
        if line.moment == self._moment:
            self._same += 1
        else:
            self._moment, self._same = line.moment, 1
        return True


class Splitter:
    """Cuts what comes in pieces into lines: at line feeds alone, whatever else is in them."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that `chunk` completes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        yield from whole

    def rest(self) -> Iterator[bytes]:
        """Yield what is left at the end, if there is something."""
        if self._rest:
            yield self._rest
            self._rest = b""


def split(content: bytes) -> list[bytes]:
    """Return the lines of a whole log."""
    splitter = Splitter()
    return [*splitter.lines(content), *splitter.rest()]


def written(found: Iterable[Line], *, prefixed: bool) -> list[str]:
    """Return lines as they are shown, with their rank where there are several.

    Examples
    --------
    >>> written([Line(0, 1, "epoch 3")], prefixed=True)
    ['[1] epoch 3']
    """
    return [f"[{line.rank}] {line.text}" if prefixed else line.text for line in found]

"""The log of a container, as a kubelet gives it."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

_BLOCK = 1 << 16
# How long one who follows a log waits before looking for more.
_LOOK = 0.1


@dataclass(frozen=True)
class Options:
    """What of a log is asked for.

    Parameters
    ----------
    follow : bool
        Go on until the container has ended.
    tail : int or None
        Begin so many lines before the end.
    since : float
        Leave out what is older, as a UNIX time.
    timestamps : bool
        Begin each line with its time.
    most : int or None
        End after so many bytes.
    """

    follow: bool = False
    tail: int | None = None
    since: float = 0.0
    timestamps: bool = False
    most: int | None = None

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Options:
        """Return what an API server's query asks for."""

        def whole(name: str) -> int | None:
            return int(query[name]) if name in query else None

        since = time.time() - int(query["sinceSeconds"]) if "sinceSeconds" in query else 0.0
        if "sinceTime" in query:
            since = datetime.fromisoformat(query["sinceTime"].replace("Z", "+00:00")).timestamp()
        return cls(
            follow=query.get("follow") == "true",
            tail=whole("tailLines"),
            since=since,
            timestamps=query.get("timestamps") == "true",
            most=whole("limitBytes"),
        )


async def read(path: Path, options: Options, over: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield what a container has written, many lines at once.

    Parameters
    ----------
    path : pathlib.Path
        The log, in the format of the Container Runtime Interface.
    options : Options
        What of it.
    over : callable
        Says whether nothing will be added any more.
    """
    with path.open("rb") as file:
        reader = _Reader(file, options)
        await asyncio.to_thread(reader.begin)
        while not reader.full:
            # Asked first: what was written before it ended is then there.
            last = over()
            if chunk := await asyncio.to_thread(reader.more):
                yield chunk
            elif last or not options.follow:
                return
            else:
                await asyncio.sleep(_LOOK)


class _Reader:
    """Reads a log in pieces. It blocks, so it is for a thread."""

    def __init__(self, file: BinaryIO, options: Options) -> None:
        self._file = file
        self._options = options
        self._since = _stamp(options.since)
        self._left = options.most
        self._begun = b""

    @property
    def full(self) -> bool:
        """Whether as much as is asked for has been read."""
        return self._left == 0

    def begin(self) -> None:
        """Go to where to begin."""
        self._file.seek(_start(self._file, self._options.tail))

    def more(self) -> bytes:
        """Return the next lines; nothing when there are none now."""
        said = b""
        while not said and (block := self._file.read(_BLOCK)):
            *lines, self._begun = (self._begun + block).split(b"\n")
            said = b"".join(self._shown(line) for line in lines)[: self._left]
        if self._left is not None:
            self._left -= len(said)
        return said

    def _shown(self, line: bytes) -> bytes:
        """Return what of one line of the file is asked for."""
        at, _, rest = line.partition(b" ")
        _, _, rest = rest.partition(b" ")
        tag, _, text = rest.partition(b" ")
        # All times are written in one way, so that they compare as they are.
        if at < self._since:
            return b""
        # A part of a line has its end elsewhere.
        text += b"\n" if tag == b"F" else b""
        return at + b" " + text if self._options.timestamps else text


def _stamp(moment: float) -> bytes:
    whole, rest = divmod(moment, 1)
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{seconds}.{int(rest * 10**9):09}Z".encode()


def _start(file: BinaryIO, tail: int | None) -> int:
    """Return where the last `tail` lines of a file begin."""
    if tail is None:
        return 0
    at, lines = file.seek(0, os.SEEK_END), 0
    if tail <= 0:
        return at
    while at > 0:
        size = min(_BLOCK, at)
        at -= size
        file.seek(at)
        block = file.read(size)
        end = len(block)
        while (end := block.rfind(b"\n", 0, end)) >= 0:
            lines += 1
            if lines > tail:
                return at + end + 1
    return 0

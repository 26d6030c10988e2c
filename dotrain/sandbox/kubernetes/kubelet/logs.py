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
    """Yield what a container has written, line by line.

    Parameters
    ----------
    path : pathlib.Path
        The log, in the format of the Container Runtime Interface.
    options : Options
        What of it.
    over : callable
        Says whether nothing will be added any more.
    """
    left = options.most
    with path.open("rb") as file:
        file.seek(_start(file, options.tail))
        begun = b""
        while True:
            # Asked first: what was written before it ended is then there.
            last = over()
            while line := file.readline(_BLOCK):
                begun += line
                if not begun.endswith(b"\n"):
                    continue
                said, begun = _shown(begun, options)[:left], b""
                left = None if left is None else left - len(said)
                if said:
                    yield said
                if left == 0:
                    return
            if last or not options.follow:
                return
            await asyncio.sleep(_LOOK)


def _shown(line: bytes, options: Options) -> bytes:
    """Return what of one line of the file is asked for."""
    at, _, tag, text = line.split(b" ", 3)
    if _moment(at) < options.since:
        return b""
    # A part of a line has its end elsewhere.
    text = text if tag == b"F" else text[:-1]
    return at + b" " + text if options.timestamps else text


def _moment(at: bytes) -> float:
    # Nanoseconds are more than Python reads.
    whole, _, rest = at.decode().rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{rest or 0}")


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

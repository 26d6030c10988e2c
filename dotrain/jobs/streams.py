"""The logs of a job's Pods as they grow: one stream for each Pod, all into one queue."""

from __future__ import annotations

import asyncio
import datetime as dt
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

import anyio
import httpx
from typing_extensions import Self

from dotrain import objects
from dotrain.errors import DotrainError, KubernetesError, KubernetesNotFound, KubernetesUnreachable
from dotrain.jobs.lines import Line, Position, Splitter, parse
from dotrain.kube import Kube, may_pass
from dotrain.objects import Json

# A connection through which nothing came for so long may be dead, and nobody says so.
_IDLE = 60.0
_TIMEOUT = httpx.Timeout(30.0, connect=5.0, read=None)
_FIRST_TRY, _LAST_TRY = 0.3, 5.0
_MOMENT = 0.1
_BATCH = 1000
# The container is not there yet, or its node does not say.
_BAD_REQUEST = 400


def container(pod: Json) -> str:
    """Return the container whose log says most: the first, or the initial one that failed."""
    for one in (pod.get("status") or {}).get("initContainerStatuses") or ():
        if ((one.get("state") or {}).get("terminated") or {}).get("exitCode"):
            return str(one["name"])
    return str(pod["spec"]["containers"][0]["name"])


def has_begun(pod: Json) -> bool:
    """Return whether a Pod has written a log, or does."""
    return objects.phase(pod) not in ("Pending", "Unknown")


class Stream:
    """The log of one Pod, line by line, until the Pod has ended.

    A connection that ends early is opened again where it stopped, also with
    another token.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    pod : mapping
        The Pod.
    put : callable
        Takes each line, and an error that ends it.
    tail : int, optional
        Of what is there when it begins, only so many lines.
    """

    def __init__(
        self,
        kube: Kube,
        pod: Json,
        put: Callable[[Line | DotrainError], None],
        tail: int | None = None,
    ) -> None:
        self._kube = kube
        self._pod = pod
        self._put = put
        self._tail = tail
        self._position = Position()
        # The Pod has ended: what is there now is all.
        self._over = threading.Event()
        self._stopped = threading.Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._thread = threading.Thread(target=self._run, name="dotrain log", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

    def finish(self) -> None:
        """Read what is there, and end."""
        self._over.set()

    def stop(self) -> None:
        """End at once."""
        self._stopped.set()
        self._over.set()
        running = self._running
        if running is not None:
            loop, task = running
            loop.call_soon_threadsafe(task.cancel)

    def _run(self) -> None:
        seconds = _FIRST_TRY
        while not self._stopped.is_set():
            last = self._over.is_set()
            try:
                self._kube.run(partial(self._read, last))
            except (KubernetesNotFound, CancelledError):
                # A node does not know a Pod at once; and connections are closed to renew them.
                if last:
                    return
                seconds = min(_LAST_TRY, seconds * 2)
            except DotrainError as error:
                if not _may_come(error):
                    self._put(error)
                    return
                if last and seconds >= _LAST_TRY:
                    self._end(str(error))
                    return
                seconds = min(_LAST_TRY, seconds * 2)
            except Exception as error:  # noqa: BLE001 - of whatever of three libraries
                self._end(repr(error))
                return
            else:
                if last:
                    return
                seconds = _FIRST_TRY
            # Once the Pod has ended there is nothing to wait for but another try.
            (self._stopped if last else self._over).wait(seconds)

    def _end(self, why: str) -> None:
        rank = objects.rank(self._pod)
        self._put(Line(self._position.moment, rank, f"(The log ends here. {why})"))

    async def _read(self, last: bool) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._running = asyncio.get_running_loop(), task
        try:
            if not self._stopped.is_set():
                await self._stream(last)
        finally:
            self._running = None

    async def _stream(self, last: bool) -> None:
        metadata, splitter = self._pod["metadata"], Splitter()
        rank = objects.rank(self._pod)
        params = {"container": container(self._pod), "follow": "true", "timestamps": "true"}
        if self._position.since:
            since = dt.datetime.fromtimestamp(self._position.since, dt.timezone.utc)
            params["sinceTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif self._tail is not None:
            params["tailLines"] = str(self._tail)
        self._position.reopen()
        async with self._kube.client.call_api(
            "GET",
            url=f"pods/{metadata['name']}/log",
            namespace=metadata["namespace"],
            params=params,
            stream=True,
            timeout=_TIMEOUT,
        ) as response:
            chunks = response.aiter_bytes()
            chunk: bytes | None = b""
            while chunk is not None:
                for raw in splitter.lines(chunk):
                    self._take(parse(raw, rank))
                chunk = None
                with anyio.move_on_after(_IDLE):
                    chunk = await anext(chunks, None)
        # A line that was cut off comes again, but for the very last one.
        for raw in splitter.rest() if last else ():
            self._take(parse(raw, rank))

    def _take(self, line: Line) -> None:
        if self._position.take(line):
            self._put(line)


class Streams:
    """The logs of all Pods of a job, as they come; usable in a ``with`` statement.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    rank : int, optional
        Only this one.
    tail : int, optional
        Of what is there at the first look, only so many lines of each rank.
    """

    def __init__(self, kube: Kube, rank: int | None = None, tail: int | None = None) -> None:
        self._kube = kube
        self._rank = rank
        self._tail = tail
        self._queue: queue.SimpleQueue[Line | DotrainError] = queue.SimpleQueue()
        self._streams: dict[str, Stream] = {}
        # Of earlier tries, which `tail` leaves out.
        self._left_out: set[str] = set()

    def look(self, pods: Sequence[Json]) -> None:
        """Read of these Pods from now on, and to the end of those that have ended or are gone."""
        there = {pod["metadata"]["uid"]: pod for pod in pods}
        known = self._streams.keys() | self._left_out
        new = [
            pod
            for uid, pod in there.items()
            if self._rank in (None, objects.rank(pod)) and uid not in known and has_begun(pod)
        ]
        tail, self._tail = self._tail, None
        if tail is not None:
            newest = {objects.rank(pod): pod for pod in sorted(new, key=objects.created)}
            self._left_out = {pod["metadata"]["uid"] for pod in new if pod not in newest.values()}
            new = list(newest.values())
        for pod in new:
            uid = pod["metadata"]["uid"]
            self._streams[uid] = Stream(self._kube, pod, self._queue.put, tail)
        for uid, stream in self._streams.items():
            if uid not in there or objects.is_finished(there[uid]):
                stream.finish()

    def batches(self, seconds: float) -> Iterator[list[Line]]:
        """Yield the lines that come within so many seconds, those together that are there.

        Raises
        ------
        DotrainError
            What keeps a log from being read.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and (batch := self._batch(left)):
            yield batch

    def _batch(self, seconds: float = 0) -> list[Line]:
        """Return the lines that are there, at least one if it comes within so many seconds."""
        batch: list[Line] = []
        with suppress(queue.Empty):
            batch.append(self._next(seconds))
            while len(batch) < _BATCH:
                batch.append(self._next(0))
        return batch

    def _next(self, seconds: float) -> Line:
        found = self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait()
        if isinstance(found, DotrainError):
            raise found
        return found

    def rest(self, seconds: float) -> Iterator[list[Line]]:
        """Yield what is left of Pods that have ended, for so many seconds at most."""
        deadline = time.monotonic() + seconds
        for stream in self._streams.values():
            stream.finish()
        while any(one.alive for one in self._streams.values()) and time.monotonic() < deadline:
            yield from self.batches(_MOMENT)
        # What is there by now, and not what one that does not end goes on to write.
        for _ in range(0, self._queue.qsize(), _BATCH):
            yield self._batch()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in self._streams.values():
            stream.stop()


def _may_come(error: DotrainError) -> bool:
    if isinstance(error, KubernetesUnreachable) or may_pass(error):
        return True
    return isinstance(error, KubernetesError) and error.status == _BAD_REQUEST

"""The process that takes a cluster down after a job: ``python -m dotrain.finisher``.

A kernel starts it in a session of its own and hands it one request through its
standard input; from then on it needs no kernel. It waits for the job, keeps
what the job wrote and returned, and takes the cluster down as `down` does.
Until then it has nobody's turn: everything else can be done to the cluster.

Other jobs that run at the job's end are waited for, and what they left is kept,
too; so are clusters of Ray and Dask, until somebody closes them. The cluster
stays when one of all these did not succeed, when something of it could not be
kept, or when nothing can be seen of it for a day.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from dotrain import config, connections, display, handover, operations, staying, transport
from dotrain.engine import journal
from dotrain.engine.exclusive import exclusive
from dotrain.engine.progress import Progress
from dotrain.errors import (
    AddressError,
    ApiError,
    ClusterNotFound,
    EngineError,
    ImageNotPulled,
    JobNotFound,
    KubernetesError,
    KubernetesForbidden,
    KubernetesNotFound,
    NotFinished,
    OperationInterrupted,
    TeardownIncomplete,
    TokenRejected,
)
from dotrain.jobs import finding, last, leaving
from dotrain.jobs.records import Record
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus
from dotrain.jobs.waiting import Wait
from dotrain.kube import Kube
from dotrain.target import Target

_T = TypeVar("_T")
_FIRST_LOOK, _LAST_LOOK = 0.5, 30.0
# A network that is away comes back, a laptop that moved may be let in again, and
# an image that is not there may be pushed.
_PASSING = (ApiError, KubernetesError, AddressError, ImageNotPulled, NotFinished)
_LASTING = (TokenRejected, KubernetesForbidden, KubernetesNotFound)
# Seconds for which nothing may be seen of it at a stretch; a sandbox that was
# stopped mostly stays so. What takes longer than `Wait` bears has seen something.
_PATIENCE, _SANDBOX_PATIENCE = 24 * 3600.0, 600.0
_SAW_SOMETHING = 600.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 30.0


class _HeldError(Exception):
    """Another process does it already."""


def main() -> None:
    """Serve the one request."""
    asked = json.loads(sys.stdin.readline())
    target = handover.take(asked)
    path = Path(asked["journal"])
    with suppress(_HeldError), exclusive(path.with_suffix(".lock"), _refuse):
        _serve(target, asked, path)


def _refuse(_holder: str, _seconds: float) -> NoReturn:
    raise _HeldError


def _serve(target: Target, asked: Mapping[str, Any], path: Path) -> None:
    before = journal.Reader(path)
    if before.end is not None and "error" not in before.end:
        # It ended while this one began.
        return
    job, writer = asked["job"], journal.Writer(path)
    writer.write("asked", job)
    writer.open("after", f"after {job['name']}", asked["id"])
    progress = Progress("", writer.write)
    if before.card is not None:
        progress.note("Taken up by another process.")
    try:
        end = {"result": After(target, job, progress, writer).finish()}
    except BaseException as error:  # noqa: BLE001 - raised again where a notebook waits
        end = {"error": transport.to_dict(error)}
    writer.write("end", end)
    writer.close()


class After:
    """What follows one job.

    Parameters
    ----------
    target : Target
        The account.
    job : mapping
        Which job, as `takedown.Takedown` has it.
    progress : Progress
        What to report to.
    writer : journal.Writer
        Takes how the job ended.
    """

    def __init__(
        self, target: Target, job: Mapping[str, str], progress: Progress, writer: journal.Writer
    ) -> None:
        self._target = target
        self._cluster, self._id = job["cluster"], job["cluster_id"]
        self._job, self._uid = job["name"], job["uid"]
        self._progress = progress
        self._writer = writer
        self._said = ""

    def finish(self) -> dict[str, Any]:
        """Do it, and return what came of it.

        Raises
        ------
        ConfigError
            When something of a job cannot be kept: the cluster stays.
        TeardownIncomplete, ApiError, EngineError
            As `operations.down`.
        """
        try:
            said = self._own()
            while not said and (other := self._patiently(self._another)):
                if isinstance(other, str):
                    self._say(f"Waiting until somebody closes {other}, which runs there, too.")
                    time.sleep(_LAST_LOOK)
                    continue
                self._say(f"Waiting for the job {other.name!r}, which runs there, too.")
                # One that is deleted meanwhile keeps nobody waiting.
                with suppress(JobNotFound, KubernetesNotFound):
                    said = self._ended(other)[0]
        except (JobNotFound, KubernetesNotFound):
            said = f"The job {self._job!r} was deleted."
        except ClusterNotFound:
            # Somebody has taken it down, or the process before this one had begun to.
            said = ""
        if said:
            costs = staying.costs(self._target, self._cluster)
            return {"outcome": "kept", "said": f"{said} {costs}"}
        return self._take_down()

    def _own(self) -> str:
        """Wait for the job itself, and keep what it left; return why the cluster stays, if so."""
        record = self._patiently(lambda: finding.record(self._kube(), self._job))
        if record.uid != self._uid:
            return f"The job {self._job!r} was deleted, and there is another one of its name."
        said, status = self._ended(record)
        self._writer.write("status", last.written(status))
        return said

    def _another(self) -> Record | str | None:
        """Keep what other jobs left that have ended; return one that has not, if there is one.

        After all of them, that is a cluster of Ray or Dask, in words.
        """
        for row in finding.rows(self._kube()):
            if row.name == self._job or row.status.phase == "incomplete":
                continue
            record = finding.record(self._kube(), row.name)
            if not row.status.ended:
                return record
            # How it ended was known before, and kept nobody from going on.
            leaving.keep(self._target, self._kube(), record, row.status)
        return next(iter(finding.clusters(self._kube())), None)

    def _ended(self, record: Record) -> tuple[str, JobStatus]:
        """Wait for a job, and keep what it left; return how it failed, if it did, and ended."""
        with display.using(lambda: _Part(self._progress)):
            status = self._patiently(self._wait(record).run)
        self._patiently(lambda: leaving.keep(self._target, self._kube(), record, status))
        self._say(f"What {record.name!r} wrote and returned is kept.")
        if status.phase == "succeeded":
            return "", status
        how = "was cancelled" if status.phase == "cancelled" else "has failed"
        return f"The job {record.name!r} {how}.", status

    def _wait(self, record: Record) -> Wait:
        def picture(status: JobStatus | None, note: str = "") -> Picture:
            return Picture(record.name, self._cluster, status, note=note)

        return Wait(record.name, self._cluster, record.read, picture, None)

    def _kube(self) -> Kube:
        return connections.shared(self._target, self._id)

    def _take_down(self) -> dict[str, Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with display.using(lambda: _Part(self._progress)):
                    rows = operations.down(self._target, self._cluster, only_id=self._id)
                break
            except ClusterNotFound:
                return self._gone()
            except (OperationInterrupted, TokenRejected):
                raise
            except (ApiError, EngineError, TeardownIncomplete) as error:
                if attempt == _ATTEMPTS:
                    raise
                self._say(f"Could not take it down, and tries again: {error.what}")
                time.sleep(_PAUSE_SECONDS)
        if rows.empty:
            return self._gone()
        said = f"The cluster {self._cluster!r} was taken down, and nothing of it is left."
        return {"outcome": "down", "said": said, "gone": rows.to_dict("records")}

    def _gone(self) -> dict[str, Any]:
        said = f"The cluster {self._cluster!r} of this job is gone: somebody else took it down."
        return {"outcome": "gone", "said": said}

    def _patiently(self, call: Callable[[], _T]) -> _T:
        """Return what `call` returns, asked again as long as what it needs may come back."""
        patience = _SANDBOX_PATIENCE if self._target.is_sandbox else _PATIENCE
        since = time.monotonic()
        for seconds in _looks():
            began = time.monotonic()
            try:
                return call()
            except _LASTING:
                raise
            except _PASSING as error:
                if time.monotonic() - began > _SAW_SOMETHING:
                    since = time.monotonic()
                if time.monotonic() - since > patience:
                    raise
                self._say(f"Trying again: {error}")
            time.sleep(seconds)
        raise AssertionError  # there is always another look

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._progress.note(text)


class _Part:
    """Shows an operation as a part of something else.

    Parameters
    ----------
    whole : Progress
        What it is a part of.
    """

    def __init__(self, whole: Progress) -> None:
        self._whole = whole

    def refresh(self, progress: Progress) -> None:
        """Take over what is new."""
        self._whole.follow(progress)


def _looks() -> Iterator[float]:
    """Yield how many seconds to wait before the next look: longer each time, up to a limit."""
    seconds = _FIRST_LOOK
    while True:
        yield seconds
        seconds = min(_LAST_LOOK, seconds * 1.5)


if __name__ == "__main__":
    os.umask(0o077)
    config.home()
    main()

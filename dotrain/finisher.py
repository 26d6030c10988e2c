"""The process that takes a cluster down after a job: ``python -m dotrain.finisher``.

A kernel starts it in a session of its own and hands it one request through its
standard input; from then on it needs no kernel. It waits for the job, keeps
what the job said and returned, and takes the cluster down as `down` does. Until
then it has nobody's turn: everything else can be done to the cluster meanwhile.

The cluster stays when the job failed or was cancelled, when something of it
could not be kept, and when another job that ran at its end fails.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from dotrain import config, display, handover, operations, staying, transport
from dotrain.engine import journal
from dotrain.engine.exclusive import exclusive
from dotrain.engine.progress import Progress
from dotrain.errors import (
    AddressError,
    ApiError,
    ClusterNotFound,
    DotrainError,
    EngineError,
    KubernetesError,
    KubernetesNotFound,
    NotFound,
    OperationInterrupted,
    TeardownIncomplete,
    TokenRejected,
)
from dotrain.facade import Cluster
from dotrain.jobs.job import Job
from dotrain.jobs.status import ENDED
from dotrain.target import Target

_T = TypeVar("_T")
_FIRST_LOOK, _LAST_LOOK = 0.5, 15.0
# A network that is away comes back, and a laptop that moved may be let in again.
_PASSING = (ApiError, KubernetesError, AddressError)
_LASTING = (TokenRejected, NotFound, KubernetesNotFound)
_ATTEMPTS = 3
_PAUSE_SECONDS = 30.0
_HOW = {"failed": "has failed", "cancelled": "was cancelled"}


class _Held(Exception):  # noqa: N818 - it is no error: another one is at it
    """Another process does it already."""


def main() -> None:
    """Serve the one request."""
    asked = json.loads(sys.stdin.readline())
    target = handover.take(asked)
    path = Path(asked["journal"])
    try:
        with exclusive(path.with_suffix(".lock"), _refuse):
            _serve(target, asked, path)
    except _Held:
        return


def _refuse(_holder: str, _seconds: float) -> NoReturn:
    raise _Held


def _serve(target: Target, asked: Mapping[str, Any], path: Path) -> None:
    before = journal.Reader(path)
    if before.end is not None and "error" not in before.end:
        # It ended while this one began.
        return
    writer = journal.Writer(path)
    job = asked["job"]
    progress = Progress("", writer.write)
    writer.open("after", f"after {job['name']}: down {job['cluster']}", asked["id"])
    if before.card is not None:
        progress.note("Taken up by a new process.")
    try:
        end = {"result": After(target, job, progress).finish()}
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
        Which job, as `finishing.Ending` has it.
    progress : Progress
        What to report to.
    """

    def __init__(self, target: Target, job: Mapping[str, str], progress: Progress) -> None:
        self._target = target
        self._name, self._id = job["cluster"], job["cluster_id"]
        self._job = job["name"]
        self._progress = progress
        self._cluster = Cluster(self._name, target)
        self._said = ""

    def finish(self) -> dict[str, Any]:
        """Do it, and return what came of it.

        Raises
        ------
        ConfigError
            When something of the job cannot be kept: the cluster stays.
        TeardownIncomplete, ApiError, EngineError
            As `down`.
        """
        try:
            said = self._of(self._job)
            while not said and (other := self._patiently(self._another)):
                with suppress(KubernetesNotFound):
                    said = self._of(other)
        except KubernetesNotFound:
            said = f"The job {self._job!r} was deleted."
        except ClusterNotFound:
            # Somebody has taken it down, or this one's last process had begun to.
            said = ""
        if said:
            costs = staying.costs(self._target, self._name)
            return {"outcome": "kept", "said": f"{said} {costs}"}
        return self._take_down()

    def _of(self, name: str) -> str:
        """Wait for a job, and keep what it left; return in words how it ended, unless it is well.

        Raises
        ------
        KubernetesNotFound
            When it is not there any more.
        """
        job = self._patiently(partial(self._cluster.job, name))
        said = self._until_ended(job)
        self._patiently(job.keep)
        self._say(f"has what {name} said and returned")
        return said

    def _until_ended(self, job: Job) -> str:
        """Wait for a job to end, and return in words how, if it did not succeed."""
        for seconds in _looks():
            status = self._patiently(lambda: job.status)
            if status.ended:
                break
            self._say(f"waits for {job.name}, which is {status.phase}")
            time.sleep(seconds)
        if status.phase == "succeeded":
            return ""
        return f"The job {job.name!r} {_HOW[status.phase]}."

    def _another(self) -> str | None:
        """Keep what other jobs left that have ended, and return one that has not, if one is there.

        Who started it counts on the cluster, whatever was asked for this one.
        """
        for row in self._cluster.jobs().itertuples():
            if row.phase not in ENDED and row.phase != "incomplete":
                return str(row.name)
            if row.phase in ENDED and row.name != self._job:
                self._cluster.job(row.name).keep()
        return None

    def _take_down(self) -> dict[str, Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with display.using(lambda: _Part(self._progress)):
                    rows = operations.down(self._target, self._name, only_id=self._id)
                break
            except ClusterNotFound:
                return self._gone()
            except (OperationInterrupted, TokenRejected):
                raise
            except (ApiError, EngineError, TeardownIncomplete) as error:
                if attempt == _ATTEMPTS:
                    raise
                self._say(f"could not take it down, and tries again: {error.what}")
                time.sleep(_PAUSE_SECONDS)
        if rows.empty:
            return self._gone()
        said = f"The cluster {self._name!r} was taken down; nothing of it is left."
        return {"outcome": "down", "said": said, "gone": rows.to_dict("records")}

    def _gone(self) -> dict[str, Any]:
        said = f"The cluster {self._name!r} of this job is gone; somebody else took it down."
        return {"outcome": "gone", "said": said}

    def _patiently(self, call: Callable[[], _T]) -> _T:
        """Return what `call` returns, asked again as long as what it needs may come back."""
        for seconds in _looks():
            try:
                return call()
            except _LASTING:
                raise
            except _PASSING as error:
                self._say(f"cannot look, and tries again: {error.what} {error.fix}")
            time.sleep(seconds)
        raise AssertionError  # there is always another look

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._progress.note(text)


class _Part:
    """Shows an operation as a part of something else that is shown.

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

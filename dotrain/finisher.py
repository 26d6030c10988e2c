"""The process that takes a cluster down after a job: ``python -m dotrain.finisher``.

A kernel starts it in a session of its own and hands it one request through its
standard input; from then on it needs no kernel. It waits for the job, keeps
what the job wrote and returned, and takes the cluster down as `down` does.
Until then it has nobody's turn: everything else can be done to the cluster.

Other jobs that run at the job's end, or are begun after it, are waited for, and
what they left is kept, too; so are clusters of Ray and Dask, until somebody
closes them. The cluster stays when one of all these did not succeed, when
something of it could not be kept, when nothing can be seen of it for a day, or
when somebody calls it off.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dotrain import (
    account,
    config,
    connections,
    display,
    handover,
    operations,
    staying,
    transport,
)
from dotrain.api import Api
from dotrain.engine import journal
from dotrain.engine.exclusive import exclusive
from dotrain.engine.progress import Progress
from dotrain.errors import (
    ApiError,
    ClusterNotFound,
    EngineError,
    JobNotFound,
    KubernetesError,
    KubernetesNotFound,
    OperationInterrupted,
    ResultUnreadable,
    TeardownIncomplete,
    TokenRejected,
)
from dotrain.jobs import beside, finding, last, leaving
from dotrain.jobs.again import Again
from dotrain.jobs.records import Record
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus
from dotrain.jobs.waiting import Wait
from dotrain.kube import Kube
from dotrain.target import Target

if TYPE_CHECKING:
    import pandas as pd

# Seconds for which nothing may be seen of it at a stretch; a sandbox that was
# stopped mostly stays so.
_PATIENCE, _SANDBOX_PATIENCE = 24 * 3600.0, 600.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 30.0
# Seconds after which a job that is not submitted as a whole never will be.
_SUBMITTING = 60.0
_LOOK_SECONDS = 2.0


class _HeldError(Exception):
    """Another process does it already."""


class _CalledOffError(Exception):
    """Somebody wants the cluster to stay."""


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
        end = {"result": After(target, job, progress, writer, before).finish()}
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
    reader : journal.Reader
        Says whether it was called off.
    """

    def __init__(
        self,
        target: Target,
        job: Mapping[str, str],
        progress: Progress,
        writer: journal.Writer,
        reader: journal.Reader,
    ) -> None:
        self._target = target
        self._cluster, self._id = job["cluster"], job["cluster_id"]
        self._namespace, self._job, self._uid = job["namespace"], job["name"], job["uid"]
        self._progress = progress
        self._writer = writer
        self._reader = reader
        self._said = ""
        patience = _SANDBOX_PATIENCE if target.is_sandbox else _PATIENCE
        self._again = Again(patience, self._refuse_called_off, self._say)
        self._ended: JobStatus | None = None
        # Jobs that have ended, and whose things are kept; or that never will begin.
        self._known = {self._uid}
        self._incomplete: dict[str, float] = {}

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
            while not (said := self._stays()):
                if end := self._take_down():
                    return end
        except _CalledOffError:
            said = "It was called off."
        except (JobNotFound, KubernetesNotFound):
            said = f"The job {self._job!r} was deleted."
        return {"outcome": "kept", "said": f"{said} {staying.costs(self._target, self._cluster)}"}

    def _stays(self) -> str:
        """Wait for all jobs, and keep what they left; return why the cluster stays, if so."""
        try:
            said = self._own() if self._ended is None else ""
            return said or self._others()
        except ClusterNotFound:
            # Somebody has taken it down, or the process before this one had begun to.
            return ""

    def _own(self) -> str:
        """Wait for the job itself, and keep what it left; return why the cluster stays, if so."""
        record = self._again.until(lambda: finding.record(self._kube(), self._job, self._namespace))
        if record.uid != self._uid:
            return f"The job {self._job!r} was deleted, and there is another one of its name."
        status = self._end(record)
        self._again.until(lambda: self._keep(record, status))
        self._writer.write("status", last.written(status))
        self._ended = status
        return "" if status.phase == "succeeded" else _how(record, status)

    def _others(self) -> str:
        """Wait until no other job runs, and keep what they left; return which failed."""
        while True:
            going, begins = None, False
            for record, status in self._again.until(lambda: finding.each(self._kube())):
                if record.uid in self._known:
                    continue
                if status.ended:
                    self._keep_other(record, status)
                    if beside.spoils(status, self._ended.finished if self._ended else None):
                        return _how(record, status)
                elif status.phase != "incomplete":
                    going = going or record
                else:
                    begins = begins or self._may_begin(record)
            if going is not None:
                self._say(f"Waiting for the job {going.name!r}, which runs there, too.")
                # One that is deleted meanwhile keeps nobody waiting.
                with suppress(JobNotFound, KubernetesNotFound):
                    self._end(going)
                continue
            clusters = self._again.until(lambda: finding.clusters(self._kube()))
            if clusters:
                self._say(f"Waiting until somebody closes {clusters[0]}, which runs there, too.")
            elif not begins:
                return ""
            time.sleep(_LOOK_SECONDS)

    def _may_begin(self, record: Record) -> bool:
        """Return whether a job that is not submitted as a whole may just be being submitted."""
        now = time.monotonic()
        if now - self._incomplete.setdefault(record.uid, now) < _SUBMITTING:
            return True
        self._known.add(record.uid)
        return False

    def _end(self, record: Record) -> JobStatus:
        """Wait for a job, and return how it ended."""
        with display.using(lambda: _Part(self._progress)):
            return self._again.until(self._wait(record).run)

    def _keep_other(self, record: Record, status: JobStatus) -> None:
        # A function that left no result, and a job that is deleted, have nothing to lose.
        with suppress(ResultUnreadable, JobNotFound, KubernetesNotFound):
            self._again.until(lambda: self._keep(record, status))
        self._known.add(record.uid)

    def _keep(self, record: Record, status: JobStatus) -> None:
        leaving.keep(self._target, self._kube(), record, status)
        self._say(f"What {record.name!r} wrote and returned is kept.")

    def _wait(self, record: Record) -> Wait:
        def picture(status: JobStatus | None, note: str = "") -> Picture:
            return Picture(record.name, self._cluster, status, note=note)

        def read() -> JobStatus:
            self._refuse_called_off()
            return record.read()

        return Wait(record.name, self._cluster, read, picture, None)

    def _kube(self) -> Kube:
        return connections.shared(self._target, self._id)

    def _take_down(self) -> dict[str, Any] | None:
        """Take it down; return None where it stays, since there is another job after all."""
        after = {"journal": str(self._reader.path), "known": sorted(self._known)}

        def down() -> pd.DataFrame:
            return operations.down(self._target, self._cluster, only_id=self._id, after=after)

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with display.using(lambda: _Part(self._progress)):
                    rows = self._again.until(down, (KubernetesError,))
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
            return None if self._again.until(self._is_there) else self._gone()
        said = f"The cluster {self._cluster!r} was taken down, and nothing of it is left."
        return {"outcome": "down", "said": said, "gone": rows.to_dict("records")}

    def _is_there(self) -> bool:
        with closing(Api(self._target)) as api:
            cluster = account.cluster(api, self._cluster)
        return cluster is not None and cluster["id"] == self._id

    def _refuse_called_off(self) -> None:
        self._reader.read()
        if "called_off" in self._reader.facts:
            raise _CalledOffError

    def _gone(self) -> dict[str, Any]:
        said = f"The cluster {self._cluster!r} of this job is gone: somebody else took it down."
        return {"outcome": "gone", "said": said}

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


def _how(record: Record, status: JobStatus) -> str:
    how = "was cancelled" if status.phase == "cancelled" else "has failed"
    return f"The job {record.name!r} {how}."


if __name__ == "__main__":
    os.umask(0o077)
    config.home()
    main()

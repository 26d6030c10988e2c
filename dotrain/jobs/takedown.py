"""What takes a cluster down after a job, as a notebook sees it: begun, shown, taken up again.

It runs in a process of its own, ``dotrain.finisher``, since a job outlasts many a
kernel. What it does stands in a journal beside what is kept of the job, so
that any kernel of this machine can show it, also when the cluster is gone.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from dotrain import config, display, handover, staying, transport
from dotrain.engine import journal
from dotrain.errors import DotrainError, EngineError, FinisherKilled
from dotrain.hidden import bare
from dotrain.jobs import keeping
from dotrain.jobs.keeping import Kept
from dotrain.target import Target

_LOOK_SECONDS = 0.05
_REFRESH_SECONDS = 0.5
_TAIL = 500
_FAREWELL = 2.0
_JOURNAL = "after.jsonl"
_OVER = ("ended", "failed", "killed")

# They outlive this process; as long as it lives, it has to wait for those that end.
_started: dict[Path, subprocess.Popen[bytes]] = {}


class Takedown:
    """What follows a job that was run with ``down_after=True``.

    Parameters
    ----------
    target : Target
        The account.
    job : mapping
        Which job: cluster, cluster_id, namespace, name and uid (str).
    """

    def __init__(self, target: Target, job: Mapping[str, str]) -> None:
        self._target = target
        self._job = dict(job)
        place = (job[key] for key in ("cluster", "namespace", "name", "uid"))
        self._path = keeping.of(target, *place).directory / _JOURNAL
        self._reader = journal.Reader(self._path)
        self._costs = ""

    @property
    def state(self) -> str:
        """How it is.

        ``"missing"`` before it has begun, ``"running"``, ``"killed"``,
        ``"elsewhere"`` on another machine that shares the directory,
        ``"failed"`` or ``"ended"``.
        """
        self._reader.read()
        if self._reader.card is None:
            return "missing"
        state = self._reader.state
        return "failed" if state == "ended" and "error" in self._end else state

    @property
    def status(self) -> Mapping[str, Any] | None:
        """How the job ended, once what it left is kept, as `last.written` has it."""
        self._reader.read()
        return self._reader.facts.get("status")

    @property
    def result(self) -> Mapping[str, Any]:
        """What came of it: outcome (``"down"``, ``"kept"`` or ``"gone"``) and said (str)."""
        self._reader.read()
        return self._end.get("result") or {}

    @property
    def error(self) -> DotrainError | None:
        """Why it failed; None when it has not."""
        state, name = self.state, self._job["cluster"]
        if state == "killed":
            return EngineError(
                f"The process that takes {name!r} down after {self._job['name']!r} was killed.",
                self._until_then(),
                "Call wait() again: it takes it up.",
            )
        said = self._end.get("error") if state == "failed" else None
        return transport.from_dict(said) if said else None

    @property
    def summary(self) -> str:
        """What there is to say of it in a line."""
        state, name = self.state, self._job["cluster"]
        if state == "running":
            notes = self._reader.progress.notes
            return f"Then: takes {name!r} down.{f' Now: {notes[-1]}' if notes else ''}"
        if state == "elsewhere":
            return f"Then: takes {name!r} down, by {self._reader.card}."
        if state in ("missing", "killed"):
            was = "was killed" if state == "killed" else "did not begin"
            return (
                f"Then: takes {name!r} down; but its process {was}, and wait() takes it up. "
                f"{self._until_then()}"
            )
        if state == "failed":
            return f"Then: {self.error} wait() tries again."
        return f"Then: {self.result.get('said', '')}"

    def begin(self) -> None:
        """Begin it, or take it up where it was killed or failed; leave one that runs alone.

        Raises
        ------
        EngineError
            When its process does not start.
        """
        if self.state in ("running", "elsewhere", "ended"):
            return
        config.private_dir(self._path.parent)
        request = handover.request(
            self._target, id=uuid.uuid4().hex, journal=str(self._path), job=self._job
        )
        self._dismiss()
        with tempfile.TemporaryFile() as said:
            try:
                process = handover.start("dotrain.finisher", said)
                _started[self._path] = process
                handover.send(process, request)
                handover.close(process)
            except OSError as error:
                raise self._not_begun(error.strerror or str(error)) from bare(error)
            except BaseException as error:  # noqa: BLE001 - raised again
                raise bare(error)  # noqa: B904 - it is the same error
            before = self._reader.card
            while process.poll() is None:
                self._reader.read()
                if self._reader.card is not before:
                    return
                time.sleep(_LOOK_SECONDS)
            # It ends at once where another one has the job already.
            if self.state in ("missing", "killed"):
                raise self._not_begun(_last_words(said))

    def follow(self, seconds: float | None = None) -> bool:
        """Show it until it has ended, and return whether it has within `seconds`.

        An interrupt ends the showing, and nothing else.
        """
        shown, refreshed = display.choose(), 0.0
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            state, now = self.state, time.monotonic()
            ended = state in _OVER
            if ended or now - refreshed >= _REFRESH_SECONDS:
                refreshed = now
                shown.refresh(self._reader.progress)
            if ended:
                self._dismiss()
            if ended or (deadline is not None and now >= deadline):
                return ended
            time.sleep(_LOOK_SECONDS)

    def wait_until_kept(self) -> bool:
        """Wait until what the job left is kept; return false when that has failed."""
        while self.status is None and self.state not in _OVER:
            time.sleep(_LOOK_SECONDS)
        if self.status is None:
            self._dismiss()
        return self.status is not None

    def _dismiss(self) -> None:
        process = _started.get(self._path)
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_FAREWELL)
                _started.pop(self._path, None)

    @property
    def _end(self) -> Mapping[str, Any]:
        return self._reader.end or {}

    def _until_then(self) -> str:
        # A job that is shown asks for this every other second.
        self._costs = self._costs or staying.costs(self._target, self._job["cluster"])
        return self._costs

    def _not_begun(self, why: str) -> EngineError:
        return EngineError(
            f"Nothing takes {self._job['cluster']!r} down after the job {self._job['name']!r}, "
            "which goes on.",
            f"The process for it did not start: {why.rstrip('.')}. {self._until_then()}",
            "Call the job's wait(): it tries again.",
        )


def take_up(target: Target, cluster: str, cluster_id: str) -> None:
    """Take up what was killed of what follows jobs on a cluster, and warn of it.

    Warns
    -----
    FinisherKilled
    """
    for kept in keeping.every(target, cluster):
        job = asked(kept)
        if job.get("cluster_id") != cluster_id:
            continue
        found = Takedown(target, job)
        if found.state != "killed":
            continue
        found.begin()
        warnings.warn(
            f"The process that takes {cluster!r} down after the job {job['name']!r} had been "
            f"killed. Another one has taken it up. {staying.costs(target, cluster)}",
            FinisherKilled,
            stacklevel=3,
        )


def asked(kept: Kept) -> Mapping[str, str]:
    """Return which job something follows, as its journal has it; empty when nothing does."""
    return journal.Reader(kept.directory / _JOURNAL).facts.get("asked") or {}


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace").strip()[-_TAIL:] or "it said nothing"

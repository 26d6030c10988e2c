"""What takes a cluster down after a job, as a notebook sees it: begun, shown, taken up again.

It runs in a process of its own, `dotrain.finisher`, since a job outlasts many a
kernel. What it does stands in a journal beside what is kept of the job, so
that any kernel of this machine can show it, also when the cluster is gone.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from dotrain import display, handover, staying, transport
from dotrain.engine import journal
from dotrain.errors import DotrainError, EngineError
from dotrain.hidden import bare
from dotrain.target import Target

_LOOK_SECONDS = 0.05
_REFRESH_SECONDS = 0.5
_TAIL = 500

# They outlive this process; as long as it lives, it has to wait for those that end.
_started: list[subprocess.Popen[bytes]] = []


class Ending:
    """What follows a job that was run with ``down_after=True``.

    Parameters
    ----------
    target : Target
        The account.
    job : mapping
        Which job: cluster, cluster_id, name and namespace (str).
    directory : pathlib.Path
        Where what is kept of the job is.
    """

    def __init__(self, target: Target, job: Mapping[str, str], directory: Path) -> None:
        self._target = target
        self._job = dict(job)
        self._path = journal_in(directory)
        self._reader = journal.Reader(self._path)

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
        return "failed" if "error" in self._end else self._reader.state

    @property
    def result(self) -> Mapping[str, Any]:
        """What came of it: outcome (``"down"``, ``"kept"`` or ``"gone"``) and said (str)."""
        self._reader.read()
        return self._end.get("result") or {}

    @property
    def error(self) -> DotrainError | None:
        """Why it failed; None when it has not."""
        self._reader.read()
        said = self._end.get("error")
        return transport.from_dict(said) if said else None

    @property
    def summary(self) -> str:
        """What there is to say of it in a line."""
        state, name = self.state, self._job["cluster"]
        if state == "running":
            notes = self._reader.progress.notes
            return f"takes {name} down{f' ({notes[-1]})' if notes else ''}"
        if state == "elsewhere":
            return f"takes {name} down, says {self._reader.card}"
        if state in ("missing", "killed"):
            was = "was killed" if state == "killed" else "did not begin"
            costs = staying.costs(self._target, name)
            return f"takes {name} down, but its process {was}; wait() takes it up. {costs}"
        if state == "failed":
            return f"did not take {name} down; wait() tries again. {self.error}"
        return str(self.result.get("said", ""))

    def begin(self) -> None:
        """Begin it, or take it up where it was killed or failed; leave one that runs alone.

        Raises
        ------
        EngineError
            When its process does not start.
        """
        if self.state in ("running", "elsewhere", "ended"):
            return
        request = handover.request(
            self._target, id=uuid.uuid4().hex, journal=str(self._path), job=self._job
        )
        _started[:] = [process for process in _started if process.poll() is None]
        with tempfile.TemporaryFile() as said:
            try:
                process = handover.start("dotrain.finisher", said)
                _started.append(process)
                handover.send(process, request)
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
            ended = state in ("ended", "failed", "killed")
            if ended or now - refreshed >= _REFRESH_SECONDS:
                refreshed = now
                shown.refresh(self._reader.progress)
            if ended or (deadline is not None and now >= deadline):
                return ended
            time.sleep(_LOOK_SECONDS)

    def check(self) -> None:
        """Raise what it failed with, if it failed or was killed."""
        if self.state == "killed":
            name = self._job["cluster"]
            raise EngineError(
                f"The process that takes {name!r} down after {self._job['name']!r} was killed.",
                staying.costs(self._target, name),
                "Call wait() again: it takes it up.",
            )
        error = self.error
        if error is not None:
            raise error

    @property
    def _end(self) -> Mapping[str, Any]:
        return self._reader.end or {}

    def _not_begun(self, why: str) -> EngineError:
        name = self._job["cluster"]
        return EngineError(
            f"Nothing takes {name!r} down after the job {self._job['name']!r}, which runs.",
            f"The process for it did not start: {why.rstrip('.')}. "
            f"{staying.costs(self._target, name)}",
            "Call the job's wait(): it tries again.",
        )


def journal_in(directory: Path) -> Path:
    """Return the journal of what follows a job, of which `directory` has what is kept."""
    return directory / "after.jsonl"


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace").strip()[-_TAIL:] or "it said nothing"

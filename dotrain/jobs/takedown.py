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

from dotrain import display, handover, operations, ownfiles, staying, transport
from dotrain.engine import journal
from dotrain.engine.exclusive import exclusive, held
from dotrain.errors import ClusterNotFound, DotrainError, EngineError, FinisherKilled
from dotrain.hidden import bare
from dotrain.jobs import keeping
from dotrain.jobs.keeping import Kept
from dotrain.target import Target

_LOOK_SECONDS = 0.05
_REFRESH_SECONDS = 0.5
_TAIL = 500
_FAREWELL = 2.0
# Seconds for what the job left to be kept, before this kernel keeps it itself; and
# for the process to see that it was called off, which looks every few seconds.
_KEPT, _CALLED_OFF = 60.0, 60.0
_OVER = ("ended", "failed", "killed", "missing")

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
        self._path = keeping.of(target, *place).directory / keeping.AFTER
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
        if state == "elsewhere" and not held(self._lock):
            # There, or here under the name that this machine had then.
            return "killed"
        return "failed" if state == "ended" and "error" in self._end else state

    @property
    def over(self) -> bool:
        """Whether nothing is done any more, or not before it is taken up."""
        return self.state in _OVER

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
    def stays(self) -> bool:
        """Whether the cluster stays because of its jobs, and not since it was called off."""
        kept = self.result.get("outcome") == "kept"
        return kept and "called_off" not in self._reader.facts

    @property
    def error(self) -> DotrainError | None:
        """Why it failed; None when it has not."""
        state, name = self.state, self._job["cluster"]
        if state in ("killed", "missing"):
            was = "was killed" if state == "killed" else "did not begin"
            return EngineError(
                f"The process that takes {name!r} down after {self._job['name']!r} {was}.",
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
        ownfiles.private_dir(self._path.parent)
        request = handover.request(
            self._target, id=uuid.uuid4().hex, journal=str(self._path), job=self._job
        )
        self._dismiss()
        if self._reader.card is None:
            # Whoever comes after this kernel knows of it from here on.
            self._write(asked=self._job)
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
        with display.following(shown, self._reader.progress):
            while True:
                state, now = self.state, time.monotonic()
                ended = state in _OVER
                if ended:
                    self._reader.progress.cut_off()
                if ended or now - refreshed >= _REFRESH_SECONDS:
                    refreshed = now
                    shown.refresh(self._reader.progress)
                if ended:
                    self._dismiss()
                if ended or (deadline is not None and now >= deadline):
                    return ended
                time.sleep(_LOOK_SECONDS)

    def wait_until_kept(self, seconds: float) -> bool:
        """Wait until what the job left is kept; return false when it fails, or takes too long."""
        deadline = time.monotonic() + min(seconds, _KEPT)
        while self.status is None and not self.over and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        if self.over:
            self._dismiss()
        return self.status is not None

    def call_off(self) -> None:
        """Let the cluster stay, whatever becomes of the job.

        Raises
        ------
        ClusterNotFound
            When it is being taken down, or is gone.
        EngineError
            When what takes it down does not answer.
        """
        operations.refuse_going(self._target, self._job["cluster"])
        if self.state != "ended":
            ownfiles.private_dir(self._path.parent)
            self._write(asked=self._job, called_off=True)
            with exclusive(self._lock, self._refuse_deaf):
                # Nobody is at it now, or ever will be.
                if self.state != "ended":
                    said = f"It was called off. {self._until_then()}"
                    self._write(end={"result": {"outcome": "kept", "said": said}}, opened=True)
        self._dismiss()
        if self.result.get("outcome") != "kept":
            raise ClusterNotFound(self.result["said"], "", "dotrain.up() makes it again.")

    def _refuse_deaf(self, _holder: str, seconds: float) -> None:
        if seconds > _CALLED_OFF:
            raise EngineError(
                f"What takes {self._job['cluster']!r} down may go on with it.",
                f"It has not ended within {_CALLED_OFF:g} s after it was called off.",
                "Look at the job, which says what it does, and call keep_cluster() again.",
            )

    def _write(self, *, opened: bool = False, **lines: Any) -> None:
        writer = journal.Writer(self._path)
        if opened:
            writer.open("after", f"after {self._job['name']}", uuid.uuid4().hex)
        for key, value in lines.items():
            writer.write(key, value)
        writer.close()

    def _dismiss(self) -> None:
        process = _started.get(self._path)
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_FAREWELL)
                _started.pop(self._path, None)

    @property
    def _lock(self) -> Path:
        return self._path.with_suffix(".lock")

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


def warn(target: Target, cluster: str, cluster_id: str) -> None:
    """Warn of what was to follow jobs on a cluster, and does not: it was killed, or failed.

    Warns
    -----
    FinisherKilled
    """
    for kept in keeping.every(target, cluster):
        job = asked(kept)
        if job.get("cluster_id") != cluster_id:
            continue
        error = Takedown(target, job).error
        if error is not None:
            warnings.warn(
                f"{cluster!r} does not go after the job {kept.name!r}: {error} "
                f"job({kept.name!r}).wait() tries again, its keep_cluster() calls it off.",
                FinisherKilled,
                stacklevel=3,
            )


def asked(kept: Kept) -> Mapping[str, str]:
    """Return which job something follows, as its journal has it; empty when nothing does."""
    return journal.Reader(kept.directory / keeping.AFTER).facts.get("asked") or {}


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace").strip()[-_TAIL:] or "it said nothing"

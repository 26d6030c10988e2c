"""What this machine keeps of jobs: their logs and results, after Pods and clusters are gone.

Each job has a directory of its own, ``<namespace>.<name>.<uid>``: none of the
three has a dot. The UID is what Kubernetes knows it by, so that a job of the
same name before it, in another namespace, or on another cluster of the same
name is another one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dotrain import ownfiles
from dotrain.engine import journal
from dotrain.errors import StorageError
from dotrain.jobs import results, storage
from dotrain.jobs.results import Outcome, Read
from dotrain.target import Target

MOST = 50
"""Jobs of each cluster that something is kept of: the newest, and those that something follows."""

AFTER = "after.jsonl"
"""The journal of what follows a job, beside what is kept of it."""

_DOTS = 2
_NUMBERED = re.compile(r"log-(\d+)\.txt")


@dataclass(frozen=True)
class Kept:
    """What is kept of one job, in a directory that only this user can enter.

    Parameters
    ----------
    directory : pathlib.Path
        The directory; it need not exist.
    """

    directory: Path

    @property
    def namespace(self) -> str:
        """Where the job was in Kubernetes."""
        return self.directory.name.split(".")[0]

    @property
    def name(self) -> str:
        """What the job was called."""
        return self.directory.name.split(".")[1]

    @property
    def uid(self) -> str:
        """What Kubernetes knew the job by."""
        return self.directory.name.split(".")[2]

    def save_log(self, rank: int, text: str) -> None:
        """Keep the log of a node; raises ConfigError where that cannot be written."""
        ownfiles.write_private(self._ready() / f"log-{rank}.txt", text)

    def load_log(self, rank: int) -> str | None:
        """Return the log of a node, None where none is kept."""
        path = self.directory / f"log-{rank}.txt"
        return path.read_text("utf-8") if path.exists() else None

    def ranks(self) -> list[int]:
        """Return the nodes that a log is kept of."""
        if not self.directory.exists():
            return []
        found = (_NUMBERED.fullmatch(path.name) for path in self.directory.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def save_result(self, outcome: Outcome) -> None:
        """Keep an outcome; the pickle of one that is stored is there. Raises as `save_log`."""
        self._ready()
        if outcome.pickled is not None:
            ownfiles.write_private(self.result(outcome.rank), outcome.pickled)
        elif not outcome.is_stored:
            self.result(outcome.rank).unlink(missing_ok=True)
        # Last: where this is, all of it is.
        ownfiles.write_private(self._said(outcome.rank), json.dumps(dict(outcome.said)))

    def load_result(self, rank: int) -> Outcome | None:
        """Return the outcome on a node, None where none is kept."""
        path = self.result(rank)
        if not self._said(rank).exists():
            return None
        pickled = path.read_bytes() if path.exists() else None
        said = json.loads(self._said(rank).read_text("utf-8"))
        return Outcome(rank, said, pickled, path if pickled is not None else None)

    def collect(
        self, read: Read, namespace: str, job: str, rank: int, where: str = ""
    ) -> Outcome | None:
        """Return the outcome on a node, and keep it from now on.

        Parameters
        ----------
        read, namespace, job, rank
            As for `results.fetch`.
        where : str
            Where the job says that its objects are, see `storage.parse`: what is
            too large for a Secret is there.

        Returns
        -------
        Outcome or None
            None when the function has handed over nothing.

        Raises
        ------
        KubernetesError, StorageError, ConfigError
            When it cannot be read, or not be written.
        """
        found = results.fetch(read, namespace, job, rank)
        if found is None:
            return None
        if found.is_stored:
            if not where:
                raise StorageError(
                    f"What the job {job!r} returned on rank {rank} is in storage.",
                    "The job does not say where.",
                    "Look into the bucket that was its storage=.",
                )
            folder = storage.parse(where)
            self._ready()
            folder.download(storage.result(rank), self.result(rank))
        self.save_result(found)
        return self.load_result(rank)

    def result(self, rank: int) -> Path:
        """Return the file with what a node returned or raised, as a pickle."""
        return self.directory / f"result-{rank}.pickle"

    def _said(self, rank: int) -> Path:
        return self.directory / f"result-{rank}.json"

    def _ready(self) -> Path:
        if not self.directory.exists():
            ownfiles.private_dir(self.directory)
            _prune(self.directory.parent)
        return self.directory


def of(target: Target, cluster: str, namespace: str, name: str, uid: str) -> Kept:
    """Return what is kept of a job.

    Parameters
    ----------
    target : Target
        The account that its cluster is, or was, in.
    cluster : str
        The cluster's name.
    namespace, name, uid : str
        The job's own.
    """
    return Kept(_home(target, cluster) / f"{namespace}.{name}.{uid}")


def every(target: Target, cluster: str) -> list[Kept]:
    """Return what is kept of each job of a cluster, the newest first."""
    return [Kept(path) for path in _newest(_home(target, cluster))]


def names(target: Target, cluster: str) -> list[str]:
    """Return the names of the jobs that something is kept of, the newest first."""
    return list(dict.fromkeys(kept.name for kept in every(target, cluster)))


def forget_others(target: Target, cluster: str, namespace: str, name: str, uid: str) -> None:
    """Delete what is kept of earlier jobs whose name, in its namespace, another one has now."""
    for kept in every(target, cluster):
        if (kept.namespace, kept.name) == (namespace, name) and kept.uid != uid:
            shutil.rmtree(kept.directory, ignore_errors=True)


def _home(target: Target, cluster: str) -> Path:
    return target.directory / "jobs" / cluster


def _newest(home: Path) -> list[Path]:
    found: Iterable[Path] = home.iterdir() if home.exists() else ()
    return sorted(
        (path for path in found if path.is_dir() and path.name.count(".") == _DOTS),
        key=lambda path: path.stat().st_mtime_ns,
        reverse=True,
    )


def _prune(home: Path) -> None:
    for path in _newest(home)[MOST:]:
        if not _is_followed(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_followed(directory: Path) -> bool:
    """Return whether something follows the job of a directory, or should still."""
    after = journal.Reader(directory / AFTER)
    return "asked" in after.facts and (after.end is None or "error" in after.end)

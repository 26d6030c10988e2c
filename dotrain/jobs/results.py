"""Read what came of a function in its job: what it returned, or the exception that it raised.

A pickle runs what it says when it is read. These come from Secrets that the job
itself may write, beside whoever may write Secrets or start Pods in its
namespace; those too large for one come from the bucket that the Job names, which
whoever may change Jobs there can change. That is one of DigitalOcean Spaces, or
at an endpoint that was given on this machine, see `origins`: nothing else is
asked. So who shares the cluster's namespaces of jobs with others trusts them.
"""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotrain.errors import JobFailed, ResultTooLarge, ResultUnreadable

SAID, PICKLE = "outcome.json", "result.pickle"
"""The keys of a Secret with an outcome, as `runner` writes them."""

Read = Callable[[str], Mapping[str, Any]]
"""Returns the object at a path of Kubernetes' API."""

_LOG = "logs() has what it printed."
_MISSING = (
    "Give an image= that has it; a module of your own send along with files=, or import it in the "
    "notebook outside of the function, which then takes it along. "
)


@dataclass(frozen=True)
class Outcome:
    """What came of a function on one node.

    Parameters
    ----------
    rank : int
        The node's.
    said : mapping
        How it went, as `runner` says it.
    pickled : bytes or None
        What it returned or raised, as a pickle.
    path : pathlib.Path or None
        The file with the same, where it is kept.
    """

    rank: int
    said: Mapping[str, Any]
    pickled: bytes | None = field(default=None, repr=False)
    path: Path | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the pickle is in storage, as `storage.result` calls it."""
        return bool(self.said.get("stored"))

    @property
    def is_value(self) -> bool:
        """Whether the function returned."""
        return self.said.get("outcome") == "returned"


class JobTraceback(Exception):
    """The traceback of an exception in a job, as Python wrote it there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def secret(job: str, rank: int) -> str:
    """Return what the Secret is called that the outcome on a node goes into."""
    return f"{job}-result-{rank}"


def fetch(read: Read, namespace: str, job: str, rank: int) -> Outcome | None:
    """Return what the function handed over on a node, None when it has not, or not yet.

    Parameters
    ----------
    read : callable
        Returns the object at a path of Kubernetes' API.
    namespace, job : str
        The job.
    rank : int
        Which node of it.

    Raises
    ------
    KubernetesError
        As `read` does.
    """
    found = read(f"/api/v1/namespaces/{namespace}/secrets/{secret(job, rank)}")
    data = {key: base64.b64decode(text) for key, text in (found.get("data") or {}).items()}
    return Outcome(rank, json.loads(data[SAID]), data.get(PICKLE)) if SAID in data else None


def value(outcomes: Sequence[Outcome], job: str) -> Any:
    """Return what the function returned: of several nodes, a list by their ranks.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One of each node, by rank, with their pickles.
    job : str
        The job's name.

    Raises
    ------
    JobFailed
        When it raised on any node: caused by its exception, of several by the first.
    ResultTooLarge
        When it returned more than could be handed over.
    ResultUnreadable
        When this kernel cannot unpickle it.
    """
    failed = [one for one in outcomes if not one.is_value]
    if failed:
        # The others often fail because the first did.
        raise_(min(failed, key=lambda one: float(one.said.get("time") or 0)), job)
    values = [_unpickled(one, job) for one in outcomes]
    return values[0] if len(values) == 1 else values


def raise_(outcome: Outcome, job: str) -> None:
    """Raise what stands for the outcome of a function that did not return; see `value`."""
    said = outcome.said
    if said.get("outcome") == "refused":
        kind = ResultTooLarge if said.get("why") == "size" else JobFailed
        raise kind(f"The job {job!r} has no result.", str(said.get("text") or ""), _LOG)
    text = str(said.get("traceback") or "")
    error = JobFailed(
        f"The function of the job {job!r} raised an exception on rank {outcome.rank}.",
        f"{str(said.get('text') or 'It is not known').rstrip('.')}.",
        f"{_MISSING if said.get('type') == 'ModuleNotFoundError' else ''}"
        f"Its traceback is above; {_LOG}",
        traceback=text,
    )
    cause = _exception(outcome)
    if cause is not None:
        # A pickle has no traceback: in its place, the text of the one it had.
        cause.__cause__ = JobTraceback(text)
    raise error from (cause or JobTraceback(text))


def _exception(outcome: Outcome) -> BaseException | None:
    """Return the exception itself, None when this kernel cannot have it."""
    try:
        found = pickle.loads(outcome.pickled or b"")  # noqa: S301 - see the module
    except Exception:  # noqa: BLE001 - what is unpickled decides what it raises
        return None
    return found if isinstance(found, BaseException) else None


def _unpickled(outcome: Outcome, job: str) -> Any:
    try:
        return pickle.loads(outcome.pickled or b"")  # noqa: S301 - see the module
    except Exception as error:
        kept = f"Its bytes are in {outcome.path}: " if outcome.path else ""
        raise ResultUnreadable(
            f"What the job {job!r} returned, a {outcome.said.get('type')}, cannot be read here.",
            f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}.",
            f"{kept}unpickle them where what they need is installed, or import it and call "
            "result() again. What is on a GPU has to come off it in the function (.cpu()).",
            path=str(outcome.path or ""),
        ) from error

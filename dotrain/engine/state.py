"""Read what a stack remembers, without the CLI where its state is a local file.

The spec travels in the state itself, as an input of the stack's one component:
Pulumi saves that first, before it makes anything, so an operation that fails
half-way still remembers what it was about.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotrain import ownfiles
from dotrain.engine import checkpoint, restore
from dotrain.engine.workspace import PROJECT, Backend
from dotrain.errors import StateCorrupt, StateTooNew
from dotrain.spec import ClusterSpec, Database, Resolved

COMPONENT = "dotrain:index:Cluster"
PROTECTED = ("cluster", "database")
"""The names in the program of what the engine must not destroy."""
RECORD = 1
"""The version of what `record` writes: one more whenever an older dotrain would misread it."""

_STACK = "pulumi:pulumi:Stack"
# Every field that this dotrain knows. One that it does not know means something
# to a newer one, and would be lost with the next operation.
_KNOWN = {
    "version": RECORD,
    "spec": ClusterSpec("known", database=Database()).to_dict(),
    "resolved": Resolved("known").to_dict(),
}


@dataclass(frozen=True)
class State:
    """What a stack remembers.

    Parameters
    ----------
    spec : ClusterSpec or None
        What was last asked for; None before the first operation got that far.
    resolved : Resolved or None
        What its symbolic words stood for.
    outputs : mapping
        The stack's outputs, none of them secret.
    resources : mapping of str to str
        The id of each DigitalOcean object, by its name in the program.
    pending : frozenset of str
        The names in the program of what was being made when the engine was
        killed: whether they were, only the account knows.
    unprotected : frozenset of str
        Of what the program protects, what the engine would destroy: somebody
        had named it for that, and what was to be done then has not ended well.
    """

    spec: ClusterSpec | None
    resolved: Resolved | None
    outputs: Mapping[str, Any]
    resources: Mapping[str, str]
    pending: frozenset[str] = frozenset()
    unprotected: frozenset[str] = frozenset()


def record(spec: ClusterSpec, resolved: Resolved) -> str:
    """Return the text that `parse` reads `spec` and `resolved` back from."""
    data = {"version": RECORD, "spec": spec.to_dict(), "resolved": resolved.to_dict()}
    return json.dumps(data, sort_keys=True)


def read(backend: Backend, stack: str) -> State | None:
    """Return the state of `stack` in a local backend, None when there is no such stack.

    A file that cannot be read is replaced by the newest copy that can, with a
    warning (StateRestored), unless a team shares the backend.

    Raises
    ------
    StateCorrupt
        When neither the file nor a copy can be read.
    StateTooNew
        When a newer dotrain or Pulumi wrote it.
    StackLocked
        When it cannot be read, and an operation runs that may be writing it.
    """

    def understand(data: bytes) -> tuple[State, dt.datetime | None]:
        deployment = checkpoint.decode(data, stack)
        return parse(deployment, stack), checkpoint.moment(deployment)

    path = backend.checkpoint(stack)
    cause: Exception | None = None
    try:
        return understand(path.read_bytes())[0]
    except FileNotFoundError:
        why = "it is gone"
    except OSError as error:
        raise StateCorrupt(
            f"The state of {stack!r} cannot be read.",
            f"{path}: {error.strerror or error}.",
            "Make the file readable, then run the same call again.",
        ) from error
    except ownfiles.DAMAGED as error:
        why, cause = _reason(error), error
    copy = restore.newest(backend, stack, understand)
    # Pulumi leaves a copy, with nothing in it, of a stack that was removed.
    if cause is None and (backend.shared or copy is None or not copy.content.resources):
        return None
    if copy is None or backend.shared:
        raise _corrupt(stack, str(path), why, copy.path if copy else None) from cause
    restore.put_back(backend, stack, copy, why)
    return copy.content


def exported(text: str, stack: str) -> State:
    """Return the state that ``pulumi stack export`` printed; raises as `read` does."""
    try:
        document = json.loads(text)
        checkpoint.check_version(document["version"], stack)
        return parse(document["deployment"], stack)
    except ownfiles.DAMAGED as error:
        raise _corrupt(stack, "what the backend has", _reason(error), None) from error


def parse(deployment: Mapping[str, Any], stack: str) -> State:
    """Return the state that a Pulumi deployment holds.

    Raises
    ------
    StateTooNew
        When a newer dotrain wrote the record in it.
    """
    resources = deployment.get("resources") or []
    kept = next((r["inputs"]["record"] for r in resources if r["type"] == COMPONENT), None)
    data = json.loads(kept) if kept else None
    if data is not None:
        _refuse_newer(data, stack)
    live = {
        r["urn"].rpartition("::")[2]: r
        for r in resources
        if r.get("id")
        and r["type"].startswith("digitalocean:")
        # Of what is replaced, the old one is gone or goes.
        and not (r.get("delete") or r.get("pendingReplacement"))
    }
    return State(
        spec=ClusterSpec.from_dict(data["spec"]) if data else None,
        resolved=Resolved.from_dict(data["resolved"]) if data else None,
        outputs=next((r.get("outputs") or {} for r in resources if r["type"] == _STACK), {}),
        resources={name: r["id"] for name, r in live.items()},
        pending=frozenset(
            one["resource"]["urn"].rpartition("::")[2]
            for one in deployment.get("pending_operations") or ()
            if one["type"] == "creating"
        ),
        unprotected=frozenset(
            name for name, r in live.items() if name in PROTECTED and not r.get("protect")
        ),
    )


def _refuse_newer(data: Mapping[str, Any], stack: str) -> None:
    version = data.get("version", RECORD)
    unknown = sorted(_unknown(data, _KNOWN))
    if version <= RECORD and not unknown:
        return
    raise StateTooNew(
        f"The state of {stack!r} was written by a newer dotrain.",
        f"Its record is version {version}, and this dotrain reads version {RECORD}."
        if version > RECORD
        else f"Its record has what this dotrain does not know: {', '.join(unknown)}.",
        "Upgrade dotrain (`pip install --upgrade dotrain`); nothing was changed.",
    )


def _unknown(data: Any, known: Any) -> set[str]:
    """Return the names of fields in `data` that `known` does not have."""
    if isinstance(data, list) and isinstance(known, list):
        return {name for one in data for name in _unknown(one, known[0] if known else None)}
    # An empty dictionary is one of names that anybody may choose.
    if not (isinstance(data, dict) and isinstance(known, dict) and known):
        return set()
    deeper = (_unknown(data[name], known[name]) for name in data.keys() & known.keys())
    return {*(data.keys() - known.keys())}.union(*deeper)


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, as the rest of a sentence."""
    said = " ".join(str(error).split())
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return f"it is not JSON, or only a part of it ({said})"
    return said if isinstance(error, ValueError) else f"it is not a checkpoint ({said})"


def _corrupt(stack: str, path: str, why: str, copy: Path | None) -> StateCorrupt:
    if copy is not None:
        fix = f"Its newest copy that can be read is {copy}: put that in its place, then run "
        fix += "the same call again."
    else:
        fix = f"No copy of it can be read either, neither {path}.bak nor those under "
        fix += f"history/{PROJECT}: restore it from a backup of your own, or move the file and "
        fix += f"its copies away, and dotrain.up({stack!r}) takes in what carries the label."
    return StateCorrupt(f"The state of {stack!r} cannot be read.", f"{path}: {why}.", fix)

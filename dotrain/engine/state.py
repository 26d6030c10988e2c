"""Read what a stack remembers, without the CLI where its state is a local file.

The spec travels in the state itself, as an input of the stack's one component:
Pulumi saves that first, before it makes anything, so an operation that fails
half-way still remembers what it was about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dotrain.engine.workspace import PROJECT, Backend
from dotrain.errors import StateCorrupt
from dotrain.spec import ClusterSpec, Resolved

COMPONENT = "dotrain:index:Cluster"
_STACK = "pulumi:pulumi:Stack"


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
    """

    spec: ClusterSpec | None
    resolved: Resolved | None
    outputs: Mapping[str, Any]
    resources: Mapping[str, str]
    pending: frozenset[str] = frozenset()


def record(spec: ClusterSpec, resolved: Resolved) -> str:
    """Return the text that `parse` reads `spec` and `resolved` back from."""
    return json.dumps({"spec": spec.to_dict(), "resolved": resolved.to_dict()}, sort_keys=True)


def read(backend: Backend, stack: str) -> State | None:
    """Return the state of `stack` in a local backend, None when there is no such stack.

    Raises
    ------
    StateCorrupt
        When the file cannot be read.
    """
    path = backend.checkpoint(stack)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _corrupt(stack, str(path), str(error)) from error
    try:
        return parse(json.loads(text)["checkpoint"].get("latest") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _corrupt(stack, str(path), f"it is not a checkpoint ({error})") from error


def stacks(backend: Backend) -> list[str]:
    """Return the names of the stacks in a local backend."""
    return sorted(path.stem for path in backend.checkpoint("*").parent.glob("*.json"))


def parse(deployment: Mapping[str, Any]) -> State:
    """Return the state that a Pulumi deployment holds."""
    resources = deployment.get("resources") or []
    kept = next((r["inputs"]["record"] for r in resources if r["type"] == COMPONENT), None)
    data = json.loads(kept) if kept else None
    return State(
        spec=ClusterSpec.from_dict(data["spec"]) if data else None,
        resolved=Resolved.from_dict(data["resolved"]) if data else None,
        outputs=next((r.get("outputs") or {} for r in resources if r["type"] == _STACK), {}),
        resources={
            r["urn"].rpartition("::")[2]: r["id"]
            for r in resources
            if r.get("id") and r["type"].startswith("digitalocean:") and not r.get("delete")
        },
        pending=frozenset(
            one["resource"]["urn"].rpartition("::")[2]
            for one in deployment.get("pending_operations") or ()
            if one["type"] == "creating"
        ),
    )


def _corrupt(stack: str, path: str, reason: str) -> StateCorrupt:
    return StateCorrupt(
        f"The state of {stack!r} cannot be read.",
        f"{path}: {reason}.",
        f"Pulumi keeps the state before it as {path}.bak and older ones under backups/{PROJECT}: "
        "copy a good one over it, then run the same call again.",
    )

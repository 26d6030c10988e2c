"""What the stack of a cluster remembers, and the engine that works on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.engine import install, provider, state
from dotrain.engine.progress import Progress
from dotrain.engine.workspace import Workspace, backend
from dotrain.errors import ClusterNotFound
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

if TYPE_CHECKING:
    from dotrain.engine.driver import Driver

_said: set[str] = set()


def open_driver(
    target: Target, name: str, progress: Progress, operation: str = "", patience: float = 0.0
) -> Driver:
    """Return the driver of a stack, getting the engine and the provider if need be.

    Parameters
    ----------
    target : Target
        The account.
    name : str
        The cluster's name.
    progress : Progress
        What to report to.
    operation : str
        The id of the operation that the engine works for.
    patience : float
        Seconds to wait for an operation on another machine.
    """

    def note(text: str) -> None:
        # Which engine and which provider run is news once, not at every call.
        if text not in _said:
            _said.add(text)
            progress.note(text)

    # Pulumi's own modules (0.1 s), which a notebook that only reads does without.
    from dotrain.engine.driver import Driver

    engine = install.ensure(note)
    chosen = provider.choose(sandbox=target.is_sandbox, engine=engine, progress=note)
    return Driver(Workspace(target, name, engine, chosen), operation, patience)


def read(target: Target, name: str) -> state.State | None:
    """Return what the stack of the cluster `name` remembers; never makes a stack."""
    local = backend(target)
    if local.directory is not None:
        return state.read(local, name)
    return open_driver(target, name, Progress(f"read {name}")).read()


def read_spec(target: Target, name: str) -> tuple[ClusterSpec, Resolved, state.State]:
    """Return the remembered spec of the cluster `name`.

    Raises
    ------
    ClusterNotFound
        When there is no such stack, or it never got as far as a spec.
    """
    remembered = read(target, name)
    if remembered is None:
        raise ClusterNotFound(
            f"dotrain knows no cluster {name!r} on {target.kind}.",
            "There is no state of that name on this machine's backend.",
            "dotrain.clusters() lists the clusters that exist; dotrain.up() makes one.",
        )
    if remembered.spec is None or remembered.resolved is None:
        left = ", ".join(sorted(remembered.resources)) or "nothing"
        raise ClusterNotFound(
            f"There is no whole cluster {name!r} on {target.kind}.",
            "It was being made or taken down, and that stopped half-way. Its state still has: "
            f"{left}; and no spec.",
            f"Call dotrain.down({name!r}) to remove what is left, or dotrain.up({name!r}) to make "
            "it anew.",
        )
    return remembered.spec, remembered.resolved, remembered


def stacks(target: Target) -> list[str]:
    """Return the names of all stacks in the backend of `target`."""
    local = backend(target)
    if local.directory is not None:
        return local.stacks()
    return open_driver(target, "", Progress("list stacks")).stacks()

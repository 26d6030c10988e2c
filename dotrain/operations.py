"""What changes a cluster, or plans to: each runs in a process of its own and is waited for here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dotrain import address, ahead, changes, config, departure, display, hosts, stack
from dotrain.address import Address
from dotrain.departure import Terms
from dotrain.engine import journal, locks, settled, workspace
from dotrain.engine.progress import Progress
from dotrain.errors import ClusterNotFound
from dotrain.operation import Interrupts, Operation
from dotrain.plan import Plan
from dotrain.reaper import installing
from dotrain.sources import ME
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.turn import journals

if TYPE_CHECKING:
    import pandas as pd


def apply(
    target: Target,
    spec: ClusterSpec,
    *,
    before: ClusterSpec | None,
    title: str,
    find_me: bool,
    makes: bool = False,
    found: Address | None = None,
    forget: str | None = None,
    force: bool = False,
    refresh: bool = False,
    replace: str | None = None,
    leave: Terms | None = None,
    wait: bool = True,
    patience: float | None = None,
) -> None:
    """Make the account what `spec` says.

    Parameters
    ----------
    target : Target
        The account.
    spec : ClusterSpec
        What should be.
    before : ClusterSpec or None
        What `spec` was made from; None for a new cluster. What another
        operation changes meanwhile stays changed.
    title : str
        What this is to the user, such as ``"resize bert"``.
    find_me : bool
        Whether to find out anew what ``"me"`` stands for. Otherwise what was
        found the last time stays, so that a change of size changes no rule.
    makes : bool
        Whether to make the cluster where there is none: a change of one that
        somebody takes down meanwhile makes no other.
    found : Address, optional
        What it stands for, where that has just been found out.
    forget : str, optional
        Who says ``"me"`` no more.
    force : bool
        Whether this machine may lose its access by it.
    refresh : bool
        Whether to read from DigitalOcean first what others have changed.
    replace : str, optional
        The name of the cluster, when it may be destroyed with what is on it.
    leave : Terms, optional
        On which terms pools leave that are not wanted any more; without, they
        are left to the next operation that says it.
    wait : bool
        Whether to wait until it is done.
    patience : float, optional
        Seconds to wait for an operation on another machine, instead of
        ``DOTRAIN_PATIENCE``.

    Raises
    ------
    SpecError, AddressError, LockedOut, NameInUse, ReplacementRefused, ClusterNotFound
        Before anything is changed.
    KubernetesUnreachable, DrainFailed
        When pools are to leave and cannot be drained.
    ApiError, EngineError
        See the two.
    """
    spec = _live(spec)
    if spec.reaper and not (before and before.reaper):
        # Before anything is made that it should watch.
        installing.token(target)
    if leave is not None:
        # Whoever has to be asked is asked while nothing has begun.
        leave = departure.settled(target, spec, before, leave)
    if find_me and found is None:
        found = _find_me(target, spec)
    if forget is None and not refresh and _nothing_to_do(target, spec, found):
        notes = ["Everything is as it should be.", *changes.remarks(spec)]
        progress = Progress(title, notes=notes, finished=True)
        display.choose().refresh(progress)
        return
    arguments = {
        "spec": spec.to_dict(),
        "before": (before or ClusterSpec(spec.name)).to_dict(),
        "found": _as_json(found),
        "forget": forget,
        "force": force,
        "makes": makes,
        "refresh": refresh,
        "replace": replace,
        "leave": asdict(leave) if leave else None,
        "patience": config.patience() if patience is None else patience,
    }
    if wait:
        _run(target, spec.name, "apply", title, arguments)
    else:
        # Until anybody can find it: whoever calls this may be gone in a moment.
        _begin(target, spec.name, "apply", title, arguments).wait_until_begun()


def down(
    target: Target,
    name: str,
    *,
    only_if_over: bool = False,
    only_id: str | None = None,
    after: Mapping[str, Any] | None = None,
    patience: float | None = None,
) -> pd.DataFrame:
    """Delete the cluster `name` with everything around it.

    Parameters
    ----------
    target : Target
        The account.
    name : str
        The cluster's name.
    only_if_over : bool
        Whether to leave it as it is, and return no row, when its turn has come
        and it may live on after all.
    only_id : str, optional
        The id of the cluster that is meant, empty for none: one that has been
        made since under the same name stays, and no row is returned.
    after : mapping, optional
        The journal of what follows a job (str), and the UIDs of the jobs that
        are known (list of str): when its turn has come and there is another job,
        or it was called off, the cluster stays, and no row is returned.
    patience : float, optional
        As for `apply`.

    Returns
    -------
    pandas.DataFrame
        A row for each kind of object: kind (str), found (int, before), left
        (int, after: all 0).

    Raises
    ------
    ClusterNotFound
        When there is neither a stack nor anything labelled with the name.
    TeardownIncomplete
        When something is left; it carries what.
    EngineError, ApiError
        See the two.
    """
    from dotrain import frames

    arguments = {
        "patience": config.patience() if patience is None else patience,
        "only_if_over": only_if_over,
        "only_id": only_id,
        "after": after,
    }
    gone = _run(target, name, "down", f"down {name}", arguments)
    if gone:
        workspace.kubeconfig(target, name).unlink(missing_ok=True)
    return frames.gone(gone)


def plan(target: Target, spec: ClusterSpec) -> Plan:
    """Return what `apply` would do for `spec`; changes nothing, and raises as `apply` does."""
    spec = _live(spec)
    found = _as_json(_find_me(target, spec))
    arguments = {"spec": spec.to_dict(), "found": found, "patience": config.patience()}
    return Plan.from_dict(_run(target, spec.name, "plan", f"plan {spec.name}", arguments))


def running(target: Target, name: str) -> Operation | None:
    """Return the operation that works on the cluster `name`, or waits to, whoever began it."""
    directory = journals(workspace.directory(target, name))
    path = journal.running(directory) or journal.asked(directory)
    return Operation(path) if path else None


def busy(target: Target, name: str) -> bool:
    """Return whether an operation is known to have the stack of `name`; asks no backend."""
    local = workspace.backend(target)
    if local.directory is not None and any(not lock.dead for lock in locks.find(local.locks(name))):
        return True
    return running(target, name) is not None


def refuse_going(target: Target, name: str) -> None:
    """Raise ClusterNotFound when the cluster `name` is being taken down from this machine."""
    path = journal.running(journals(workspace.directory(target, name)))
    card = journal.Reader(path).card if path else None
    if card is not None and card.kind == "down":
        raise ClusterNotFound(
            f"The cluster {name!r} is being taken down.",
            f"That is {card}.",
            f"Wait until it is gone; dotrain.up({name!r}) makes another one.",
        )


def latest(target: Target, name: str) -> Operation | None:
    """Return the newest operation that worked on the cluster `name`, running or ended."""
    path = journal.latest(journals(workspace.directory(target, name)))
    return Operation(path) if path else None


def newest(target: Target, name: str) -> Operation | None:
    """Return the operation that works on the cluster `name`, or waits to, else the last one."""
    return running(target, name) or latest(target, name)


def history(target: Target, name: str) -> list[Operation]:
    """Return the last operations on the cluster `name` that this machine knows, newest first."""
    directory = journals(workspace.directory(target, name))
    return [Operation(path) for path in journal.changing(directory)]


def _run(target: Target, name: str, kind: str, title: str, arguments: dict[str, Any]) -> Any:
    # From the first moment on an interrupt is for the operation: raised here, it
    # would leave one that nobody watches.
    with Interrupts() as interrupts:
        return _begin(target, name, kind, title, arguments).wait(interrupts)


def _begin(
    target: Target, name: str, kind: str, title: str, arguments: dict[str, Any]
) -> Operation:
    host, path = hosts.begin(target, name, kind=kind, title=title, arguments=arguments)
    return Operation(path, host)


def _live(spec: ClusterSpec) -> ClusterSpec:
    return spec.without_expired(dt.datetime.now(dt.timezone.utc))


def _find_me(target: Target, spec: ClusterSpec) -> Address | None:
    if any(grant.source == ME for grant in spec.allow):
        return address.find(target)
    return None


def _as_json(found: Address | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _nothing_to_do(target: Target, spec: ClusterSpec, found: Address | None) -> bool:
    """Return whether the last operation made exactly this, and nothing has happened since."""
    remembered = stack.read(target, spec.name)
    if remembered is None or remembered.spec != spec or remembered.resolved is None:
        return False
    if found is not None and remembered.resolved.me.get(config.identity()) != found.cidrs:
        return False
    if ahead.read(target, spec.name):
        return False
    directory = workspace.directory(target, spec.name)
    return settled.holds(directory, workspace.backend(target), spec.name) and not running(
        target, spec.name
    )

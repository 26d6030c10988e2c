"""End the grants that have expired, at every call about a cluster, and warn of its own end."""

from __future__ import annotations

import datetime as dt
import warnings
from contextlib import closing

from dotrain import account, durations, operations, stack, timers
from dotrain.api import Api
from dotrain.engine.state import State
from dotrain.errors import ApiError, DotrainError, EndsSoon, OperationInterrupted, StackLocked
from dotrain.grants import Grant
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

# Seconds that a call which only asks waits for an operation on another machine.
_PATIENCE = 2.0


def current(target: Target, name: str) -> tuple[ClusterSpec, Resolved, State]:
    """Return what the stack of `name` remembers, after ending what has expired.

    It looks at the remembered spec, which costs nothing; there is an operation
    only when something has expired. While another operation has the stack it
    is left to that one or to the next call. When it fails that is warned of:
    a call that only asks is answered none the less, and what it answers shows
    that the grant is still in force.

    Raises
    ------
    ClusterNotFound
        As `stack.read_spec`.
    OperationInterrupted
        When the user interrupts it.
    """
    remembered = stack.read_spec(target, name)
    if not over(remembered[0]) or operations.busy(target, name):
        return remembered
    try:
        end(target, name, remembered[0], patience=_PATIENCE)
    except StackLocked:
        return remembered
    except OperationInterrupted:
        raise
    except DotrainError as error:
        warnings.warn(f"What has expired on {name!r} is still in force. {error}", stacklevel=2)
    return stack.read_spec(target, name)


def end(
    target: Target, name: str, spec: ClusterSpec, *, patience: float | None = None
) -> list[Grant]:
    """End what has expired of `spec`, and return it; raises as `operations.apply` does."""
    ended = over(spec)
    if ended:
        # Who locks himself out by it has asked for that when he gave it an end.
        title = f"end expired {name}"
        operations.apply(
            target,
            spec,
            before=spec,
            title=title,
            find_me=False,
            force=True,
            patience=patience,
        )
    return ended


def over(spec: ClusterSpec) -> list[Grant]:
    """Return the grants of `spec` whose time is over."""
    now = dt.datetime.now(dt.timezone.utc)
    return [one for one in spec.allow if durations.is_over(one.expires, now)]


def warn(target: Target, spec: ClusterSpec) -> None:
    """Warn when the cluster is near the end of its max age, or past it, as the account has it."""
    if spec.max_age is None:
        return
    try:
        with closing(Api(target)) as api:
            cluster = account.cluster(api, spec.name)
    except ApiError:
        # Nothing that was asked for depends on it.
        return
    now = dt.datetime.now(dt.timezone.utc)
    if cluster and timers.is_near(cluster, now):
        fix = f"dotrain.get({spec.name!r}).extend('2h') gives it more time."
        warnings.warn(f"{spec.name} {timers.outlook(cluster, now)}. {fix}", EndsSoon, stacklevel=3)

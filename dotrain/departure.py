"""Which node pools leave a cluster, and on which terms, so that nothing that runs is lost.

An operation makes the new pools first and keeps the old ones. Then what runs
on the old nodes moves, through the cluster's own Kubernetes API, and only then
are they deleted. Which pools leave is no note that could get lost: it is what
the state has and the spec has not. So an operation that was cut off anywhere
is taken up by the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain import account, adoption, confirm, durations, losses, names
from dotrain.account import Leaving
from dotrain.api import Api
from dotrain.engine.state import State
from dotrain.errors import KubernetesUnreachable, SpecError
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.turn import Turn

if TYPE_CHECKING:
    from dotrain.kube import Kube


@dataclass(frozen=True)
class Terms:
    """On which terms node pools leave.

    Parameters
    ----------
    drain : bool
        Whether what runs on their nodes moves first. Otherwise it is killed
        with them.
    timeout : float
        Seconds that it may take to move.
    """

    drain: bool = True
    timeout: float = 600.0


def terms(drain: object, timeout: object) -> Terms:
    """Return the terms that somebody has asked for.

    Raises
    ------
    SpecError
        When `drain` is neither True nor False, or `timeout` no span of time.
    """
    if not isinstance(drain, bool):
        raise SpecError(
            f"drain is {drain!r}.", "It can be True or False.", "Give drain=True or drain=False."
        )
    return Terms(drain, durations.parse(timeout).total_seconds())


def keys(spec: ClusterSpec, remembered: State | None) -> set[str]:
    """Return the names in the program of the pools that the state has and `spec` has not."""
    return losses.leaving(spec, remembered.resources if remembered else ())


def settled(target: Target, spec: ClusterSpec, before: ClusterSpec | None, asked: Terms) -> Terms:
    """Return `asked`, or what the user says when the nodes cannot be drained; before anything runs.

    Parameters
    ----------
    target : Target
        The account.
    spec : ClusterSpec
        What should be.
    before : ClusterSpec or None
        What should be until now.
    asked : Terms
        What was asked for.

    Raises
    ------
    KubernetesUnreachable
        When the cluster's own API does not answer, and nobody is there to ask
        or wants to go on.
    """
    wanted = {names.pool_key(pool) for pool in spec.live_pools}
    leaves = {names.pool_key(pool) for pool in (before.live_pools if before else ())} - wanted
    if not asked.drain or not leaves:
        return asked
    try:
        with reached(target, spec.name):
            return asked
    except KubernetesUnreachable as error:
        confirm.go_on_without_draining(spec.name, error)
        return Terms(drain=False, timeout=asked.timeout)


@contextmanager
def reached(target: Target, name: str) -> Iterator[Kube | None]:
    """Connect to the own API of the cluster `name`, and let go at the end.

    Yields
    ------
    Kube or None
        None where there is none to connect to: no cluster, or one of a sandbox
        that makes no control planes.

    Raises
    ------
    KubernetesUnreachable
        When it does not answer here.
    """
    # Imported late, as in the rest of this module: most operations need no kr8s.
    from dotrain.connections import connect

    with closing(Api(target)) as api:
        cluster = account.cluster(api, name)
        if cluster is None or not target.has_kubernetes(cluster):
            yield None
            return
        with closing(connect(target, api, cluster)) as kube:
            kube.check()
            yield kube


def find(api: Api, spec: ClusterSpec, remembered: State | None, turn: Turn) -> tuple[Leaving, ...]:
    """Return the pools that leave, without those that are gone; asks nothing when none does.

    Among them is what was being made when the engine was killed, or when waiting
    for it failed, and nobody wants now. A deletion that has begun, by an
    operation that was cut off, is waited for.

    Parameters
    ----------
    api : Api
        The account.
    spec : ClusterSpec
        What should be.
    remembered : State or None
        What the state has.
    turn : Turn
        The operation.
    """
    if remembered is None or "cluster" not in remembered.resources:
        return ()
    known = keys(spec, remembered)
    # What was asked for last may be there though the state does not know it.
    asked = remembered.spec.live_pools if remembered.spec else ()
    maybe = {*remembered.pending, *map(names.pool_key, asked)} - remembered.resources.keys()
    unknown = losses.leaving(spec, maybe)
    if not known and not unknown:
        return ()
    return _watched(api, remembered, known, turn, unknown)


def lost(api: Api, spec: ClusterSpec, remembered: State | None, turn: Turn) -> bool:
    """Return whether a pool is gone that the state has and `spec` wants.

    So it is when an operation that deleted it was cut off, and it is wanted
    again. While DigitalOcean is still deleting it, that is waited for.

    Parameters
    ----------
    api, spec, remembered, turn
        As for `find`.
    """
    if remembered is None or "cluster" not in remembered.resources:
        return False
    wanted = {names.pool_key(pool) for pool in spec.live_pools} & remembered.resources.keys()
    return len(_watched(api, remembered, wanted, turn)) < len(wanted)


def _watched(
    api: Api,
    remembered: State,
    known: Collection[str],
    turn: Turn,
    unknown: Collection[str] = (),
) -> tuple[Leaving, ...]:
    """Return what there is of some pools, once none of them is being deleted."""
    ids = {key: remembered.resources[key] for key in known}
    found: tuple[Leaving, ...] = ()

    def look() -> str:
        nonlocal found
        found = account.leaving(api, remembered.resources["cluster"], ids, unknown)
        going = [one.name for one in found if not one.nodes and one.count]
        return f"{' and '.join(going)} is still being deleted" if going else ""

    adoption.wait(look, turn)
    return found

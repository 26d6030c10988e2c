"""Empty nodes before they go: cordon them, and evict what runs there as its owners allow.

Evictions go through Kubernetes' eviction API, which keeps to the
PodDisruptionBudgets; nothing is deleted past them. DaemonSets' Pods and the
Pods that only mirror what a node runs by itself stay, as with ``kubectl
drain``; what has finished does not run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from kr8s.objects import Pod

from dotrain import objects
from dotrain.cordoning import Cordon, recover, some, uncordon
from dotrain.errors import (
    DrainFailed,
    KubernetesError,
    KubernetesNotFound,
    KubernetesUnreachable,
)
from dotrain.kube import Kube, may_pass
from dotrain.objects import Json

__all__ = ["RULES", "drain", "failure", "recover", "to_evict", "uncordon"]

RULES = (
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
)
"""What it needs of Kubernetes, as rules of a ClusterRole."""

_AT_ONCE = 16
# Seconds between two looks, and between two tries to evict what a budget holds.
_FIRST_LOOK, _LAST_LOOK = 0.2, 2.0
_FIRST_TRY, _LAST_TRY = 0.5, 5.0
_SHOWN = 5
_CONFLICT = 409
# Answered with a 500, as what may pass is; but a Pod has as many budgets the next time too.
_NEVER = "more than one PodDisruptionBudget"


def drain(
    kube: Kube,
    nodes: Collection[str],
    *,
    timeout: float,
    note: Callable[[str], None],
    stop: Callable[[], None],
    pools: Collection[str] = (),
) -> None:
    """Empty nodes, which take no new Pods from then on.

    All of them are cordoned first, so that nothing moves from one to the next.
    When it fails or is interrupted, those that it cordoned take Pods again.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    nodes : collection of str
        Their names. A node that is gone is empty.
    timeout : float
        Seconds until Pods that are still there are a failure.
    note : callable
        Takes a sentence about what happens.
    stop : callable
        Called again and again; raises to end it.
    pools : collection of str
        Pools as DigitalOcean calls them, of which all nodes are emptied, those
        too that join meanwhile: an autoscaler adds some when Pods have to move.

    Raises
    ------
    DrainFailed
        When Pods stay, with the PodDisruptionBudget that keeps them.
    KubernetesError, KubernetesUnreachable
        When Kubernetes refuses, or does not answer.
    """
    workers = ThreadPoolExecutor(_AT_ONCE)
    cordon = Cordon(kube, nodes, pools, workers, note)
    try:
        stop()
        _Emptying(kube, cordon, workers, note, stop).until(time.monotonic() + timeout, timeout)
    except BaseException:
        # What is under way has to end before it is taken back; the rest need not begin.
        workers.shutdown(cancel_futures=True)
        uncordon(kube, cordon.begun, note)
        raise
    finally:
        workers.shutdown()
    note("The nodes are empty.")


class _Emptying:
    """Evicts what is on nodes, until nothing is.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    cordon : Cordon
        What keeps new Pods from them.
    workers : concurrent.futures.ThreadPoolExecutor
        For evictions at the same time.
    note, stop : callable
        As for `drain`.
    """

    def __init__(
        self,
        kube: Kube,
        cordon: Cordon,
        workers: ThreadPoolExecutor,
        note: Callable[[str], None],
        stop: Callable[[], None],
    ) -> None:
        self._kube = kube
        self._cordon = cordon
        self._workers = workers
        self._note = note
        self._stop = stop
        # By the Pods' uids: when to try again, how long to wait then, what was said.
        self._tries: dict[str, tuple[float, float]] = {}
        self._held: dict[str, str] = {}
        self._announced: set[str] = set()

    def until(self, deadline: float, timeout: float) -> None:
        """Return when the nodes are empty; raise DrainFailed when they are not by then."""
        look = _FIRST_LOOK
        while True:
            uncordoned = self._cordon.look()
            self._stop()
            left = to_evict(self._kube.list(Pod), self._cordon.there)
            if uncordoned is None:
                if not left:
                    return
                self._announce(left)
                self._evict(left)
                self._stop()
            if time.monotonic() >= deadline:
                raise uncordoned or failure(left, self._held, timeout)
            time.sleep(look)
            look = min(_LAST_LOOK, look * 1.5)

    def _evict(self, pods: Iterable[Json]) -> None:
        now = time.monotonic()
        due = [
            pod
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
            and self._tries.get(pod["metadata"]["uid"], (0.0, 0.0))[0] <= now
        ]
        for pod, error in zip(
            due, self._workers.map(partial(_evict, self._kube), due), strict=True
        ):
            uid = pod["metadata"]["uid"]
            if error is None:
                self._held.pop(uid, None)
                continue
            said = "; ".join(error.causes) or error.why
            if said not in self._held.values():
                self._note(f"{objects.path(pod)} has to wait: {said}")
            self._held[uid] = said
            wait = min(_LAST_TRY, 2 * self._tries[uid][1] if uid in self._tries else _FIRST_TRY)
            self._tries[uid] = (time.monotonic() + wait, wait)

    def _announce(self, found: Iterable[Json]) -> None:
        """Say what goes, once of each, and what that means where it does not come back."""
        pods = [pod for pod in found if pod["metadata"]["uid"] not in self._announced]
        self._announced.update(pod["metadata"]["uid"] for pod in pods)
        if pods:
            self._note(f"Evicting {some(map(objects.path, pods))}.")
        files = [objects.path(pod) for pod in pods if objects.has_empty_dir(pod)]
        if files:
            self._note(f"Their files in emptyDir volumes go with {some(files)}.")
        bare = [objects.path(pod) for pod in pods if not objects.has_controller(pod)]
        if bare:
            self._note(f"Without a controller, these do not come back elsewhere: {some(bare)}.")


def to_evict(pods: Iterable[Json], nodes: Collection[str]) -> list[Json]:
    """Return those of `pods` that have to leave `nodes`; pure."""
    return [
        pod
        for pod in pods
        if objects.node_of(pod) in nodes
        and not objects.is_finished(pod)
        and not objects.is_of_daemon_set(pod)
        and not objects.is_mirror(pod)
    ]


def failure(left: Sequence[Json], held: dict[str, str], timeout: float) -> DrainFailed:
    """Return the error about Pods that have not left; pure.

    Parameters
    ----------
    left : sequence of mapping
        The Pods.
    held : dict
        Why they could not be evicted, by their uids.
    timeout : float
        How many seconds they had.
    """
    reasons = [_reason(pod, held) for pod in left]
    nodes = sorted({objects.node_of(pod) for pod in left})
    why = [held[pod["metadata"]["uid"]] for pod in left if pod["metadata"]["uid"] in held]
    if any("disruption budget" in one.lower() for one in why):
        fix = "Start more replicas or relax the PodDisruptionBudget"
    elif why:
        fix = "Mend what Kubernetes says, or wait until it has passed"
    else:
        fix = "Wait until they have ended or delete them"
    return DrainFailed(
        f"Pods are still on {some(nodes)} after {timeout:g} s.",
        f"{'; '.join(reasons[:_SHOWN])}"
        + (f"; and {len(reasons) - _SHOWN} more." if len(reasons) > _SHOWN else "."),
        f"{fix}, then run the same call again; until then the nodes take Pods as before.",
        objects=[objects.path(pod) for pod in left],
    )


def _reason(pod: Json, held: dict[str, str]) -> str:
    metadata = pod["metadata"]
    if metadata["uid"] in held:
        return f"{objects.path(pod)}: {held[metadata['uid']].rstrip('.')}"
    if "deletionTimestamp" in metadata:
        grace = metadata.get("deletionGracePeriodSeconds", 0)
        return f"{objects.path(pod)} is ending (it may take {grace} s for that)"
    return f"{objects.path(pod)} came after the others"


def _evict(kube: Kube, pod: Json) -> KubernetesError | None:
    """Evict a Pod; return what stands in the way, if that may pass."""
    try:
        kube.evict(pod)
    except KubernetesNotFound:
        return None
    except KubernetesUnreachable:
        raise
    except KubernetesError as error:
        passes = may_pass(error) or error.status == _CONFLICT or "being terminated" in error.why
        if passes and _NEVER not in error.why:
            return error
        raise DrainFailed(
            f"{objects.path(pod)} cannot be evicted.",
            error.why,
            "Mend that, then run the same call again; until then the nodes take Pods as before.",
            objects=[objects.path(pod)],
            status=error.status,
        ) from error
    return None

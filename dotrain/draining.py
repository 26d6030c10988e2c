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

from kr8s.objects import Node, Pod

from dotrain import objects
from dotrain.errors import DotrainError, DrainFailed, KubernetesError, KubernetesNotFound
from dotrain.kube import Kube
from dotrain.objects import Json

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
_BUSY, _CONFLICT = 429, 409
# Tells a node that dotrain has cordoned from one that somebody else has, also
# when the process that did so is gone.
_MARK = "dotrain/cordoned"


def drain(
    kube: Kube,
    nodes: Sequence[str],
    *,
    pools: Collection[str] = (),
    timeout: float,
    note: Callable[[str], None],
    stop: Callable[[], None],
) -> None:
    """Empty nodes, which take no new Pods from then on.

    All of them are cordoned first, so that nothing moves from one to the next.
    When it fails or is interrupted, those that it cordoned take Pods again.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    nodes : sequence of str
        Their names. A node that is gone is empty.
    pools : collection of str, optional
        The names on DigitalOcean of pools of which all nodes are emptied, too.
    timeout : float
        Seconds until Pods that are still there are a failure.
    note : callable
        Takes a sentence about what happens.
    stop : callable
        Called again and again; raises to end it.

    Raises
    ------
    DrainFailed
        When Pods stay, with the PodDisruptionBudget that keeps them.
    KubernetesError, KubernetesUnreachable
        When Kubernetes refuses, or does not answer.
    """
    deadline = time.monotonic() + timeout
    cordoned: list[str] = []
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        stop()
        there = _cordon(kube, {*nodes, *_of_pools(kube, pools)}, cordoned, pool)
        note(f"Cordoned: {_some(there) or 'none, they are gone'}.")
        _Emptying(kube, there, pool, note, stop).until(deadline, timeout)
    except BaseException:
        # What is under way has to end before it is taken back; the rest need not begin.
        pool.shutdown(cancel_futures=True)
        uncordon(kube, cordoned, note)
        raise
    finally:
        pool.shutdown()
    note("The nodes are empty.")


def _cordon(
    kube: Kube, names: Collection[str], cordoned: list[str], pool: ThreadPoolExecutor
) -> list[str]:
    """Cordon those nodes that exist, and return them; add to `cordoned` those it cordons."""
    there = [node for node in kube.list(Node) if node["metadata"]["name"] in names]
    change = {"metadata": {"annotations": {_MARK: "true"}}, "spec": {"unschedulable": True}}
    for node in there:
        marked = _MARK in (node["metadata"].get("annotations") or {})
        if marked or not (node.get("spec") or {}).get("unschedulable"):
            # Before it is done: what was not done is undone without harm.
            cordoned.append(node["metadata"]["name"])
    list(pool.map(lambda name: _patch(kube, name, change), list(cordoned)))
    return [node["metadata"]["name"] for node in there]


def recover(kube: Kube, pools: Collection[str], note: Callable[[str], None]) -> None:
    """Let the nodes of `pools` (names on DigitalOcean) that dotrain cordoned take Pods again."""
    uncordon(kube, _of_pools(kube, pools, only_marked=True), note)


def _of_pools(kube: Kube, pools: Collection[str], *, only_marked: bool = False) -> list[str]:
    return [
        node["metadata"]["name"]
        for node in (kube.list(Node) if pools else ())
        if node["metadata"]["labels"].get("doks.digitalocean.com/node-pool") in pools
        and (not only_marked or _MARK in (node["metadata"].get("annotations") or {}))
    ]


def uncordon(kube: Kube, names: Iterable[str], note: Callable[[str], None]) -> None:
    """Let nodes that `drain` cordoned take Pods again; where that fails, it is noted.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    names : iterable of str
        The nodes.
    note : callable
        Takes a sentence about what happens.
    """
    change = {"metadata": {"annotations": {_MARK: None}}, "spec": {"unschedulable": None}}
    left = list(names)
    while left:
        try:
            _patch(kube, left[0], change)
        except DotrainError as error:
            note(
                f"Still cordoned: {', '.join(left)}. {error} Or run 'kubectl uncordon' on them "
                "when that is mended."
            )
            return
        left.pop(0)


def _patch(kube: Kube, name: str, change: Json) -> None:
    try:
        kube.patch(Node, name, change)
    except KubernetesNotFound:
        # Gone meanwhile: it takes no Pods.
        return


class _Emptying:
    """Evicts what is on nodes, until nothing is.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    nodes : collection of str
        Their names.
    pool : concurrent.futures.ThreadPoolExecutor
        For evictions at the same time.
    note, stop : callable
        As for `drain`.
    """

    def __init__(
        self,
        kube: Kube,
        nodes: Collection[str],
        pool: ThreadPoolExecutor,
        note: Callable[[str], None],
        stop: Callable[[], None],
    ) -> None:
        self._kube = kube
        self._nodes = frozenset(nodes)
        self._pool = pool
        self._note = note
        self._stop = stop
        # By the Pods' uids: when to try again, how long to wait then, what was said.
        self._tries: dict[str, tuple[float, float]] = {}
        self._held: dict[str, str] = {}

    def until(self, deadline: float, timeout: float) -> None:
        """Return when the nodes are empty; raise DrainFailed when they are not by then."""
        self._stop()
        look, left = _FIRST_LOOK, self._left()
        self._announce(left)
        while left:
            self._evict(left)
            self._stop()
            if time.monotonic() >= deadline:
                raise failure(left, self._held, timeout)
            time.sleep(look)
            look = min(_LAST_LOOK, look * 1.5)
            left = self._left()

    def _left(self) -> list[Json]:
        return to_evict(self._kube.list(Pod), self._nodes)

    def _evict(self, pods: Iterable[Json]) -> None:
        now = time.monotonic()
        due = [
            pod
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
            and self._tries.get(pod["metadata"]["uid"], (0.0, 0.0))[0] <= now
        ]
        for pod, error in zip(due, self._pool.map(partial(_evict, self._kube), due), strict=True):
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

    def _announce(self, pods: Sequence[Json]) -> None:
        if pods:
            self._note(f"Evicting {_some(map(objects.path, pods))}.")
        files = [objects.path(pod) for pod in pods if objects.has_empty_dir(pod)]
        if files:
            self._note(f"Their files in emptyDir volumes go with {_some(files)}.")
        bare = [objects.path(pod) for pod in pods if not objects.has_controller(pod)]
        if bare:
            self._note(f"Without a controller, these do not come back elsewhere: {_some(bare)}.")


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
    budgets = any(pod["metadata"]["uid"] in held for pod in left)
    return DrainFailed(
        f"Pods are still on {_some(nodes)} after {timeout:g} s.",
        f"{'; '.join(reasons[:_SHOWN])}"
        + (f"; and {len(reasons) - _SHOWN} more." if len(reasons) > _SHOWN else "."),
        (
            "Start more replicas or relax the PodDisruptionBudget, then run the same call again; "
            if budgets
            else "Wait until they have ended or delete them, then run the same call again; "
        )
        + "until then the nodes take Pods as before.",
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
    except KubernetesError as error:
        if error.status in (_BUSY, _CONFLICT) or "being terminated" in error.why:
            return error
        raise DrainFailed(
            f"{objects.path(pod)} cannot be evicted.",
            error.why,
            "Mend that, then run the same call again; until then the nodes take Pods as before.",
            objects=[objects.path(pod)],
            status=error.status,
        ) from error
    return None


def _some(names: Iterable[str]) -> str:
    all_of_them = list(names)
    more = len(all_of_them) - _SHOWN
    return ", ".join(all_of_them[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

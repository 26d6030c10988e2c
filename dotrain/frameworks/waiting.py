"""Wait for the Pods of an operator or of what it makes, and say why they are not there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kr8s.objects import Event, Pod

from dotrain import objects, readiness
from dotrain.errors import KubernetesNotFound, NotReady
from dotrain.frameworks.pods import NAMESPACE
from dotrain.kube import Kube
from dotrain.objects import Json

_FIRST_LOOK, _LAST_LOOK = 0.2, 3.0
_PATIENCE = 120.0


@dataclass(frozen=True)
class Wanted:
    """Pods that there should be.

    Parameters
    ----------
    what : str
        What they are, such as ``"the scheduler"``.
    labels : mapping of str to str
        What each has.
    count : int
        How many.
    maker : str
        Who makes them, such as ``"the Dask operator"``.
    """

    what: str
    labels: Mapping[str, str]
    count: int
    maker: str


def wait(
    kube: Kube,
    what: str,
    wanted: tuple[Wanted, ...],
    seconds: float,
    note: Callable[[str], object],
    *,
    namespace: str = NAMESPACE,
    otherwise: str = "",
) -> None:
    """Wait until all of `wanted` are ready.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    what : str
        What they are taken together, for the error.
    wanted : tuple of Wanted
        The Pods.
    seconds : float
        How long to wait.
    note : callable
        Takes a sentence when something has changed.
    namespace : str
        Where they are.
    otherwise : str
        What else can be done when they are not ready in time.

    Raises
    ------
    NotReady
        With a sentence for each thing that is not, and Kubernetes' last warning about it.
    """
    deadline, look, before = time.monotonic() + seconds, _FIRST_LOOK, -1
    while True:
        missing = lacking(kube.list(Pod, namespace=namespace), wanted)
        if not missing:
            return
        if len(missing) != before:
            note(f"Not ready yet: {readiness.some([*missing.values()])}.")
        if time.monotonic() >= deadline:
            events = kube.list(Event, namespace=namespace)
            causes = readiness.explained(missing, events)
            raise _failure(f"{what} is not ready after {seconds:g} s.", causes, otherwise)
        before = len(missing)
        time.sleep(min(look, max(0.0, deadline - time.monotonic())))
        look = min(_LAST_LOOK, look * 1.5)


def lacking(pods: Sequence[Json], wanted: tuple[Wanted, ...]) -> dict[str, str]:
    """Return what is not ready, as a sentence by the object's kind, namespace and name; pure.

    Parameters
    ----------
    pods : sequence of mapping
        The Pods of a namespace, as Kubernetes describes them.
    wanted : tuple of Wanted
        What there should be.
    """
    found: dict[str, str] = {}
    for one in wanted:
        having = [pod for pod in pods if _has(pod, one.labels)]
        ready = sum(objects.is_ready(pod) for pod in having)
        if ready >= one.count:
            continue
        if len(having) < one.count:
            found[one.what] = (
                f"{one.maker} has made {len(having)} of {one.count} Pods of {one.what}"
            )
        found |= readiness.unready(having) | _failed(having)
    return found


def _failed(pods: Sequence[Json]) -> dict[str, str]:
    """Return why the newest of the Pods that have failed did, as `lacking` does."""
    failed = [pod for pod in pods if objects.phase(pod) == "Failed"]
    if not failed:
        return {}
    newest = max(failed, key=objects.created)
    path = objects.path(newest)
    states = [one.get("state") or {} for one in objects.statuses(newest)]
    said = [(one.get("terminated") or {}).get("message") or "" for one in states]
    why = " ".join(next(filter(None, said), objects.reason(newest)).split())
    return {f"Pod/{path}": f"the Pod {path} has failed: {why}"}


def gone(kube: Kube, what: str, location: str, labels: Mapping[str, str]) -> None:
    """Wait until an object is gone, and every Pod with these labels.

    Raises
    ------
    NotReady
        When some are still there after two minutes.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        left = [
            f"the Pod {objects.path(one)} is still there"
            for one in kube.list(Pod, namespace=NAMESPACE)
            if _has(one, labels)
        ]
        try:
            one = kube.read(location)
            left.append(f"the {one['kind']} {objects.path(one)} is still there")
        except KubernetesNotFound:
            if not left:
                return
        if time.monotonic() >= deadline:
            raise _failure(f"{what} is not gone after {_PATIENCE:g} s.", left)
        time.sleep(_FIRST_LOOK)


def _has(pod: Json, labels: Mapping[str, str]) -> bool:
    return labels.items() <= (pod["metadata"].get("labels") or {}).items()


def _failure(what: str, causes: list[str], otherwise: str = "") -> NotReady:
    said = readiness.some(causes)
    return NotReady(
        what,
        f"{said[:1].upper()}{said[1:]}.",
        "Look at the cluster's pods() and events(), and resize() a pool that has no room; the same "
        f"call again goes on from here{otherwise}.",
        causes=causes,
    )

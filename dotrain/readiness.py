"""Wait until a cluster's nodes and its own Pods are ready, and say what is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing

from kr8s.objects import Event, Node, Pod

from dotrain import kubeframes, objects
from dotrain.api import Api
from dotrain.errors import AddressMoved, KubernetesUnreachable, NotReady
from dotrain.kube import Kube
from dotrain.objects import Json
from dotrain.target import Target

_SYSTEM = "kube-system"
_FIRST_LOOK, _LAST_LOOK = 0.5, 5.0
_SHOWN = 5
_GOING = ("draining", "deleting")


def wait(target: Target, kube: Kube, seconds: float, note: Callable[[str], None]) -> None:
    """Wait until every node that DigitalOcean has is ready, and the system's Pods run.

    Parameters
    ----------
    target : Target
        The account, which says what nodes there should be.
    kube : Kube
        The cluster's Kubernetes API.
    seconds : float
        How long to wait.
    note : callable
        Takes a sentence when something has changed.

    Raises
    ------
    NotReady
        With a sentence for each thing that is not.
    """
    deadline, look, before = time.monotonic() + seconds, _FIRST_LOOK, -1
    path = f"/v2/kubernetes/clusters/{kube.cluster['id']}"
    with closing(Api(target)) as api:
        while True:
            cluster = api.get(path)["kubernetes_cluster"]
            found = _look(kube, cluster)
            if not found:
                return
            if len(found) != before:
                note(f"Not ready yet: {some(found)}.")
            if time.monotonic() >= deadline:
                raise failure(kube.cluster["name"], seconds, found)
            before = len(found)
            time.sleep(min(look, max(0.0, deadline - time.monotonic())))
            look = min(_LAST_LOOK, look * 1.5)


def _look(kube: Kube, cluster: Json) -> list[str]:
    try:
        nodes, pods = kube.list(Node), kube.list(Pod, namespace=_SYSTEM)
        found = missing(cluster, nodes, pods)
        return explained(found, kube.list(Event)) if found else []
    except AddressMoved:
        # Waiting does not bring it back.
        raise
    except KubernetesUnreachable as error:
        return [error.what.rstrip(".")]


def missing(cluster: Json, nodes: Iterable[Json], pods: Iterable[Json]) -> dict[str, str]:
    """Return what is not ready, as a sentence by the object's kind, namespace and name; pure.

    Parameters
    ----------
    cluster : mapping
        The cluster as DigitalOcean describes it.
    nodes, pods : iterable of mapping
        The cluster's nodes and its system's Pods, as Kubernetes describes them.
    """
    there = {node["metadata"]["name"]: node for node in nodes}
    found: dict[str, str] = {}
    for pool in cluster["node_pools"]:
        # Those that are going are no more waited for.
        having = [one for one in pool.get("nodes") or () if one["status"]["state"] not in _GOING]
        if len(having) < pool["count"]:
            found[f"Pool/{pool['name']}"] = (
                f"the pool {pool['name']} has {len(having)} of {pool['count']} nodes"
            )
        for one in having:
            said = _of_node(one, there.get(one["name"]))
            if said:
                found[f"Node/{one['name']}"] = f"the node {one['name']} of {pool['name']} {said}"
    return found | unready(pods)


def unready(pods: Iterable[Json]) -> dict[str, str]:
    """Return the Pods that should be ready and are not, as `missing` does; pure."""
    found: dict[str, str] = {}
    for pod in pods:
        if not objects.is_ready(pod) and not objects.is_finished(pod):
            path = objects.path(pod)
            why = f"{objects.phase(pod)} {objects.reason(pod)}".rstrip()
            found[f"Pod/{path}"] = f"the Pod {path} is {why}"
    return found


def _of_node(one: Json, node: Json | None) -> str:
    if node is None:
        return f"has not joined (DigitalOcean: {one['status']['state']})"
    if not objects.is_ready(node):
        said = objects.condition(node, "Ready").get("message") or "it has not said that it is"
        return f"is not ready ({said})"
    return "" if objects.is_schedulable(node) else "takes no Pods"


def explained(found: dict[str, str], events: Iterable[Json]) -> list[str]:
    """Return the sentences, each with the last warning that Kubernetes has about it; pure."""
    warned: dict[str, str] = {}
    for event in sorted(events, key=objects.happened):
        if event.get("type") == "Warning":
            warned[kubeframes.event_object(event)] = event.get("message") or ""
    return [
        f"{sentence}: {' '.join(warned[key].split()).rstrip('.')}" if key in warned else sentence
        for key, sentence in found.items()
    ]


def failure(name: str, seconds: float, found: Sequence[str]) -> NotReady:
    """Return the error about what is not ready."""
    return NotReady(
        f"The cluster {name!r} is not ready after {seconds:g} s.",
        f"{some(found)[:1].upper()}{some(found)[1:]}.",
        "Wait longer with wait_ready(timeout=...), look at nodes(), pods() and events(), or "
        "replace a node that stays so in DigitalOcean's control panel.",
        causes=found,
    )


def some(found: Sequence[str]) -> str:
    """Return the first of some sentences as one, and how many more there are."""
    more = len(found) - _SHOWN
    return "; ".join(found[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")

"""What Kubernetes says about a Pod, a node or an event: facts read from its JSON, and no I/O.

The fields are those of Kubernetes' API reference, v1: ``Pod``, ``Node`` and
``Event``; the labels of nodes are DigitalOcean's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

# What runs in these is the cluster's own, or dotrain's.
SYSTEM_NAMESPACES = ("kube-system", "kube-node-lease", "kube-public", "dotrain-system")
GPUS = ("nvidia.com/gpu", "amd.com/gpu")
"""What Kubernetes calls the GPUs of a node."""

DOKS_POOL = "doks.digitalocean.com/node-pool"
"""The label with the pool of a node, as DigitalOcean calls it."""

OPERATOR = "dotrain/operator"
"""The annotation of the Pods of an operator, which does no work of its own."""

_POOL = "dotrain/pool"
_SIZE = "node.kubernetes.io/instance-type"
_MIRROR = "kubernetes.io/config.mirror"
_INDEX = "batch.kubernetes.io/job-completion-index"
# Follows `unschedulable` by a moment, and says nothing more.
_CORDONED = "node.kubernetes.io/unschedulable"
# Kubernetes and DigitalOcean put these on a node that is not ready for Pods yet, or no more.
_BLOCKING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "node.cilium.io/")


def path(one: Json) -> str:
    """Return an object's namespace and name: ``"default/train-0"``."""
    metadata = one["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")


def location(manifest: Json) -> str:
    """Return where Kubernetes' API has the object of a manifest.

    Examples
    --------
    >>> location({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}})
    '/apis/batch/v1/cronjobs/a'
    """
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    kind = manifest["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"{root}{namespace}/{plural}/{metadata['name']}"


def node_of(pod: Json) -> str:
    """Return the name of the node that a Pod is on; empty for none."""
    return str(pod["spec"].get("nodeName") or "")


def is_of_daemon_set(pod: Json) -> bool:
    """Return whether a Pod is one of those that run on every node."""
    return any(one["kind"] == "DaemonSet" for one in pod["metadata"].get("ownerReferences") or ())


def is_mirror(pod: Json) -> bool:
    """Return whether a Pod only shows what a node runs by itself."""
    return _MIRROR in (pod["metadata"].get("annotations") or {})


def is_finished(pod: Json) -> bool:
    """Return whether all containers of a Pod have ended, and do not start again."""
    return phase(pod) in ("Succeeded", "Failed")


def is_system(pod: Json) -> bool:
    """Return whether a Pod is the cluster's own, dotrain's, an operator's, or on every node."""
    metadata = pod["metadata"]
    if metadata["namespace"] in SYSTEM_NAMESPACES or is_of_daemon_set(pod):
        return True
    return OPERATOR in (metadata.get("annotations") or {})


def has_controller(pod: Json) -> bool:
    """Return whether something makes the Pod anew elsewhere when it is gone."""
    return any(one.get("controller") for one in pod["metadata"].get("ownerReferences") or ())


def rank(pod: Json) -> int:
    """Return the index of a Pod in its Indexed Job, -1 where it has none."""
    metadata = pod["metadata"]
    places = (metadata.get("annotations") or {}, metadata.get("labels") or {})
    said = next((str(place[_INDEX]) for place in places if _INDEX in place), "")
    return int(said) if said.isdecimal() else -1


def has_empty_dir(pod: Json) -> bool:
    """Return whether a Pod keeps files on its node that go with it."""
    return any("emptyDir" in volume for volume in pod["spec"].get("volumes") or ())


def phase(pod: Json) -> str:
    """Return a Pod's phase."""
    return str((pod.get("status") or {}).get("phase") or "Unknown")


def is_ready(one: Json) -> bool:
    """Return whether a Pod or a node says that it is ready."""
    return condition(one, "Ready").get("status") == "True"


def condition(one: Json, kind: str) -> Json:
    """Return a condition of an object, empty where it has none of that type."""
    conditions = (one.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})


def is_schedulable(node: Json) -> bool:
    """Return whether new Pods may come to a node; taints of the user's own do not count."""
    spec = node.get("spec") or {}
    return not spec.get("unschedulable") and not any(
        taint["key"].startswith(_BLOCKING)
        and taint["key"] != _CORDONED
        and taint["effect"] != "PreferNoSchedule"
        for taint in spec.get("taints") or ()
    )


def pool_of(node: Json) -> str:
    """Return the pool of a node: the name that the spec has for it, or else DigitalOcean's."""
    return str(_labels(node).get(_POOL) or doks_pool_of(node))


def doks_pool_of(node: Json) -> str:
    """Return the pool of a node as DigitalOcean calls it."""
    return str(_labels(node).get(DOKS_POOL) or "")


def size_of(node: Json) -> str:
    """Return the Droplet size of a node."""
    return str(_labels(node).get(_SIZE) or "")


def _labels(node: Json) -> Json:
    return node["metadata"].get("labels") or {}


def node_gpus(node: Json) -> int:
    """Return how many GPUs a node offers to Pods."""
    return _gpus((node.get("status") or {}).get("allocatable"))


def pod_gpus(pod: Json) -> int:
    """Return how many GPUs a Pod has asked for."""
    return sum(_gpus((one.get("resources") or {}).get("limits")) for one in _containers(pod))


def _gpus(resources: Mapping[str, Any] | None) -> int:
    return sum(int((resources or {}).get(kind) or 0) for kind in GPUS)


def _containers(pod: Json) -> list[Json]:
    return list(pod["spec"].get("containers") or ())


def statuses(pod: Json) -> Iterator[Json]:
    """Yield what a Pod says about each of its containers, the initial ones too."""
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(kind) or ()


def restarts(pod: Json) -> int:
    """Return how often containers of a Pod have been started again."""
    return sum(int(one.get("restartCount") or 0) for one in statuses(pod))


def reason(pod: Json) -> str:
    """Return why a Pod is not as it should be, in Kubernetes' words; empty when it is."""
    status = pod.get("status") or {}
    if status.get("reason"):
        return str(status["reason"])
    for one in statuses(pod):
        state = one.get("state") or {}
        said = (state.get("waiting") or {}).get("reason")
        ended = state.get("terminated") or {}
        if said or ended.get("exitCode"):
            return str(said or ended.get("reason") or f"exit code {ended['exitCode']}")
    if phase(pod) == "Pending":
        return str(condition(pod, "PodScheduled").get("reason") or "")
    return ""


def finished_at(pod: Json) -> dt.datetime:
    """Return when a finished Pod ended, or the latest that is known about it."""
    ends = [
        ((one.get("state") or {}).get("terminated") or {}).get("finishedAt")
        for one in statuses(pod)
    ]
    status = pod.get("status") or {}
    moments = [*ends, condition(pod, "Ready").get("lastTransitionTime"), status.get("startTime")]
    return latest([*moments, pod["metadata"]["creationTimestamp"]])


def created(one: Json) -> dt.datetime:
    """Return when an object was made."""
    return instant(one["metadata"]["creationTimestamp"])


def happened(event: Json) -> dt.datetime:
    """Return when an event happened, the last time if it did so more than once."""
    last = (event.get("series") or {}).get("lastObservedTime")
    moments = [last, event.get("lastTimestamp"), event.get("eventTime")]
    return latest([*moments, event["metadata"]["creationTimestamp"]])


def count(event: Json) -> int:
    """Return how often an event happened."""
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


def latest(moments: Iterable[str | None]) -> dt.datetime:
    """Return the latest of some instants, of which one at least is given."""
    return max(instant(one) for one in moments if one)


def instant(text: str) -> dt.datetime:
    """Return an instant as Kubernetes and DigitalOcean write it."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))

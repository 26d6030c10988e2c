"""Since when nothing works on a cluster, as its own Kubernetes API says.

What counts as working is any Pod that runs or waits for a place, other than
those of Kubernetes itself (``kube-system``), of dotrain's reaper
(``dotrain-system``), of operators that dotrain installed, and of DaemonSets,
which run on every node.

It looks at Pods and not at what they do. So these count as working: a GPU job
that stalls, a Pod that is restarted again and again, one that cannot be
scheduled, and a notebook server that nobody uses. And these do not: a finished
job, whatever it left, and what people do outside of Pods.

What was deleted, as a cancelled job is, is known by its events alone, and
Kubernetes keeps those for an hour: from then on the cluster has been idle
since the last thing before that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from kr8s.objects import Event, Node, Pod

from dotrain import connections, objects
from dotrain.api import Api
from dotrain.errors import KubernetesUnreachable
from dotrain.kube import Kube
from dotrain.objects import Json
from dotrain.target import Target

RULES = ({"apiGroups": [""], "resources": ["pods", "nodes", "events"], "verbs": ["list"]},)
"""What it needs of Kubernetes, as rules of a ClusterRole."""

_WORK = ("Pod", "Job")


def of_cluster(
    target: Target, api: Api, cluster: Mapping[str, Any], now: dt.datetime
) -> dt.datetime | None:
    """Return since when nothing runs on a cluster, None while something does.

    Parameters
    ----------
    target : Target
        The account.
    api : Api
        The same, open.
    cluster : mapping
        The cluster as DigitalOcean describes it.
    now : datetime.datetime
        The present, with its time zone.

    Raises
    ------
    DotrainError
        When it is not known.
    """
    if not target.has_kubernetes(cluster):
        raise KubernetesUnreachable(
            f"The cluster {cluster['name']!r} has no Kubernetes API.",
            "The sandbox makes one only where it is told to.",
            "Make it after dotrain.use_sandbox(kubernetes=True).",
        )
    with closing(connections.connect(target, api, cluster)) as connected:
        return idle_since(connected, now)


def idle_since(kube: Kube, now: dt.datetime) -> dt.datetime | None:
    """Return since when nothing works on a cluster, None while something does.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    now : datetime.datetime
        The present, with its time zone.

    Returns
    -------
    datetime.datetime or None
        Not after `now`: when the last Pod ended or was deleted, or the newest
        training node was made, or the cluster, whichever came last.

    Raises
    ------
    KubernetesError, KubernetesUnreachable
        When it is not known. That is no idleness.
    """
    pods = kube.list(Pod)
    if is_working(pods):
        return None
    system = [pool["name"] for pool in kube.cluster["node_pools"][:1]]
    nodes = [one for one in kube.list(Node) if objects.doks_pool_of(one) not in system]
    return since(pods, nodes, kube.list(Event), objects.instant(kube.cluster["created_at"]), now)


def is_working(pods: Iterable[Json]) -> bool:
    """Return whether a Pod runs or waits that is not the system's."""
    return any(not objects.is_finished(pod) and not objects.is_system(pod) for pod in pods)


def since(
    pods: Iterable[Json],
    nodes: Iterable[Json],
    events: Iterable[Json],
    made: dt.datetime,
    now: dt.datetime,
) -> dt.datetime:
    """Return since when nothing works, on a cluster where nothing does; pure.

    Parameters
    ----------
    pods, nodes, events : iterable of mapping
        As Kubernetes' API describes them; the nodes are those for training.
    made : datetime.datetime
        When the cluster was made.
    now : datetime.datetime
        The present.
    """
    ended = [objects.finished_at(pod) for pod in pods if not objects.is_system(pod)]
    joined = [objects.created(node) for node in nodes]
    seen = [objects.happened(event) for event in events if _is_of_work(event)]
    # The clock of a node can be ahead of this one.
    return min(now, max([made, *ended, *joined, *seen]))


def _is_of_work(event: Json) -> bool:
    about = event["involvedObject"]
    return about.get("kind") in _WORK and about.get("namespace") not in objects.SYSTEM_NAMESPACES

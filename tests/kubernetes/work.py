"""Work on a cluster, put there as its users put it, and taken away again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import kr8s
from kr8s import objects
from kr8s.objects import Node, Pod

import dotrain
from dotrain import connections
from dotrain.kube import Kube

__all__ = ["Node", "Pod"]
_PATIENCE = 20.0
CONTAINER = {"name": "main", "image": "python:3.13"}


@contextlib.contextmanager
def made(cluster: dotrain.Cluster, kind: str, name: str, **body: Any) -> Iterator[Any]:
    """Make an object, such as an ``"apps/v1/Deployment"``, and delete it with what it made."""
    version, _, kind = kind.rpartition("/")
    metadata = {"name": name, "namespace": "default", **body.pop("metadata", {})}
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    one = objects.object_from_spec(manifest, api=cluster.kube())
    one.create()
    try:
        yield one
    finally:
        with contextlib.suppress(kr8s.NotFoundError):
            one.delete(propagation_policy="Foreground")
        until(lambda: not one.exists())


@contextlib.contextmanager
def deployed(cluster: dotrain.Cluster, name: str, replicas: int, **pod: Any) -> Iterator[Any]:
    """Let so many Pods run that a Deployment keeps, each labelled ``app=<name>``."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels, "annotations": pod.pop("annotations", {})},
        "spec": {"containers": [CONTAINER], "nodeSelector": {"dotrain/pool": "train"}, **pod},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    with made(cluster, "apps/v1/Deployment", name, spec=spec) as one:
        until(lambda: len(running(cluster, name)) == replicas)
        yield one


def running(cluster: dotrain.Cluster, app: str) -> list[Any]:
    """Return the Pods of a Deployment that are ready, and not on their way out."""
    found = cluster.kube().get(Pod, namespace="default", label_selector={"app": app}, raw=True)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"] and is_ready(pod)]


def started(job: dotrain.Job) -> dotrain.Job:
    """Return a job once it runs."""
    until(lambda: job.status.phase == "running")
    return job


def is_ready(pod: Any) -> bool:
    """Return whether a Pod says that it is ready."""
    conditions = pod["status"].get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def budget(cluster: dotrain.Cluster, app: str, least: int, name: str = "") -> Any:
    """Let so many Pods of a Deployment stay at any time."""
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}
    return made(cluster, "policy/v1/PodDisruptionBudget", name or f"{app}-budget", spec=spec)


def training_nodes(cluster: dotrain.Cluster) -> list[str]:
    """Return the names of the training nodes."""
    frame = cluster.nodes()
    return sorted(frame[frame.pool == "train"].name)


def until(check: Callable[[], bool]) -> None:
    """Return when `check` says so."""
    deadline = time.monotonic() + _PATIENCE
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@contextlib.contextmanager
def limited(cluster: dotrain.Cluster, name: str, rules: list[Any]) -> Iterator[Kube]:
    """Yield the Kubernetes API as a service account sees it that may do `rules` alone."""
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
    everywhere = {"namespace": None}
    own = cluster._kube()
    with (
        made(cluster, "v1/ServiceAccount", name),
        made(cluster, f"{rbac}/v1/ClusterRole", name, metadata=everywhere, rules=rules),
        made(
            cluster,
            f"{rbac}/v1/ClusterRoleBinding",
            name,
            metadata=everywhere,
            roleRef=role,
            subjects=[subject],
        ),
    ):
        token = own._send(
            "POST",
            url=f"serviceaccounts/{name}/token",
            namespace="default",
            content='{"spec": {}}',
        )["status"]["token"]
        theirs = replace(own.client._bearer.credentials, token=token)
        explain = own.client._explain
        with closing(
            connections.with_credentials(theirs, lambda: theirs, explain, own.cluster)
        ) as one:
            yield one

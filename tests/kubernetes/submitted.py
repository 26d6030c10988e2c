"""What there is of jobs that were submitted, as Kubernetes has it."""

from __future__ import annotations

from typing import Any

import kr8s

import dotrain
from dotrain.jobs import preparing, submitting
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task
from tests.kubernetes import work

RBAC = ("roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")
KINDS = ("jobs", "services", "networkpolicies", "configmaps", "serviceaccounts", "pods", *RBAC)


def found(cluster: dotrain.Cluster, kind: str, name: str = "") -> list[dict[str, Any]]:
    """Objects of a kind in all namespaces that belong to the job `name`, or to any."""
    selector = f"dotrain/job={name}" if name else "dotrain/job"
    every = cluster.kube().get(kind, namespace=kr8s.ALL, label_selector=selector, raw=True)
    return list(every)


def content_of(task: Task) -> Content:
    with preparing.sent(preparing.pack(task), "hal", "any") as content:
        return content


def without(resource: str) -> list[dict[str, Any]]:
    """The rights that it takes to submit a job, but for those to a resource."""
    return [
        {**rule, "resources": [one for one in rule["resources"] if one != resource] or ["none"]}
        for rule in submitting.RULES
    ]


def path(job: dict[str, Any]) -> str:
    metadata = job["metadata"]
    return f"/apis/batch/v1/namespaces/{metadata['namespace']}/jobs/{metadata['name']}"


def left(cluster: dotrain.Cluster, name: str) -> list[str]:
    """What there is of a job, by kind."""
    return [kind for kind in (*KINDS, "secrets") if found(cluster, kind, name)]


def pods_of(cluster: dotrain.Cluster, name: str, number: int) -> list[dict[str, Any]]:
    """The Pods of a job, all there and each where it goes or known to go nowhere."""
    work.until(lambda: len([one for one in found(cluster, "pods", name) if placed(one)]) == number)
    return sorted(found(cluster, "pods", name), key=lambda one: str(one["metadata"]["name"]))


def placed(pod: dict[str, Any]) -> bool:
    """Whether the scheduler has looked at a Pod."""
    return any(one["type"] == "PodScheduled" for one in pod["status"].get("conditions") or ())


def clear(cluster: dotrain.Cluster) -> None:
    """Delete all jobs, and return when none has a node any more."""
    for job in found(cluster, "jobs"):
        cluster._kube().delete(path(job), uid=job["metadata"]["uid"])
    work.until(
        lambda: not any(found(cluster, kind) for kind in KINDS[:3] if kind != "networkpolicies")
    )
    work.until(lambda: not found(cluster, "pods"))


def run(cluster: dotrain.Cluster, name: str, **task: Any) -> Any:
    """Run a job that waits to be told to end."""
    return cluster.run("sleep 60", name=name, image="python:3.13-slim", **task)

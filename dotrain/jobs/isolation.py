"""What closes a job off: its namespace, its network, and what its Pods may do on a node.

Facts: the levels and what they ask for are Kubernetes'
(https://kubernetes.io/docs/concepts/security/pod-security-standards/); the
namespace's labels have them enforced
(https://kubernetes.io/docs/concepts/security/pod-security-admission/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

JOB_LABEL = "dotrain/job"
_MANAGED = {"app.kubernetes.io/managed-by": "dotrain"}
_POLICY = "networking.k8s.io/v1"
_NAMESPACE = "training"
# No user of the node; an image that knows it as its own is rare, and does no harm.
_USER = 1000
_SECURITY = "pod-security.kubernetes.io"


def namespace_of(level: str) -> str:
    """Return the namespace of jobs of a level of Pod security.

    Examples
    --------
    >>> namespace_of("restricted"), namespace_of("baseline")
    ('training', 'training-baseline')
    """
    return _NAMESPACE if level == "restricted" else f"{_NAMESPACE}-{level}"


def labels(job: str) -> dict[str, str]:
    """Return the labels of all that belongs to a job."""
    return {JOB_LABEL: job, **_MANAGED}


def namespace(level: str) -> Manifest:
    """Return the namespace of a level, which refuses Pods that may do more, and warns of them."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": namespace_of(level),
            "labels": {**_MANAGED, f"{_SECURITY}/enforce": level, f"{_SECURITY}/warn": level},
        },
    }


def is_own(namespace: Mapping[str, Any]) -> bool:
    """Return whether a namespace that is there is dotrain's."""
    return _MANAGED.items() <= (namespace["metadata"].get("labels") or {}).items()


def closed(level: str) -> Manifest:
    """Return the policy by which nobody gets in to any Pod of the namespace; out they may go."""
    return {
        "apiVersion": _POLICY,
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": namespace_of(level), "labels": _MANAGED},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }


def among(job: str) -> Manifest:
    """Return the policy by which Pods of a job reach each other; its name and place are left out.

    Examples
    --------
    >>> among("bert")["spec"]["podSelector"]
    {'matchLabels': {'dotrain/job': 'bert'}}
    """
    pods = {"matchLabels": {JOB_LABEL: job}}
    return {
        "apiVersion": _POLICY,
        "kind": "NetworkPolicy",
        "spec": {
            "podSelector": pods,
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": pods}]}],
        },
    }


def of_pod(level: str) -> Manifest:
    """Return the security context of a job's Pod."""
    # The group of the volumes, so that whoever the image runs as can read them.
    context: Manifest = {"fsGroup": _USER}
    if level == "restricted":
        context |= {"runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER}
    if level != "privileged":
        context["seccompProfile"] = {"type": "RuntimeDefault"}
    return context


def of_container(level: str) -> Manifest:
    """Return the security context of each container of a job's Pod."""
    if level == "privileged":
        return {"privileged": True}
    if level == "baseline":
        return {"privileged": False}
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

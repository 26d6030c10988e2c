"""Objects as Kubernetes' API describes them, as far as dotrain reads them."""

from __future__ import annotations

from typing import Any

MADE = "2026-01-02T03:04:05Z"


def a_pod(name: str = "train-0", namespace: str = "default", **changes: Any) -> dict[str, Any]:
    """A Pod that runs on the node gpu-0, by a Job; `changes` says what is otherwise."""
    phase = changes.pop("phase", "Running")
    ready = {"type": "Ready", "status": str(phase == "Running"), "lastTransitionTime": MADE}
    status = {"phase": phase, "conditions": [ready], "startTime": MADE}
    pod: dict[str, Any] = {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "creationTimestamp": MADE,
            "labels": changes.pop("labels", {}),
            "ownerReferences": [{"kind": changes.pop("owner", "Job"), "controller": True}],
            **changes.pop("metadata", {}),
        },
        "spec": {
            "nodeName": changes.pop("node", "gpu-0"),
            "containers": changes.pop("containers", [{"name": "main"}]),
            **changes.pop("spec", {}),
        },
        "status": {**status, **changes.pop("status", {})},
    }
    assert not changes
    return pod


def a_node(name: str = "gpu-0", pool: str = "train-x", **changes: Any) -> dict[str, Any]:
    """A node that is ready; `changes` says what is otherwise."""
    ready = {"type": "Ready", "status": changes.pop("ready", "True"), "message": "by itself"}
    node: dict[str, Any] = {
        "metadata": {
            "name": name,
            "creationTimestamp": changes.pop("created", MADE),
            "labels": {
                "doks.digitalocean.com/node-pool": pool,
                "node.kubernetes.io/instance-type": "s-4vcpu-8gb",
                **changes.pop("labels", {}),
            },
        },
        "spec": changes.pop("spec", {}),
        "status": {
            "conditions": [ready],
            "allocatable": changes.pop("allocatable", {}),
            "nodeInfo": {"kubeletVersion": "v1.34.1"},
        },
    }
    assert not changes
    return node


def an_event(about: str = "Pod/default/train-0", **fields: Any) -> dict[str, Any]:
    """A warning about an object, named as dotrain's frames name it."""
    kind, *names = about.split("/")
    return {
        "metadata": {"creationTimestamp": MADE},
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting\n failed container",
        "involvedObject": {"kind": kind, "name": names[-1], "namespace": (names[:-1] or [""])[0]},
        **fields,
    }


def a_service(name: str = "board", **spec: Any) -> dict[str, Any]:
    """A service with one port, 80, of Pods that listen on theirs called "ui"."""
    port = {"name": "http", "port": 80, "targetPort": "ui"}
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": name}, "ports": [port], **spec},
    }

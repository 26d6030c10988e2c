"""The Pods of Ray and Dask: fitted to a pool, and closed off as a job's are.

What Kubernetes asks of a Pod that may do nothing more than it needs is in
`dotrain.jobs.isolation`; the operators pass all of it on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dotrain.jobs import isolation
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.pods import literal, tolerations
from dotrain.names import POOL_LABEL

LEVEL = "restricted"
"""The level of Pod security that they, and their operators, work under."""

NAMESPACE = isolation.namespace_of(LEVEL)
"""Where they are."""

OPERATOR = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
"""What an operator needs: it has to fit beside the system's Pods on the smallest node."""

_WORKSPACE, _SHARED_MEMORY = "/workspace", "/dev/shm"  # noqa: S108 - of the Pod
_VOLUMES: dict[str, tuple[str, Manifest]] = {
    "workspace": (_WORKSPACE, {"emptyDir": {}}),
    "shared-memory": (_SHARED_MEMORY, {"emptyDir": {"medium": "Memory"}}),
}


def variables(env: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the variables of a container, with those that every one of them has."""
    given = {**{name: literal(value) for name, value in env.items()}, "HOME": _WORKSPACE}
    # No image knows the user's number, and some libraries ask for its name.
    given["USER"] = "training"
    address = {"fieldRef": {"fieldPath": "status.podIP"}}
    return [
        {"name": "DOTRAIN_ADDRESS", "valueFrom": address},
        *({"name": name, "value": value} for name, value in given.items()),
    ]


def confined(container: Mapping[str, Any], place: Place) -> Manifest:
    """Return the Pod for a container, on the nodes of `place`.

    Parameters
    ----------
    container : mapping
        As Kubernetes takes it, with its resources.
    place : Place
        The pool.
    """
    mounts = [{"name": name, "mountPath": path} for name, (path, _) in _VOLUMES.items()]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": isolation.of_pod(LEVEL),
        "nodeSelector": {POOL_LABEL: place.pool},
        "tolerations": tolerations(place),
        "containers": [
            {
                **container,
                "workingDir": _WORKSPACE,
                "securityContext": isolation.of_container(LEVEL),
                "volumeMounts": mounts,
            }
        ],
        "volumes": [{"name": name, **source} for name, (_, source) in _VOLUMES.items()],
    }

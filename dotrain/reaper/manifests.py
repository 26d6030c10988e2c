"""What the reaper is in Kubernetes: a CronJob that may read Pods, and a token it takes nodes with.

Facts: DOKS labels each node with its pool
(https://docs.digitalocean.com/products/kubernetes/details/managed/); the
security contexts are those that the ``restricted`` Pod Security Standard asks
for (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotrain.hidden import Hidden
from dotrain.spec import ClusterSpec

Manifest = dict[str, Any]

NAMESPACE = "dotrain-system"
NAME = "dotrain-reaper"
IMAGE = "docker.io/library/python:3.13-alpine"
EVERY = "*/10 * * * *"
RULES = [{"apiGroups": [""], "resources": ["pods", "nodes", "events"], "verbs": ["list"]}]
"""All it may do in Kubernetes: see whether anything works."""

SCOPES = ("kubernetes:read", "kubernetes:update")
"""All that its token may do on DigitalOcean; ``kubernetes:update`` deletes node pools."""

_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": "dotrain"}
_RBAC = "rbac.authorization.k8s.io"
# Somebody who is nobody: no user of the image or the node has this number.
_USER = 65532
_SCRIPT, _TOKEN = "/opt/dotrain", "/run/dotrain"
_ONLY_GROUP = 0o440


def code() -> str:
    """Return the script that the reaper runs."""
    return Path(__file__).with_name("script.py").read_text("utf-8")


def manifests(
    spec: ClusterSpec,
    cluster_id: str,
    token: str,
    prices: Mapping[str, tuple[float, float]],
    *,
    api_url: str = "https://api.digitalocean.com",
    image: str = IMAGE,
) -> list[Manifest]:
    """Return what has to be in the cluster, in the order in which it can be made.

    Parameters
    ----------
    spec : ClusterSpec
        The cluster. Its limits are not in here: the reaper reads them from the
        cluster's tags, so that an extension reaches it.
    cluster_id : str
        DigitalOcean's id of it.
    token : str
        A token of `SCOPES`.
    prices : mapping of str to (float, float)
        US dollars of the sizes of its nodes, an hour and a month at most: for a budget.
    api_url : str
        DigitalOcean's API.
    image : str
        Any image with Python 3.10 or later. The default is a tag, which its
        owner can move; a digest cannot be.
    """
    environment = {
        "DOTRAIN_CLUSTER_ID": cluster_id,
        "DOTRAIN_API_URL": api_url,
        "DOTRAIN_TOKEN_FILE": f"{_TOKEN}/token",
        "DOTRAIN_PRICES": json.dumps(dict(sorted(prices.items()))),
    }
    secret = Hidden(base64.b64encode(token.encode()).decode())
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": NAMESPACE,
                "labels": {**_LABELS, "pod-security.kubernetes.io/enforce": "restricted"},
            },
        },
        _named("v1", "ServiceAccount", automountServiceAccountToken=False),
        _named(f"{_RBAC}/v1", "ClusterRole", everywhere=True, rules=RULES),
        _named(
            f"{_RBAC}/v1",
            "ClusterRoleBinding",
            everywhere=True,
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": NAME},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        ),
        _named("v1", "ConfigMap", data={"reap.py": code()}),
        _named("v1", "Secret", type="Opaque", data={"token": secret}),
        _named("networking.k8s.io/v1", "NetworkPolicy", spec=_network()),
        _named("batch/v1", "CronJob", spec=_cron_job(spec.system.name, image, environment)),
    ]


def _named(version: str, kind: str, *, everywhere: bool = False, **fields: Any) -> Manifest:
    metadata: Manifest = {"name": NAME, "labels": _LABELS}
    if not everywhere:
        metadata["namespace"] = NAMESPACE
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _network() -> Manifest:
    """Return its traffic: nobody gets in; out go names, and HTTPS to any host.

    It needs two APIs and no more, but their addresses change, and a network
    policy knows no host by its name.
    """
    ports = [("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443)]
    return {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [{"ports": [{"protocol": protocol, "port": port} for protocol, port in ports]}],
    }


def _cron_job(pool: str, image: str, environment: Mapping[str, str]) -> Manifest:
    return {
        "schedule": EVERY,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": 300,
                "ttlSecondsAfterFinished": 86400,
                "template": {
                    "metadata": {"labels": _LABELS},
                    "spec": _pod(pool, image, environment),
                },
            }
        },
    }


def _pod(pool: str, image: str, environment: Mapping[str, str]) -> Manifest:
    volumes: dict[str, Manifest] = {
        "script": {"configMap": {"name": NAME}},
        "token": {"secret": {"secretName": NAME, "defaultMode": _ONLY_GROUP}},
    }
    paths = {"script": _SCRIPT, "token": _TOKEN}
    return {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        # On the node that stays.
        "nodeSelector": {"doks.digitalocean.com/node-pool": pool},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "reaper",
                "image": image,
                "command": ["python3", "-I", "-B", f"{_SCRIPT}/reap.py"],
                "env": [{"name": name, "value": value} for name, value in environment.items()],
                "resources": {
                    "requests": {"cpu": "10m", "memory": "32Mi"},
                    "limits": {"memory": "128Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": name, "mountPath": where, "readOnly": True}
                    for name, where in paths.items()
                ],
            }
        ],
        "volumes": [{"name": name, **source} for name, source in volumes.items()],
    }

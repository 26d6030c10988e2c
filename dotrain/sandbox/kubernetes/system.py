"""What runs in every DOKS cluster before its user does anything, as far as it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dotrain.sandbox.kubernetes.tokens import GROUP

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc

_SPACE = "kube-system"
# By `kubectl describe node` of a node of DOKS: CPU, and memory.
_REQUESTS = {
    "cilium": ("300m", "300Mi"),
    "cpc-bridge-proxy": ("100m", "75Mi"),
    "do-node-agent": ("102m", "80Mi"),
    "coredns": ("100m", "150Mi"),
}
_EVERYWHERE = ("cilium", "cpc-bridge-proxy", "do-node-agent")


def manifests() -> list[tuple[str, Doc]]:
    """Return each object with the path of the API where it is made."""
    apps, core = f"/apis/apps/v1/namespaces/{_SPACE}", f"/api/v1/namespaces/{_SPACE}"
    rbac = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    dns = {
        "metadata": {"name": "kube-dns", "namespace": _SPACE},
        "spec": {
            "selector": {"k8s-app": "coredns"},
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}],
        },
    }
    return [
        (rbac, _admins()),
        (f"{apps}/deployments", _workload("Deployment", "coredns", replicas=2)),
        *((f"{apps}/daemonsets", _workload("DaemonSet", one)) for one in _EVERYWHERE),
        (f"{core}/services", dns),
    ]


def _admins() -> Doc:
    """Return what makes whoever has a kubeconfig of DigitalOcean an administrator."""
    return {
        "metadata": {"name": "k8saas:authenticated:cluster-admin"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"kind": "Group", "name": GROUP, "apiGroup": "rbac.authorization.k8s.io"},
        ],
    }


def _workload(kind: str, name: str, **spec: Any) -> Doc:
    labels = {"k8s-app": name}
    cpu, memory = _REQUESTS[name]
    container = {
        "name": name,
        "image": f"docker.io/digitalocean/{name}:1",
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
    }
    pod = {
        "priorityClassName": "system-cluster-critical",
        # What runs on every node does so whatever its taints are.
        "tolerations": [{"operator": "Exists"}] if kind == "DaemonSet" else [],
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": _SPACE, "labels": labels},
        "spec": {
            **spec,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }

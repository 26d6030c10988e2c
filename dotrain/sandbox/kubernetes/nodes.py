"""The nodes of a cluster as Kubernetes has them: what DOKS says of its own, and kwok's kubelet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dotrain.sandbox import catalog, droplets
from dotrain.sandbox.lifecycle import stamp

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.store import Store

# What a node keeps for itself, about as DOKS does.
_RESERVED_MIB = 700
_MOST_PODS = 110
_NVIDIA = "nvidia.com/gpu"
_AMD = "amd.com/gpu"
# Says which labels and taints a Node has from its pool; the others are somebody else's.
_SET = "sandbox.dotrain/set"
_READY = (
    ("Ready", "True", "KubeletReady"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
)


def wanted(cluster: Doc, now: float, delay: float) -> dict[str, tuple[Doc, Doc]]:
    """Return pool and node, by name, of each node that has started and is not being deleted."""
    return {
        node["name"]: (pool, node)
        for pool in cluster["pools"]
        for node in pool["nodes"]
        if pool["deleted"] is None and now - node["created"] >= delay / 2
    }


def manifest(store: Store, cluster: Doc, pool: Doc, node: Doc, kubelet: int) -> Doc:
    """Return the Node that a kubelet would register for a Droplet of `pool`.

    Parameters
    ----------
    store : Store
        What exists, for the Droplet's addresses.
    cluster, pool, node : Doc
        Where it belongs.
    kubelet : int
        The port of its kubelet, on this machine.
    """
    name, size = node["name"], catalog.size(pool["size"])
    gpu = size.get("gpu_info")
    gpus = {_resource(gpu): str(gpu["count"])} if gpu else {}
    whole = {"cpu": str(size["vcpus"]), "memory": f"{size['memory']}Mi"}
    usable = {"cpu": f"{size['vcpus'] * 1000 - 100}m"}
    usable["memory"] = f"{size['memory'] - _RESERVED_MIB}Mi"
    rest = {"pods": str(_MOST_PODS), "ephemeral-storage": f"{size['disk']}Gi", **gpus}
    since = stamp(node["created"])
    labels, taints = _labels(cluster, pool, node, gpu), _taints(pool, gpu)
    given = {"labels": sorted(labels), "taints": [[one["key"], one["effect"]] for one in taints]}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {_SET: json.dumps(given)}},
        "spec": {"providerID": f"digitalocean://{node['droplet_id']}", "taints": taints},
        "status": {
            "capacity": whole | rest,
            "allocatable": usable | rest,
            "conditions": [
                {
                    "type": kind,
                    "status": status,
                    "reason": reason,
                    "message": reason,
                    "lastHeartbeatTime": since,
                    "lastTransitionTime": since,
                }
                for kind, status, reason in _READY
            ],
            "addresses": [
                {"type": "Hostname", "address": name},
                *_addresses(store, cluster, node),
                {"type": "InternalDNS", "address": "localhost"},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet}},
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "kernelVersion": "kwok",
                "containerRuntimeVersion": "kwok://0",
                "kubeletVersion": f"v{cluster['version'].split('-')[0]}",
                "kubeProxyVersion": "",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }


def change(found: Doc, wanted: Doc) -> Doc:
    """Return the merge patch that gives a Node the labels and taints wanted; empty for none.

    What others have put on it stays: only what its pool gave it before goes.

    Parameters
    ----------
    found : Doc
        The Node as Kubernetes has it.
    wanted : Doc
        The Node as `manifest` describes it.
    """
    metadata, given = found["metadata"], wanted["metadata"]["annotations"]
    before = json.loads(
        (metadata.get("annotations") or {}).get(_SET, '{"labels": [], "taints": []}')
    )
    labels, has = wanted["metadata"]["labels"], metadata.get("labels") or {}
    changed: Doc = {key: value for key, value in labels.items() if has.get(key) != value}
    changed |= {key: None for key in before["labels"] if key in has.keys() - labels.keys()}
    has_taints = _by_key(found["spec"].get("taints") or [])
    others = {key: one for key, one in has_taints.items() if list(key) not in before["taints"]}
    taints = others | _by_key(wanted["spec"]["taints"])
    if not changed and _values(taints) == _values(has_taints):
        return {}
    return {
        # Taints are replaced as a whole: not those that somebody else changes meanwhile.
        "metadata": {
            "resourceVersion": metadata["resourceVersion"],
            "labels": changed,
            "annotations": given,
        },
        "spec": {"taints": list(taints.values())},
    }


def moved(found: Doc, wanted: Doc) -> Doc:
    """Return the merge patch of its status that says where a Node's kubelet is; empty for none.

    It is elsewhere when the sandbox was ended and started again.
    """
    key = "daemonEndpoints"
    same = found["status"].get(key) == wanted["status"][key]
    return {} if same else {"status": {key: wanted["status"][key]}}


def _by_key(taints: list[Doc]) -> dict[tuple[str, str], Doc]:
    """Return taints by what a Node may have once only."""
    return {(one["key"], one["effect"]): one for one in taints}


def _values(taints: dict[tuple[str, str], Doc]) -> dict[tuple[str, str], str]:
    return {key: one.get("value", "") for key, one in taints.items()}


def _resource(gpu: Doc) -> str:
    return _AMD if gpu["model"].startswith("amd") else _NVIDIA


def _labels(cluster: Doc, pool: Doc, node: Doc, gpu: Doc | None) -> Doc:
    brand, _, model = gpu["model"].partition("_") if gpu else ("", "", "")
    return {
        **pool["labels"],
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node["name"],
        "node.kubernetes.io/instance-type": pool["size"],
        "region": cluster["region"],
        "topology.kubernetes.io/region": cluster["region"],
        "doks.digitalocean.com/managed": "true",
        "doks.digitalocean.com/node-id": node["id"],
        "doks.digitalocean.com/node-pool": pool["name"],
        "doks.digitalocean.com/node-pool-id": pool["id"],
        "doks.digitalocean.com/version": cluster["version"],
        **({"doks.digitalocean.com/gpu-brand": brand} if gpu else {}),
        **({"doks.digitalocean.com/gpu-model": model} if gpu else {}),
    }


def _taints(pool: Doc, gpu: Doc | None) -> list[Doc]:
    own = [{"key": _resource(gpu), "effect": "NoSchedule"}] if gpu else []
    # The usual one for GPUs may be given by hand too.
    return list((_by_key(pool["taints"]) | _by_key(own)).values())


def _addresses(store: Store, cluster: Doc, node: Doc) -> list[Doc]:
    found = droplets.networks(store, cluster, int(node["droplet_id"]))["v4"]
    kinds = {"private": "InternalIP", "public": "ExternalIP"}
    return [{"type": kinds[one["type"]], "address": one["ip_address"]} for one in found]

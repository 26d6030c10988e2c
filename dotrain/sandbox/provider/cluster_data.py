"""Kubernetes clusters as data: inputs, request bodies, state."""

from __future__ import annotations

import re
from typing import Any

from dotrain.sandbox.provider import pools
from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.times import spelled
from dotrain.sandbox.provider.wire import Props

# Parts of a cluster that are switched on and off: the property and the key in a body.
_SWITCHES = {
    "routingAgent": "routing_agent",
    "amdGpuDevicePlugin": "amd_gpu_device_plugin",
    "amdGpuDeviceMetricsExporterPlugin": "amd_gpu_device_metrics_exporter_plugin",
    "nvidiaGpuDevicePlugin": "nvidia_gpu_device_plugin",
    "nvidiaGpuDraDriver": "nvidia_gpu_dra_driver",
    "amdGpuDraDriver": "amd_gpu_dra_driver",
    "rdmaSharedDevicePlugin": "rdma_shared_dev_plugin",
    "corednsAutoscaler": "coredns_autoscaler",
    "p2pOciRegistryPlugin": "p2p_oci_registry_plugin",
}
# Newer than the traffic this follows: sent only when set.
_NEWER_SWITCHES = {"nfsCsiPlugin": "nfs_csi_plugin"}
_ALL_SWITCHES = _SWITCHES | _NEWER_SWITCHES
_AUTOSCALER = {
    "scaleDownUtilizationThreshold": "scale_down_utilization_threshold",
    "scaleDownUnneededTime": "scale_down_unneeded_time",
    "expanders": "expanders",
}
# What no answer says: it stays as it was set.
_REMEMBERED = ("destroyAllAssociatedResources", "kubeconfigExpireSeconds")


def is_downgrade(old: Any, new: Any) -> bool:
    """Say whether a change of version goes back, which only a new cluster can."""
    before, after = _version(old), _version(new)
    return bool(before and after) and after < before


def _version(text: Any) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(text))]


FIELDS: Fields = {
    "name": Field(),
    "region": Field(replaces=always),
    "version": Field(replaces=is_downgrade),
    "vpcUuid": Field(replaces=always, computed=True),
    "clusterSubnet": Field(replaces=always, computed=True),
    "serviceSubnet": Field(replaces=always, computed=True),
    "workerSubnetUuid": Field(replaces=always, computed=True),
    "isolatedWorkers": Field(replaces=always, computed=True),
    "tags": Field(unordered=True),
    "nodePool": Field(fields=pools.POOL, outputs=("id", "nodes", "actualNodeCount")),
    "maintenancePolicy": Field(
        computed=True,
        fields={"day": Field(computed=True), "startTime": Field(computed=True)},
    ),
    "controlPlaneFirewall": Field(
        computed=True, fields={"enabled": Field(), "allowedAddresses": Field()}
    ),
    "clusterAutoscalerConfigurations": Field(),
    "autoUpgrade": Field(),
    "surgeUpgrade": Field(default=True),
    "ha": Field(default=False),
    "destroyAllAssociatedResources": Field(default=False),
    "kubeconfigExpireSeconds": Field(),
    **{name: Field(computed=True, fields={"enabled": Field()}) for name in _ALL_SWITCHES},
}


def create_body(inputs: Props) -> Props:
    """Return the request that creates a cluster."""
    policy = inputs.get("maintenancePolicy")
    optional = {
        "vpc_uuid": inputs.get("vpcUuid"),
        "cluster_subnet": inputs.get("clusterSubnet"),
        "service_subnet": inputs.get("serviceSubnet"),
        "worker_subnet_uuid": inputs.get("workerSubnetUuid"),
        "isolated_workers": inputs.get("isolatedWorkers"),
        "tags": inputs.get("tags"),
        "ha": inputs.get("ha"),
    }
    blocks = {
        "control_plane_firewall": inputs.get("controlPlaneFirewall") and _control_plane(inputs),
        "cluster_autoscaler_configuration": inputs.get("clusterAutoscalerConfigurations")
        and _autoscaler(inputs),
        **{key: inputs.get(name) for name, key in _ALL_SWITCHES.items()},
    }
    return {
        "name": inputs["name"],
        "region": inputs["region"],
        "version": inputs["version"],
        "node_pools": [pools.create_body(inputs["nodePool"], pools.DEFAULT_TAG)],
        "maintenance_policy": _policy(policy) if policy else None,
        "auto_upgrade": inputs.get("autoUpgrade") or False,
        "surge_upgrade": inputs.get("surgeUpgrade") or False,
        **{key: value for key, value in (optional | blocks).items() if value},
    }


def update_body(inputs: Props) -> Props:
    """Return the request that changes a cluster: nulls are what is not set, and change nothing.

    As with the official provider, tags that became empty and a surge upgrade that was switched
    off are not sent.
    """
    policy = inputs.get("maintenancePolicy")
    optional = {
        "tags": inputs.get("tags"),
        "surge_upgrade": inputs.get("surgeUpgrade"),
        "maintenance_policy": _policy(policy) if policy else None,
        **{key: inputs.get(name) for name, key in _NEWER_SWITCHES.items()},
    }
    return {
        "name": inputs["name"],
        "auto_upgrade": inputs.get("autoUpgrade") or False,
        "ha": inputs.get("ha") or False,
        "control_plane_firewall": _control_plane(inputs),
        "cluster_autoscaler_configuration": _autoscaler(inputs),
        **{key: inputs.get(name) or {"enabled": None} for name, key in _SWITCHES.items()},
        **{key: value for key, value in optional.items() if value},
    }


def state_of(cluster: Any, before: Props) -> Props:
    """Return a cluster's state, all but its credentials."""
    policy = cluster["maintenance_policy"]
    firewall = cluster.get("control_plane_firewall")
    own = next((pool for pool in cluster["node_pools"] if is_default(pool)), None)
    state = {
        "name": cluster["name"],
        "region": cluster["region"],
        "version": cluster["version"],
        "vpcUuid": cluster.get("vpc_uuid", ""),
        "clusterSubnet": cluster.get("cluster_subnet", ""),
        "serviceSubnet": cluster.get("service_subnet", ""),
        "workerSubnetUuid": cluster.get("worker_subnet_uuid"),
        "isolatedWorkers": cluster.get("isolated_workers"),
        "tags": pools.own_tags(cluster.get("tags")),
        "maintenancePolicy": {
            "day": policy["day"],
            "startTime": policy["start_time"],
            "duration": policy.get("duration", ""),
        },
        "controlPlaneFirewall": firewall
        and {
            "enabled": firewall.get("enabled") or False,
            "allowedAddresses": firewall.get("allowed_addresses") or [],
        },
        "clusterAutoscalerConfigurations": _autoscaler_state(cluster),
        "autoUpgrade": cluster.get("auto_upgrade", False),
        "surgeUpgrade": cluster.get("surge_upgrade", False),
        "ha": cluster.get("ha", False),
        "nodePool": own and {"id": own["id"], **pools.state_of(own)},
        "status": cluster["status"]["state"],
        "endpoint": cluster.get("endpoint", ""),
        "ipv4Address": cluster.get("ipv4", ""),
        "clusterUrn": f"do:kubernetes:{cluster['id']}",
        "createdAt": spelled(cluster.get("created_at")),
        "updatedAt": spelled(cluster.get("updated_at")),
        **{name: cluster.get(key) for name, key in _ALL_SWITCHES.items()},
        **{name: before.get(name) for name in _REMEMBERED},
    }
    return {name: value for name, value in state.items() if value is not None}


def is_default(pool: Any) -> bool:
    """Say whether a pool is the one that belongs to its cluster."""
    return pools.DEFAULT_TAG in (pool.get("tags") or [])


def _policy(policy: Props) -> Props:
    return {
        "day": policy.get("day") or "any",
        "start_time": policy.get("startTime") or "",
        "duration": "",
    }


def _control_plane(inputs: Props) -> Props:
    firewall = inputs.get("controlPlaneFirewall") or {}
    return {
        "enabled": firewall.get("enabled"),
        "allowed_addresses": firewall.get("allowedAddresses") or None,
    }


def _autoscaler(inputs: Props) -> Props:
    wanted = (inputs.get("clusterAutoscalerConfigurations") or [{}])[0]
    return {key: wanted.get(name) for name, key in _AUTOSCALER.items()}


def _autoscaler_state(cluster: Any) -> list[Props]:
    answer = cluster.get("cluster_autoscaler_configuration") or {}
    known = {name: answer[key] for name, key in _AUTOSCALER.items() if answer.get(key)}
    return [known] if known else []

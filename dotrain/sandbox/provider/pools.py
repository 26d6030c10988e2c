"""Node pools, as part of a cluster and on their own: bodies, state, waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.times import spelled
from dotrain.sandbox.provider.wait import until
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

# The mark of the pool that belongs to the cluster itself.
DEFAULT_TAG = "terraform:default-node-pool"

POOL: Fields = {
    "name": Field(),
    "size": Field(replaces=always),
    "nodeCount": Field(computed=True),
    "autoScale": Field(default=False),
    "minNodes": Field(),
    "maxNodes": Field(),
    "tags": Field(unordered=True),
    "labels": Field(),
    "taints": Field(unordered=True),
    "gpuPartitionMode": Field(computed=True),
}


def own_tags(tags: list[str] | None) -> list[str]:
    """Return the tags that a person set: the API's and the provider's own are left out."""
    return [
        tag for tag in tags or [] if tag != "k8s" and not tag.startswith(("k8s:", "terraform:"))
    ]


def create_body(pool: Props, *more_tags: str) -> Props:
    """Return the request that creates a pool: what is not set is not sent."""
    body = {
        "name": pool["name"],
        "size": pool["size"],
        "count": pool.get("nodeCount"),
        "tags": [*(pool.get("tags") or []), *more_tags],
        "labels": pool.get("labels"),
        "taints": _taints_body(pool),
        "auto_scale": pool.get("autoScale"),
        "min_nodes": pool.get("minNodes"),
        "max_nodes": pool.get("maxNodes"),
        "gpu_partition_mode": pool.get("gpuPartitionMode"),
    }
    return {key: value for key, value in body.items() if value}


def update_body(pool: Props, *more_tags: str) -> Props:
    """Return the request that changes a pool; a size cannot change."""
    optional = {
        "count": pool.get("nodeCount"),
        "tags": [*(pool.get("tags") or []), *more_tags],
        "labels": pool.get("labels"),
    }
    return {
        "name": pool["name"],
        **{key: value for key, value in optional.items() if value},
        "taints": _taints_body(pool),
        "auto_scale": pool.get("autoScale") or False,
        "min_nodes": pool.get("minNodes") or 0,
        "max_nodes": pool.get("maxNodes") or 0,
    }


def state_of(pool: Any) -> Props:
    """Return a pool's state."""
    return {
        "name": pool["name"],
        "size": pool["size"],
        "nodeCount": pool["count"],
        "actualNodeCount": pool["count"],
        "autoScale": pool.get("auto_scale", False),
        "minNodes": pool.get("min_nodes", 0),
        "maxNodes": pool.get("max_nodes", 0),
        "tags": own_tags(pool.get("tags")),
        "labels": pool.get("labels") or {},
        "taints": [_taint_state(taint) for taint in pool.get("taints") or []],
        "gpuPartitionMode": pool.get("gpu_partition_mode", ""),
        "nodes": [_node_state(node) for node in pool.get("nodes") or []],
    }


def all_running(pool: Any) -> bool:
    """Say whether every node that a pool should have is there and runs."""
    nodes = pool.get("nodes") or []
    running = all(node["status"]["state"] == "running" for node in nodes)
    return running and len(nodes) == pool["count"]


def wait_for(api: Api, path: str, limit: float) -> None:
    """Wait until every node of a pool runs."""
    until(
        lambda: all_running(api.get(path)["node_pool"]),
        every=api.settings.poll_seconds,
        limit=limit,
        otherwise="Timeout waiting to create nodepool",
    )


def _taints_body(pool: Props) -> list[Props]:
    # The official provider sends these keys with a capital.
    return [
        {"Key": taint["key"], "Value": taint["value"], "Effect": taint["effect"]}
        for taint in pool.get("taints") or []
    ]


def _taint_state(taint: Any) -> Props:
    lowered = {key.lower(): value for key, value in taint.items()}
    return {key: lowered.get(key, "") for key in ("key", "value", "effect")}


def _node_state(node: Any) -> Props:
    return {
        "id": node["id"],
        "name": node["name"],
        "status": node["status"]["state"],
        "dropletId": node.get("droplet_id", ""),
        "createdAt": spelled(node.get("created_at")),
        "updatedAt": spelled(node.get("updated_at")),
    }

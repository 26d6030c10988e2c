"""Node pools: their fields and their nodes."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from dotrain.sandbox import catalog
from dotrain.sandbox.answers import Call, Doc, invalid
from dotrain.sandbox.droplets import pool_tags
from dotrain.sandbox.lifecycle import node_state, stamp
from dotrain.sandbox.tags import ensure

if TYPE_CHECKING:
    from dotrain.sandbox.validate import Fields

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME_ADVICE = (
    "must consist of at most 63 lower case letters, digits and dashes, "
    "and start and end with a letter or a digit."
)
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MOST_NODES = 512
_FIRST_DROPLET = 500_000_001


def make(call: Call, fields: Fields, region: str) -> Doc:
    """Return a new pool with its nodes."""
    pool: Doc = {
        "id": str(uuid.uuid4()),
        "name": fields.match("name", _NAME, _NAME_ADVICE),
        "size": fields.text("size"),
        "tags": fields.tags(),
        "labels": fields.labels("labels"),
        "taints": _taints(fields),
        "nodes": [],
        "made_nodes": 0,
        "deleted": None,
    }
    catalog.check_node_size(pool["size"], region)
    _read_autoscaling(fields, pool)
    least = max(1, pool["min_nodes"]) if pool["auto_scale"] else None
    _scale(call, pool, fields.whole("count", 1, _MOST_NODES, least))
    ensure(call.store, pool["tags"])
    return pool


def change(call: Call, pool: Doc, fields: Fields) -> None:
    """Change what was given; what was not stays as it is."""
    pool["name"] = fields.match("name", _NAME, _NAME_ADVICE)
    if fields.has("tags"):
        pool["tags"] = fields.tags()
        ensure(call.store, pool["tags"])
    if fields.has("labels"):
        pool["labels"] = fields.labels("labels")
    if fields.has("taints"):
        pool["taints"] = _taints(fields)
    _read_autoscaling(fields, pool)
    _scale(call, pool, fields.whole("count", 1, _MOST_NODES, len(pool["nodes"])))


def check_together(pools: list[Doc]) -> None:
    """Refuse pools that one cluster cannot have at once."""
    names = [pool["name"] for pool in pools if pool["deleted"] is None]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"node_pools: a node pool named {name!r} already exists.")
    if sum(len(pool["nodes"]) for pool in pools) > _MOST_NODES:
        raise invalid(f"node_pools: a cluster can have at most {_MOST_NODES} nodes.")


def _taints(fields: Fields) -> list[Doc]:
    taints = []
    for item in fields.objects("taints"):
        # The official provider capitalises these keys.
        for key in ("key", "value", "effect"):
            item.data.setdefault(key, item.data.get(key.capitalize()))
        taints.append(
            {
                "key": item.text("key"),
                "value": item.text("value", ""),
                "effect": item.choice("effect", _EFFECTS),
            }
        )
    return taints


def _read_autoscaling(fields: Fields, pool: Doc) -> None:
    automatic = fields.flag("auto_scale", default=pool.get("auto_scale", False))
    least = fields.whole("min_nodes", 0, _MOST_NODES, pool.get("min_nodes", 0))
    most = fields.whole("max_nodes", 0, _MOST_NODES, pool.get("max_nodes", 0))
    if automatic and not 0 < most >= least:
        raise invalid("max_nodes must be at least 1 and at least min_nodes with auto_scale.")
    pool.update(auto_scale=automatic, min_nodes=least, max_nodes=most)


def _scale(call: Call, pool: Doc, count: int) -> None:
    if pool["auto_scale"]:
        count = min(max(count, pool["min_nodes"]), pool["max_nodes"])
    del pool["nodes"][count:]
    while len(pool["nodes"]) < count:
        add_node(call, pool)


def add_node(call: Call, pool: Doc) -> None:
    """Add a node to a pool, with a name and a Droplet that no node had before."""
    pool["nodes"].append(
        {
            "id": str(uuid.uuid4()),
            "name": f"{pool['name']}-{pool['made_nodes']}",
            "droplet_id": str(call.store.next_number("droplet", _FIRST_DROPLET)),
            "created": call.now,
            "tags": [],
        }
    )
    pool["made_nodes"] += 1


def view(call: Call, cluster: Doc, pool: Doc) -> Doc:
    """Return a pool as the API shows it."""
    deleting = cluster["deleted"] is not None or pool["deleted"] is not None
    return {
        "id": pool["id"],
        "name": pool["name"],
        "size": pool["size"],
        "count": len(pool["nodes"]),
        "tags": pool_tags(cluster, pool),
        "labels": pool["labels"],
        "taints": pool["taints"],
        "auto_scale": pool["auto_scale"],
        "min_nodes": pool["min_nodes"],
        "max_nodes": pool["max_nodes"],
        "nodes": [
            {
                "id": node["id"],
                "name": node["name"],
                "status": {"state": _node_state(call, cluster, node, deleting=deleting)},
                "droplet_id": node["droplet_id"],
                "created_at": stamp(node["created"]),
                "updated_at": stamp(node["created"]),
            }
            for node in pool["nodes"]
        ],
    }


def _node_state(call: Call, cluster: Doc, node: Doc, *, deleting: bool) -> str:
    state = node_state(node["created"], call.now, call.delay, deleting=deleting)
    waits = cluster.get("kubernetes") and not node.get("joined")
    return "provisioning" if waits and state == "running" else state

"""Droplets: here they are the nodes of clusters, and nothing else."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from dotrain.sandbox import catalog
from dotrain.sandbox.answers import Answer, Call, Doc, not_found, paged
from dotrain.sandbox.lifecycle import node_state, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dotrain.sandbox.store import Store

_FIRST_HOST = 10
_PUBLIC = ipaddress.IPv4Network("198.18.0.0/15")  # for benchmarks: nobody's


def pool_tags(cluster: Doc, pool: Doc) -> list[str]:
    """Return a pool's tags, those of Kubernetes itself first."""
    return list(dict.fromkeys(["k8s", f"k8s:{cluster['id']}", "k8s:worker", *pool["tags"]]))


def _nodes(store: Store) -> Iterator[tuple[Doc, Doc, Doc]]:
    for cluster in store.all("cluster"):
        for pool in cluster["pools"]:
            for node in pool["nodes"]:
                yield cluster, pool, node


def tags_of(cluster: Doc, pool: Doc, node: Doc) -> list[str]:
    """Return the tags of a node's Droplet."""
    return list(dict.fromkeys([*pool_tags(cluster, pool), *node["tags"]]))


def identifiers(store: Store) -> set[int]:
    """Return the ids of all Droplets."""
    return {int(node["droplet_id"]) for _, _, node in _nodes(store)}


def tagged(store: Store) -> dict[str, list[str]]:
    """Return the ids of the Droplets that carry each tag."""
    found: dict[str, list[str]] = {}
    for cluster, pool, node in _nodes(store):
        for tag in tags_of(cluster, pool, node):
            found.setdefault(tag, []).append(node["droplet_id"])
    return found


def members(store: Store, vpc_id: str) -> list[Doc]:
    """Return the Droplets in a VPC, as its members."""
    return [
        {
            "name": node["name"],
            "urn": f"do:droplet:{node['droplet_id']}",
            "created_at": stamp(node["created"]),
        }
        for cluster, _, node in _nodes(store)
        if cluster["vpc_uuid"] == vpc_id
    ]


def everything(call: Call) -> list[Doc]:
    """Return all Droplets."""
    return [_view(call, *found) for found in _nodes(call.store)]


def retag(store: Store, key: str, tag: str, *, add: bool) -> None:
    """Put a tag on a Droplet, or take it off."""
    for cluster, _, node in _nodes(store):
        if node["droplet_id"] == key:
            rest = [item for item in node["tags"] if item != tag]
            node["tags"] = [*rest, tag] if add else rest
            store.put("cluster", cluster)
            return
    raise not_found(f"The droplet {key!r} could not be found.")


def networks(store: Store, cluster: Doc, droplet_id: int) -> Doc:
    """Return the addresses of a Droplet, private and public."""
    vpc = store.get("vpc", cluster["vpc_uuid"])
    block = ipaddress.IPv4Network(vpc["ip_range"] if vpc else "10.0.0.0/16")
    host = _FIRST_HOST + droplet_id % (block.num_addresses - _FIRST_HOST - 1)
    return {
        "v4": [
            {
                "ip_address": str(block[host]),
                "netmask": str(block.netmask),
                "gateway": str(block[1]),
                "type": "private",
            },
            {
                "ip_address": str(_PUBLIC[droplet_id % _PUBLIC.num_addresses]),
                "netmask": "255.255.240.0",
                "gateway": str(_PUBLIC[1]),
                "type": "public",
            },
        ],
        "v6": [],
    }


def _view(call: Call, cluster: Doc, pool: Doc, node: Doc) -> Doc:
    number = int(node["droplet_id"])
    size = catalog.size(pool["size"])
    state = node_state(node["created"], call.now, call.delay, deleting=False)
    view: dict[str, Any] = {
        "id": number,
        "name": node["name"],
        "memory": size["memory"],
        "vcpus": size["vcpus"],
        "disk": size["disk"],
        "disk_info": size["disk_info"],
        "locked": False,
        "status": "new" if state == "provisioning" else "active",
        "kernel": None,
        "created_at": stamp(node["created"]),
        "features": ["monitoring", "private_networking"],
        "backup_ids": [],
        "next_backup_window": None,
        "snapshot_ids": [],
        "image": {
            "id": 1,
            "name": "DOKS node",
            "type": "base",
            "distribution": "Debian",
            "slug": None,
            "public": False,
            "regions": [],
            "created_at": stamp(0),
            "min_disk_size": 20,
            "size_gigabytes": 2.0,
            "description": "Kubernetes worker",
            "tags": [],
            "status": "available",
        },
        "volume_ids": [],
        "size": size,
        "size_slug": pool["size"],
        "networks": networks(call.store, cluster, number),
        "region": catalog.region(cluster["region"]),
        "tags": tags_of(cluster, pool, node),
        "vpc_uuid": cluster["vpc_uuid"],
    }
    if "gpu_info" in size:
        view["gpu_info"] = size["gpu_info"]
    return view


def _list(call: Call) -> Answer:
    tag, name, kind = (call.query.get(key) for key in ("tag_name", "name", "type"))
    found = everything(call)
    if tag:
        found = [item for item in found if tag in item["tags"]]
    if name:
        found = [item for item in found if item["name"] == name]
    if kind:
        found = [item for item in found if ("gpu_info" in item) == (kind == "gpus")]
    return paged(call, "droplets", found)


def _get(call: Call) -> Answer:
    for cluster, pool, node in _nodes(call.store):
        if node["droplet_id"] == call.params["droplet_id"]:
            return Answer(200, {"droplet": _view(call, cluster, pool, node)})
    raise not_found()


ROUTES = [
    ("GET", "/v2/droplets", _list),
    ("GET", "/v2/droplets/{droplet_id}", _get),
]

"""What the official provider takes the fields of an answer for, and what it says of others.

It decodes an answer into Go's structs, so that a field of another type is an error, which names
the field and neither the request nor its id. A null, or what is not there, is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A type, what each element of a list is, or what the fields of an object are.
Shape = type | list[Any] | dict[str, Any]

_STATUS = {"state": str, "message": str}
_NODE = {"id": str, "name": str, "status": _STATUS, "droplet_id": str}
_POOL = {
    "id": str,
    "name": str,
    "size": str,
    "count": int,
    "auto_scale": bool,
    "min_nodes": int,
    "max_nodes": int,
    "tags": [str],
    "labels": {},
    "taints": [{"key": str, "value": str, "effect": str}],
    "nodes": [_NODE],
}
_PEERS = {
    "addresses": [str],
    "tags": [str],
    "droplet_ids": [int],
    "load_balancer_uids": [str],
    "kubernetes_ids": [str],
}
_RULE = {"protocol": str, "ports": str, "sources": _PEERS, "destinations": _PEERS}
_COUNT = {"count": int}
_CONNECTION = {
    "host": str,
    "port": int,
    "user": str,
    "password": str,
    "database": str,
    "uri": str,
}
_CREDENTIALS = ("server", "certificate_authority_data", "token", "expires_at")
_ASSOCIATED = ("load_balancers", "volumes", "volume_snapshots")
_ROOTS: dict[str, Shape] = {
    "tag": {
        "name": str,
        "resources": {
            **_COUNT,
            **dict.fromkeys(
                ("droplets", "images", "volumes", "volume_snapshots", "databases"), _COUNT
            ),
        },
    },
    "vpc": {
        **dict.fromkeys(("id", "urn", "name", "region", "description", "ip_range"), str),
        "default": bool,
        "created_at": str,
    },
    "firewall": {
        **dict.fromkeys(("id", "name", "status", "created_at"), str),
        "inbound_rules": [_RULE],
        "outbound_rules": [_RULE],
        "droplet_ids": [int],
        "tags": [str],
        "pending_changes": [{"droplet_id": int, "removing": bool, "status": str}],
    },
    "kubernetes_cluster": {
        **dict.fromkeys(("id", "name", "region", "version", "vpc_uuid", "endpoint", "ipv4"), str),
        "status": _STATUS,
        "tags": [str],
        "node_pools": [_POOL],
        "maintenance_policy": dict.fromkeys(("day", "start_time", "duration"), str),
        "control_plane_firewall": {"enabled": bool, "allowed_addresses": [str]},
        "auto_upgrade": bool,
        "surge_upgrade": bool,
        "ha": bool,
    },
    "node_pool": _POOL,
    "database": {
        **dict.fromkeys(("id", "name", "engine", "version", "size", "region", "status"), str),
        **dict.fromkeys(("private_network_uuid", "project_id"), str),
        "num_nodes": int,
        "tags": [str],
        "connection": _CONNECTION,
        "private_connection": _CONNECTION,
    },
    "rules": [dict.fromkeys(("uuid", "cluster_uuid", "type", "value", "created_at"), str)],
    **dict.fromkeys(_CREDENTIALS, str),
    **{key: [{"id": str, "name": str}] for key in _ASSOCIATED},
}
_WORDS = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
}
_TYPES = {str: "string", bool: "bool", int: "int", list: "slice", dict: "struct"}


def wrong(answer: Any) -> str:
    """Return what Go's decoder says of an answer; empty where it takes it."""
    return _wrong(answer, _ROOTS, "")


def _wrong(value: Any, shape: Shape, place: str) -> str:
    if value is None:
        return ""
    kind = shape if isinstance(shape, type) else type(shape)
    if type(value) is not kind:
        field = f"struct field {place}" if place else "value"
        return (
            f"json: cannot unmarshal {_WORDS[type(value)]} into Go {field} of type {_TYPES[kind]}"
        )
    found = (
        _wrong(part, inner, f"{place}.{name}".lstrip("."))
        for name, part, inner in _parts(value, shape)
    )
    return next(filter(None, found), "")


def _parts(value: Any, shape: Shape) -> list[tuple[str, Any, Shape]]:
    if isinstance(shape, list):
        return [("0", part, shape[0]) for part in value]
    if isinstance(shape, Mapping):
        return [(name, value[name], shape[name]) for name in value.keys() & shape.keys()]
    return []

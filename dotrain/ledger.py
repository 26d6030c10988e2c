"""The nodes that a cluster has had, as this machine has seen them: some of them are gone.

DigitalOcean's API describes the nodes that there are, and nobody says afterwards
what others cost. So each look at what a cluster costs, and each operation that
changes its pools before it does so, notes them in a file beside the stack's
settings: since when there is a node, and when it was last there. Nothing else
depends on that file. Without it, or where others looked, less is known of what
was spent, and never more than was.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dotrain import durations, ownfiles
from dotrain.errors import ConfigError
from dotrain.spending import Node
from dotrain.target import Target

# What DigitalOcean takes for a cluster's name.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def note(target: Target, name: str, cluster: Mapping[str, Any], now: dt.datetime) -> None:
    """Note the nodes of the cluster `name`, as the API describes it at `now`."""
    nodes = _read(target, name, cluster) | _nodes(cluster, durations.stamp(now))
    # Who may not write here may still ask.
    with suppress(ConfigError, ValueError):
        file = _file(target, name)
        ownfiles.private_dir(file.parent)
        ownfiles.write_private(file, json.dumps({"cluster": cluster["id"], "nodes": nodes}))


def gone(target: Target, name: str, cluster: Mapping[str, Any]) -> list[Node]:
    """Return the nodes that the cluster `name` has had, and has no more."""
    there = _nodes(cluster, "")
    return [node for key, node in _read(target, name, cluster).items() if key not in there]


def _nodes(cluster: Mapping[str, Any], seen: str) -> dict[str, Node]:
    return {
        node["id"]: Node(pool["size"], node["created_at"], seen)
        for pool in cluster["node_pools"]
        for node in pool.get("nodes") or ()
        if node.get("created_at")
    }


def _read(target: Target, name: str, cluster: Mapping[str, Any]) -> dict[str, Node]:
    """Return what was noted of this cluster, and nothing of an earlier one of its name."""
    try:
        data = json.loads(_file(target, name).read_text("utf-8"))
        nodes = {key: Node(*map(_text, values)) for key, values in data["nodes"].items()}
        for node in nodes.values():
            durations.moment(node.created), durations.moment(node.seen)
        return nodes if data["cluster"] == cluster["id"] else {}
    except (OSError, *ownfiles.DAMAGED):
        return {}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _file(target: Target, name: str) -> Path:
    # It may come from an answer of the API, and is to lead nowhere else.
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return target.directory / "stacks" / name / "nodes.json"

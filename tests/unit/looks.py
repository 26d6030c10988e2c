"""Looks at clusters as tests want them: what the API describes, and journals that are real."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dotrain import errors, names, transport
from dotrain.account import Observed
from dotrain.engine import journal
from dotrain.engine.progress import Step
from dotrain.operation import Operation
from dotrain.pools import Pool
from dotrain.pricing import Price
from dotrain.snapshot import Snapshot
from dotrain.spec import ClusterSpec, Resolved

NOW = dt.datetime(2026, 1, 2, 12, 0, tzinfo=dt.timezone.utc)
BORN = "2026-01-02T10:00:00Z"
MINE = "203.0.113.7/32"
EVIL = "<img src=x onerror=\"alert('1')\">"
SPEC = ClusterSpec("bert", pools=(Pool(size="s-4vcpu-8gb", count=2),))
PRICES = {"s-1vcpu-2gb": Price(0.02, 12.0), "s-4vcpu-8gb": Price(0.07, 48.0)}


def pool(name: str, size: str, states: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """Return a node pool with a node in each of `states`."""
    nodes = [
        {"id": one, "name": one, "created_at": BORN, "status": {"state": state}}
        for number, state in enumerate(states)
        for one in [f"{name}-{number}"]
    ]
    counted = {"size": size, "count": len(states)}
    return {"id": f"id-{name}", "name": name, **counted, "nodes": nodes, **more}


def cluster(*pools: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a cluster as the API describes it: by default as `SPEC` has it, and running."""
    usual = (
        pool("system", "s-1vcpu-2gb", ("running",)),
        pool("train-s-4vcpu-8gb", "s-4vcpu-8gb", ("running", "running")),
    )
    return {
        "id": "id-1",
        "name": "bert",
        "tags": ["dotrain", "dotrain:bert"],
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "created_at": BORN,
        "endpoint": "https://bert.example",
        "status": {"state": "running"},
        "node_pools": list(pools or usual),
        "control_plane_firewall": {"enabled": True, "allowed_addresses": [MINE]},
        **more,
    }


def firewall(*peers: str) -> dict[str, Any]:
    """Return the firewall on the nodes, open for ssh from `peers`, and out as ``"web"`` has it."""
    sources = {"addresses": list(peers or (MINE,))}
    world = {"addresses": ["0.0.0.0/0", "::/0"]}
    out = (("tcp", "53"), ("udp", "53"), ("udp", "123"), ("tcp", "80"), ("tcp", "443"))
    return {
        "id": "firewall-1",
        "name": names.object_name("bert"),
        "tags": ["dotrain:bert"],
        "inbound_rules": [{"protocol": "tcp", "ports": "22", "sources": sources}],
        "outbound_rules": [
            {"protocol": protocol, "ports": ports, "destinations": world} for protocol, ports in out
        ],
    }


def look(**more: Any) -> Snapshot:
    """Return a look at a cluster that is as it should be, or as `more` has it."""
    usual = Snapshot(
        "bert",
        NOW,
        "sandbox",
        spec=SPEC,
        resolved=Resolved("1.34.1-do.0", {"ada": (MINE,)}),
        observed=Observed(cluster(), (firewall(),)),
        prices=PRICES,
    )
    return replace(usual, **more)


def step(kind: str, status: str, verb: str = "create", name: str = "one") -> Step:
    """Return a step of an operation."""
    return Step(kind, name, verb, status, 0.0, 1.5)


def operation(
    directory: Path,
    *steps: Step,
    title: str = "up bert",
    kind: str = "apply",
    end: Mapping[str, Any] | None = None,
) -> Operation:
    """Return an operation by a journal in `directory`; without an `end` this process runs it."""
    path = journal.new_path(directory)
    writer = journal.Writer(path)
    writer.open(kind, title, f"{os.getpid()}-{path.stem}")
    writer.write("turn", None)
    for number, one in enumerate(steps):
        writer.write("step", [str(number), asdict(one)])
    if end is not None:
        writer.write("end", end)
    writer.close()
    return Operation(path)


def failed(text: str) -> dict[str, Any]:
    """Return the end of an operation that failed."""
    return {"error": transport.to_dict(errors.EngineError(text, "It would not.", "Try again."))}

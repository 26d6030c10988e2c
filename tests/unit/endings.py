"""What a cluster that ends says, for tests of what shows it."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dotrain import account, frames
from dotrain.confirm import require_name
from dotrain.contents import Contents, Item
from dotrain.engine.progress import Progress
from dotrain.errors import DotrainError, TeardownIncomplete
from dotrain.leftovers import Leak
from dotrain.snapshot import Snapshot

EVIL = "<img src=x onerror=alert(1)>"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
GONE = [("cluster", 1, 0), ("volume", 0, 0), ("tag", 1, 0)]


def contents(name: str = "bert", jobs: str = "") -> Contents:
    items = (
        Item("cluster", name, "1 x s-1, 2 x gpu-8", 1.5, data=False, id="c-1"),
        Item("volume", "pvc-1", "", 0.0015, data=True),
        Item("volume snapshot", EVIL, "", None, data=True),
        Item("VPC", f"dotrain-{name}", "", 0.0, data=False),
    )
    return Contents(name, items, "It costs $1.502 an hour.", jobs)


def incomplete() -> TeardownIncomplete:
    left = pd.DataFrame(
        [("load balancer", "lb-1", EVIL, "Still in use.")], columns=["kind", "id", "name", "why"]
    )
    return TeardownIncomplete("Something of 'bert' is left.", "It is in use.", "Again.", left=left)


def leak(**fields: Any) -> Leak:
    whole = {"kind": "volume", "id": "v-1", "name": "pvc", "cluster": "old", "hourly": 0.5}
    return Leak(**{**whole, "why": "Its cluster is gone.", **fields})


@dataclass
class Ends:
    """A cluster of which only its end is of interest."""

    name: str = "bert"
    fails: list[DotrainError] = field(default_factory=list)
    jobs: str = ""
    may_end: threading.Event = field(default_factory=threading.Event)
    downs: list[str | None] = field(default_factory=list)
    meant: list[str | None] = field(default_factory=list)
    unread: DotrainError | None = None
    reads: int = 0

    def __post_init__(self) -> None:
        self.may_end.set()

    def contents(self) -> Contents:
        self.reads += 1
        if self.unread is not None:
            raise self.unread
        return contents(self.name, self.jobs)

    def down(self, *, confirm: str | None = None, only_id: str | None = None) -> pd.DataFrame:
        self.downs.append(confirm)
        self.meant.append(only_id)
        require_name(self.name, confirm)
        assert self.may_end.wait(10)
        if self.fails:
            raise self.fails.pop(0)
        return frames.gone(GONE)


@dataclass
class Done:
    """An operation as a snapshot has it."""

    kind: str = "down"
    title: str = "down bert"
    running: bool = False
    error: DotrainError | None = None
    result: Any = None
    began: dt.datetime | None = NOW - dt.timedelta(minutes=5)
    ended: dt.datetime | None = NOW - dt.timedelta(minutes=1)
    progress: Progress = field(default_factory=lambda: Progress("down bert"))


def snapshot(
    state: str = "running",
    operation: Any = None,
    at: dt.datetime = NOW,
    cluster_id: str = "c-1",
    **more: Any,
) -> Snapshot:
    cluster = {"id": cluster_id, "status": {"state": state}, "tags": [], "node_pools": []}
    observed = account.Observed(cluster if state else None)
    return Snapshot("bert", at, "sandbox", observed=observed, operation=operation, **more)

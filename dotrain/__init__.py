"""Firewalled Kubernetes training clusters on DigitalOcean, from a notebook.

>>> import dotrain
>>> sandbox = dotrain.use_sandbox()
>>> cluster = dotrain.up("bert", pool=dotrain.Pool(size="s-4vcpu-8gb", count=2))
>>> cluster.down(confirm="bert").left.sum() == 0
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dotrain import errors
    from dotrain.auditing import Suppression
    from dotrain.billing import bill, sizes
    from dotrain.bills import Bill
    from dotrain.checkup import doctor
    from dotrain.errors import DotrainError
    from dotrain.facade import Cluster
    from dotrain.grants import Grant
    from dotrain.inspection import audit
    from dotrain.jobs.job import Job
    from dotrain.jobs.storage import Storage
    from dotrain.jobs.task import Task
    from dotrain.leftovers import leaks
    from dotrain.lifecycle import down, get, up
    from dotrain.operation import Operation
    from dotrain.pools import Pool
    from dotrain.provision import form
    from dotrain.recall import clusters, job
    from dotrain.scoped import cluster
    from dotrain.spec import ClusterSpec, Database
    from dotrain.sweeping import sweep
    from dotrain.target import use_digitalocean, use_sandbox

__version__ = "0.1.0"

__all__ = [
    "Bill",
    "Cluster",
    "ClusterSpec",
    "Database",
    "DotrainError",
    "Grant",
    "Job",
    "Operation",
    "Pool",
    "Storage",
    "Suppression",
    "Task",
    "audit",
    "bill",
    "cluster",
    "clusters",
    "doctor",
    "down",
    "errors",
    "form",
    "get",
    "job",
    "leaks",
    "sizes",
    "sweep",
    "up",
    "use_digitalocean",
    "use_sandbox",
]

# Importing pandas, httpx and pulumi takes most of a second: each public name
# brings what it needs when it is first used.
_HOME = {
    "Bill": "bills",
    "Cluster": "facade",
    "ClusterSpec": "spec",
    "Database": "spec",
    "DotrainError": "errors",
    "Grant": "grants",
    "Job": "jobs.job",
    "Operation": "operation",
    "Pool": "pools",
    "Storage": "jobs.storage",
    "Suppression": "auditing",
    "Task": "jobs.task",
    "audit": "inspection",
    "bill": "billing",
    "cluster": "scoped",
    "clusters": "recall",
    "doctor": "checkup",
    "down": "lifecycle",
    "form": "provision",
    "get": "lifecycle",
    "job": "recall",
    "leaks": "leftovers",
    "sizes": "billing",
    "sweep": "sweeping",
    "up": "lifecycle",
    "use_digitalocean": "target",
    "use_sandbox": "target",
}


def __getattr__(name: str) -> object:
    if name == "errors":
        return importlib.import_module("dotrain.errors")
    if name not in _HOME:
        message = f"module 'dotrain' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"dotrain.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

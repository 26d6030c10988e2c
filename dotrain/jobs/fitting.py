"""Which pool of a cluster a task fits, before anything is asked to run.

Pure: from the spec, the Nodes as Kubernetes has them, and the sizes there are.
What is merely busy fits; its Pods wait.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dotrain import objects
from dotrain.errors import TaskDoesNotFit
from dotrain.jobs import quantities, unfit
from dotrain.jobs.task import Task
from dotrain.jobs.unfit import Room
from dotrain.offers import Offer
from dotrain.pools import Pool, parse_taint
from dotrain.spec import ClusterSpec

# Of what a node has for Pods: the rest is for those that run on every node.
_SHARE = 0.75
# Of the whole node, where none is there yet to say what it keeps for itself.
_SHARE_UNSEEN = 0.5
# How DigitalOcean calls the sizes with GPUs.
_GPU_SIZE = "gpu-"
_MILLI = 1000
_BYTES_A_GIB = 2**30
_NVIDIA, _AMD = objects.GPUS

Offers = Callable[[], Sequence[Offer]]
"""Asks for the sizes that nodes can have; only where the Nodes do not say enough."""


@dataclass(frozen=True)
class Place:
    """Where a job runs, and what each of its Pods asks for.

    Parameters
    ----------
    pool : str
        The pool's name in the spec.
    millicpus : int
        Thousandths of a vCPU.
    memory : int
        Bytes.
    gpu : str
        What Kubernetes calls its GPUs; empty without.
    gpus : int
        How many of them.
    taints : tuple of str
        Those of the pool's own that it has to tolerate.
    """

    pool: str
    millicpus: int
    memory: int
    gpu: str = ""
    gpus: int = 0
    taints: tuple[str, ...] = ()


def place(
    task: Task, spec: ClusterSpec, nodes: Iterable[Mapping[str, Any]], offers: Offers
) -> Place:
    """Return where a task runs: in the pool that it names, or the cheapest that it fits.

    Parameters
    ----------
    task : Task
        What should run.
    spec : ClusterSpec
        The cluster.
    nodes : iterable of mapping
        Its Nodes, as Kubernetes' API describes them.
    offers : callable
        Returns the sizes that nodes can have.

    Raises
    ------
    ClusterPaused
        When it has no training nodes.
    TaskDoesNotFit
        When no pool can ever run it; the message says why, and the nearest
        that could, with its price.
    """
    if spec.paused:
        raise unfit.paused(spec, offers())
    nodes = list(nodes)
    rooms = [_room(pool, nodes, offers, gpus=task.gpus_per_node) for pool in _open(task, spec)]
    fitting = [room for room in rooms if _short_of(task, room) is None]
    if not fitting:
        # What comes nearest is the best to change.
        nearest = max(rooms, key=lambda room: _STEPS.index(_short_of(task, room) or ""))
        raise unfit.short(_short_of(task, nearest) or "", task, spec, nearest, offers())
    room = fitting[0] if len(fitting) == 1 else _cheapest(fitting, offers())
    share = _SHARE if room.seen else _SHARE_UNSEEN
    return Place(
        room.pool.name,
        int(room.millicpus * share) if task.cpus is None else math.ceil(task.cpus * _MILLI),
        int(room.memory * share) if task.memory is None else quantities.memory(task.memory),
        room.gpu if task.gpus_per_node else "",
        task.gpus_per_node,
        room.pool.taints,
    )


def _open(task: Task, spec: ClusterSpec) -> list[Pool]:
    """Return the pools that come into question: the one named, or all that keep nobody off."""
    names = [pool.name for pool in spec.pools]
    if task.pool is not None:
        if task.pool not in names:
            nearest = difflib.get_close_matches(task.pool, names, n=3, cutoff=0.3) or names
            raise TaskDoesNotFit(
                f"There is no pool {task.pool!r} in {spec.name!r}.",
                f"It has {', '.join(names)}.",
                f"Give pool={nearest[0]!r}, or leave pool= out.",
                nearest=nearest,
            )
        return [pool for pool in spec.pools if pool.name == task.pool]
    found = [pool for pool in spec.pools if not _keeps_off(pool)]
    if not found:
        raise TaskDoesNotFit(
            f"Each pool of {spec.name!r} has taints of its own.",
            "They keep off what does not name the pool.",
            f"Name one, for example pool={names[0]!r}.",
            nearest=names,
        )
    return found


def _keeps_off(pool: Pool) -> bool:
    """Return whether a pool has taints of its own; that of its GPUs is tolerated by every job."""
    parsed = map(parse_taint, pool.taints)
    return any(
        key not in objects.GPUS and effect != "PreferNoSchedule" for key, _, effect in parsed
    )


def _room(pool: Pool, nodes: Sequence[Mapping[str, Any]], offers: Offers, *, gpus: int) -> Room:
    """Return what one node of a pool has for Pods: what its smallest says, or else the size."""
    found = [
        node["status"]["allocatable"]
        for node in nodes
        if objects.pool_of(node) == pool.name
        and objects.size_of(node) == pool.size
        and (node.get("status") or {}).get("allocatable")
    ]
    gpu = next((kind for one in found for kind in objects.GPUS if int(one.get(kind) or 0)), "")
    # A node offers its GPUs only when its driver is ready.
    unready = gpus > 0 and not gpu and pool.size.startswith(_GPU_SIZE)
    offer = _offer(pool, offers()) if not found or unready else None
    if not found:
        if offer is None:
            raise unfit.unknown_size(pool)
        return Room(
            pool,
            offer.vcpus * _MILLI,
            int(offer.memory_gib * _BYTES_A_GIB),
            offer.gpus,
            _resource(offer),
            seen=False,
        )
    return Room(
        pool,
        min(quantities.millicpus(one["cpu"]) for one in found),
        min(quantities.memory(one["memory"]) for one in found),
        offer.gpus if offer else max(int(one.get(gpu) or 0) for one in found) if gpu else 0,
        _resource(offer) if offer else gpu,
    )


def _offer(pool: Pool, offers: Sequence[Offer]) -> Offer | None:
    return next((one for one in offers if one.slug == pool.size), None)


def _resource(offer: Offer) -> str:
    if not offer.gpus:
        return ""
    return _AMD if offer.gpu.startswith("amd") else _NVIDIA


_STEPS = ("gpu", "gpus", "cpus", "memory", "nodes", "")


def _short_of(task: Task, room: Room) -> str | None:
    """Return what a pool has too little of for a task, None when it fits."""
    if task.gpus_per_node > room.gpus:
        return "gpus" if room.gpus else "gpu"
    if task.cpus is not None and task.cpus * _MILLI > room.millicpus:
        return "cpus"
    if task.memory is not None and quantities.memory(task.memory) > room.memory:
        return "memory"
    return "nodes" if task.nodes > room.most else None


def _cheapest(rooms: Sequence[Room], offers: Sequence[Offer]) -> Room:
    """Return the cheapest pool; what has no known price comes last."""
    prices = {one.slug: one.hourly for one in offers}

    def price(room: Room) -> float:
        hourly = prices.get(room.pool.size, math.nan)
        return math.inf if math.isnan(hourly) else hourly

    return min(rooms, key=price)

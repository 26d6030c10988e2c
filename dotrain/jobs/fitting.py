"""Which pool of a cluster a task fits, before anything is asked to run.

Pure: from the spec, the Nodes as Kubernetes has them, and the sizes there are.
What is merely busy fits; its Pods wait.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dotrain import objects
from dotrain.errors import TaskDoesNotFit
from dotrain.jobs import quantities, rooms, unfit
from dotrain.jobs.rooms import MILLI, Offers, Room
from dotrain.jobs.task import Task
from dotrain.offers import Offer
from dotrain.pools import Pool, parse_taint
from dotrain.spec import ClusterSpec

SHARE = 0.9
"""What a Pod asks for by default of what a node has for it; the rest is for what comes later."""

# Of the size, where no node is there yet to say what it keeps for itself.
_SHARE_UNSEEN = 0.5
# Of the node's disk: a job that fills it ends alone, and not what else runs there.
_SHARE_OF_DISK = 0.8


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
    disk : int
        Bytes that it may write on the node at most; 0 for no limit.
    """

    pool: str
    millicpus: int
    memory: int
    gpu: str = ""
    gpus: int = 0
    taints: tuple[str, ...] = ()
    disk: int = 0


def place(
    task: Task,
    spec: ClusterSpec,
    nodes: Iterable[Mapping[str, Any]],
    offers: Offers,
    pods: Iterable[Mapping[str, Any]] = (),
    *,
    share: float = SHARE,
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
    pods : iterable of mapping
        Its Pods, of which the system's take some of each node.
    share : float
        What it asks for by default, of what a node then has.

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
    found = _rooms(task, spec, list(nodes), list(pods), offers)
    fitting = [room for room in found if _short_of(task, room) is None]
    if not fitting:
        # What comes nearest is the best to change.
        nearest = max(found, key=lambda room: _STEPS.index(_short_of(task, room) or ""))
        raise unfit.short(_short_of(task, nearest) or "", task, spec, nearest, offers())
    room = fitting[0] if len(fitting) == 1 else _cheapest(fitting, offers())
    share = share if room.seen else _SHARE_UNSEEN
    if task.gpus_per_node:
        # Who leaves GPUs of a node to others leaves them as much of the rest.
        share *= task.gpus_per_node / room.gpus
    cpus, memory = room.millicpus - room.taken[0], room.memory - room.taken[1]
    return Place(
        room.pool.name,
        max(1, int(cpus * share)) if task.cpus is None else math.ceil(task.cpus * MILLI),
        max(2**20, int(memory * share)) if task.memory is None else quantities.memory(task.memory),
        room.gpu if task.gpus_per_node else "",
        task.gpus_per_node,
        room.pool.taints,
        int(room.disk * _SHARE_OF_DISK),
    )


def _rooms(
    task: Task,
    spec: ClusterSpec,
    nodes: Sequence[Mapping[str, Any]],
    pods: Sequence[Mapping[str, Any]],
    offers: Offers,
) -> list[Room]:
    """Return what a node of each pool that comes into question has, as far as that is known."""
    pools = _open(task, spec)
    measured = [rooms.measure(one, nodes, pods, offers, gpus=task.gpus_per_node) for one in pools]
    found = [room for room in measured if room is not None]
    if not found:
        raise unfit.unknown_size(pools[0])
    return found


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


_STEPS = ("gpu", "gpus", "cpus", "memory", "nodes", "")


def _short_of(task: Task, room: Room) -> str | None:
    """Return what a pool has too little of for a task, None when it fits."""
    if task.gpus_per_node > room.gpus:
        return "gpus" if room.gpus else "gpu"
    if task.cpus is not None and task.cpus * MILLI > room.millicpus:
        return "cpus"
    if task.memory is not None and quantities.memory(task.memory) > room.memory:
        return "memory"
    return "nodes" if task.nodes > room.most else None


def _cheapest(found: Sequence[Room], offers: Sequence[Offer]) -> Room:
    """Return the cheapest pool; what has no known price comes last."""
    prices = {one.slug: one.hourly for one in offers}

    def price(room: Room) -> float:
        hourly = prices.get(room.pool.size, math.nan)
        return math.inf if math.isnan(hourly) else hourly

    return min(found, key=price)

"""Why a task does not fit a cluster, and what to do about it: the exact call, and its price."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dotrain.errors import ClusterPaused, TaskDoesNotFit
from dotrain.jobs import quantities, rooms
from dotrain.jobs.rooms import BYTES_A_GIB, MILLI, Room
from dotrain.jobs.task import Task
from dotrain.offers import Offer
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec

# A larger node keeps more memory for itself.
_MARGIN = 1.1


def paused(spec: ClusterSpec, offers: Sequence[Offer]) -> ClusterPaused:
    """Return the error for a cluster without training nodes."""
    hourly = sum(_hourly(pool.size, offers) * pool.count for pool in spec.pools)
    nodes = " and ".join(f"{pool.count} x {pool.size}" for pool in spec.pools)
    return ClusterPaused(
        f"The cluster {spec.name!r} is paused.",
        "It has no training nodes.",
        f"Call resume(), which makes {nodes} again for {_money(hourly)}.",
    )


def unknown_size(pool: Pool) -> TaskDoesNotFit:
    """Return the error for a pool of which nothing is known."""
    return TaskDoesNotFit(
        f"Nothing is known of what a node of pool {pool.name!r} has.",
        f"It has no node yet, and DigitalOcean's list of sizes has no {pool.size}.",
        "dotrain.sizes() lists those there are: call resize(size=...).",
    )


def short(
    lack: str, task: Task, spec: ClusterSpec, room: Room, offers: Sequence[Offer]
) -> TaskDoesNotFit:
    """Return the error for a pool that has too little for a task.

    Parameters
    ----------
    lack : str
        Of what: ``"gpu"`` (none at all), ``"gpus"``, ``"cpus"``, ``"memory"`` or ``"nodes"``.
    task : Task
        What should run.
    spec : ClusterSpec
        The cluster.
    room : Room
        The pool that comes nearest.
    offers : sequence of Offer
        The sizes that nodes can have.
    """
    if lack == "nodes":
        return _nodes(task, spec, room, offers)
    pool = room.pool
    wanted, has = {
        "gpu": (f"{_gpus(task.gpus_per_node)} on each node", "no GPU"),
        "gpus": (f"{_gpus(task.gpus_per_node)} on each node", _gpus(room.gpus)),
        "cpus": (f"{task.cpus:g} vCPUs on each node", f"{room.millicpus / MILLI:g} for Pods")
        if task.cpus is not None
        else ("", ""),
        "memory": (
            f"{task.memory} of memory on each node",
            f"{quantities.gibibytes(room.memory)} for Pods",
        ),
    }[lack]
    found = _nearest(task, room, offers)
    here = [one for one in found if spec.region in one.regions]
    nearest = (here or found)[:3]
    return TaskDoesNotFit(
        f"The job wants {wanted}, and a node of pool {pool.name!r} has {has}.",
        f"The pool's nodes are {pool.size}.",
        _advice(lack, task, spec, room, nearest) if nearest else _none(lack, offers),
        nearest=[one.slug for one in nearest],
    )


def _nodes(task: Task, spec: ClusterSpec, room: Room, offers: Sequence[Offer]) -> TaskDoesNotFit:
    pool, hourly = room.pool, _hourly(room.pool.size, offers)
    call = _resize(spec, pool, f"{'max' if pool.autoscaled else 'count'}={task.nodes}")
    at_most = " at most" if pool.autoscaled else ""
    return TaskDoesNotFit(
        f"The job wants {task.nodes} nodes, and pool {pool.name!r} has {room.most}{at_most}.",
        "Each of its Pods has a node of its own.",
        f"Call {call}: {task.nodes} x {pool.size} cost{at_most} {_money(hourly * task.nodes)} "
        f"instead of {_money(hourly * room.most)}; or give nodes={room.most}.",
        nearest=[pool.name],
    )


@dataclass(frozen=True)
class Lack:
    """What a cluster of Ray or Dask lacks in a pool.

    Parameters
    ----------
    wanted : int
        How many workers are wanted.
    most : int
        How many the pool has room for.
    nodes : int
        How many nodes they need; 0 where no number is enough.
    each, first : int
        How many workers a node has room for, and how many beside the Pod that leads them.
    """

    wanted: int
    most: int
    nodes: int
    each: int
    first: int


def workers(lack: Lack, spec: ClusterSpec, room: Room, offers: Sequence[Offer]) -> TaskDoesNotFit:
    """Return the error for a pool that has too few nodes for workers; all else is as `short`'s."""
    wanted, most, nodes = lack.wanted, lack.most, lack.nodes
    pool, hourly = room.pool, _hourly(room.pool.size, offers)
    at_most = " at most" if pool.autoscaled else ""
    ways = ["give less cpus= or memory=", "another pool="]
    if most:
        ways.insert(0, f"give workers={most}")
    if nodes > room.most:
        change = f"{'max' if pool.autoscaled else 'count'}={nodes}"
        ways.insert(
            0,
            f"call {_resize(spec, pool, change)}: {nodes} x {pool.size} cost{at_most} "
            f"{_money(hourly * nodes)} instead of {_money(hourly * room.most)}",
        )
    advice = "; or ".join(ways)
    return TaskDoesNotFit(
        f"Pool {pool.name!r} has no room for {wanted} worker{'s' if wanted > 1 else ''} and the "
        f"Pod that leads them: it has {room.most} node{'s' if room.most > 1 else ''}{at_most}.",
        f"A node has room for {lack.each}, or for {lack.first} beside that Pod.",
        f"{advice[:1].upper()}{advice[1:]}.",
        nearest=[pool.name],
    )


def _none(lack: str, offers: Sequence[Offer]) -> str:
    """Return what to do where no size has so much."""
    most = max((one.gpus for one in offers), default=0)
    if lack in ("gpu", "gpus") and most:
        return f"No size has more than {_gpus(most)}: give gpus_per_node={most} or less."
    return "No size has so much: ask for less on each of more nodes."


def _advice(lack: str, task: Task, spec: ClusterSpec, room: Room, nearest: Sequence[Offer]) -> str:
    """Return what to do about nodes that are too small."""
    best = nearest[0]
    price = f"for {_money(best.hourly * task.nodes)}"
    if spec.region not in best.regions:
        made = f"dotrain.Pool({_free(spec)!r}, size={best.slug!r}, count={task.nodes})"
        return (
            f"No size in {spec.region} has; {best.slug} has, in {' and '.join(best.regions)}: make "
            f"a cluster there with dotrain.up('{spec.name}-{best.regions[0]}', "
            f"region={best.regions[0]!r}, pool={made}) {price}."
        )
    if lack == "gpu":
        # Beside the pool that there is: GPUs are dear, and not all work needs them.
        made = f"dotrain.Pool({_free(spec)!r}, size={best.slug!r}, count={task.nodes})"
        return (
            f"The nearest size in {spec.region} is {best.slug}: add a pool with dotrain.up("
            f"{spec.name!r}, pools=[*dotrain.get({spec.name!r}).spec.pools, {made}]) {price}."
        )
    call = _resize(spec, room.pool, f"size={best.slug!r}")
    fewer = f"; or give gpus_per_node={room.gpus}" if lack == "gpus" else ""
    hourly = _money(best.hourly * room.most)
    return f"The nearest size in {spec.region} is {best.slug}: call {call}, {hourly}{fewer}."


def _nearest(task: Task, room: Room, offers: Sequence[Offer]) -> list[Offer]:
    """Return other sizes that have enough on each node: of the same GPU first, then the cheapest.

    Of each as much is taken as of the pool's own.
    """
    own = rooms.find(room.pool.size, offers)
    cpus = task.cpus or 0
    gib = (quantities.memory(task.memory) / BYTES_A_GIB if task.memory else 0) * _MARGIN
    if own is not None:
        cpus += own.vcpus - room.millicpus / MILLI if cpus else 0
        gib += own.memory_gib - room.memory / BYTES_A_GIB if gib else 0
    had = own.gpu if own else ""
    # An image has the libraries of one maker of GPUs, and most are NVIDIA's.
    amd = "rocm" in (task.image or "")
    found = [
        one
        for one in offers
        if one.slug != room.pool.size
        and one.available
        and one.regions
        and one.vcpus >= cpus
        and one.memory_gib >= gib
        and (one.gpus >= task.gpus_per_node if task.gpus_per_node else not one.gpus)
    ]
    return sorted(
        found,
        key=lambda one: (
            bool(had) and one.gpu != had,
            bool(one.gpus) and one.gpu.startswith("amd") != amd,
            math.inf if math.isnan(one.hourly) else one.hourly,
        ),
    )


def _resize(spec: ClusterSpec, pool: Pool, change: str) -> str:
    named = f", pool={pool.name!r}" if len(spec.pools) > 1 else ""
    return f"resize({change}{named})"


def _free(spec: ClusterSpec) -> str:
    """Return a name for another pool."""
    taken = {pool.name for pool in spec.pools}
    return next(name for name in ("gpu", *(f"gpu{n}" for n in range(2, 99))) if name not in taken)


def _gpus(number: int) -> str:
    return f"{number} GPU{'s' if number > 1 else ''}"


def _hourly(size: str, offers: Sequence[Offer]) -> float:
    return next((one.hourly for one in offers if one.slug == size), math.nan)


def _money(hourly: float) -> str:
    return "a price that is not known" if math.isnan(hourly) else f"${hourly:.3f} an hour"

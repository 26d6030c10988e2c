"""What a node of a pool has for the Pods of a job: what it offers, less what the system takes.

Facts: on each node of DigitalOcean run Pods of DaemonSets, whose requests nobody
else can have (``kubectl describe node`` lists them; Cilium's, CPC's and
DigitalOcean's agents together 0.5 to 0.75 vCPU and about 0.6 GiB).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dotrain import objects
from dotrain.jobs import quantities
from dotrain.offers import Offer
from dotrain.pools import Pool

MILLI = 1000
BYTES_A_GIB = 2**30
# What the DaemonSets request of a node that is not there yet, or has none of their Pods yet.
_DAEMONS = (750, BYTES_A_GIB * 3 // 4)
# How DigitalOcean calls the sizes with GPUs.
_GPU_SIZE = "gpu-"
_NVIDIA, _AMD = objects.GPUS

Node = Mapping[str, Any]
Offers = Callable[[], Sequence[Offer]]
"""Asks for the sizes that nodes can have; only where the Nodes do not say enough."""


@dataclass(frozen=True)
class Room:
    """What one node of a pool has for Pods.

    Parameters
    ----------
    pool : Pool
        The pool.
    millicpus : int
        Thousandths of a vCPU, without what the Pods of DaemonSets request.
    memory : int
        Bytes, without theirs.
    gpus : int
        GPUs.
    gpu : str
        What Kubernetes calls them; empty without.
    disk : int
        Bytes that Pods may write on the node; 0 when that is not known.
    taken : tuple of int
        What else the system has of it, or will have soon: thousandths of a vCPU, and bytes.
    seen : bool
        Whether a node said so. Otherwise it is what the size has, and a node
        keeps some of that for itself.
    """

    pool: Pool
    millicpus: int
    memory: int
    gpus: int
    gpu: str
    disk: int = 0
    taken: tuple[int, int] = (0, 0)
    seen: bool = True

    @property
    def most(self) -> int:
        """How many nodes the pool can have."""
        return self.pool.count if self.pool.max is None else self.pool.max


def measure(
    pool: Pool,
    nodes: Sequence[Node],
    pods: Sequence[Mapping[str, Any]],
    offers: Offers,
    *,
    gpus: int,
) -> Room | None:
    """Return what a node of a pool has: what its smallest says, or else the size; None if unknown.

    Parameters
    ----------
    pool : Pool
        The pool.
    nodes, pods : sequence of mapping
        The cluster's, as Kubernetes' API describes them.
    offers : callable
        Returns the sizes that nodes can have.
    gpus : int
        How many are wanted.
    """
    own = [
        node
        for node in nodes
        if objects.pool_of(node) == pool.name
        and objects.size_of(node) == pool.size
        and (node.get("status") or {}).get("allocatable")
    ]
    found = [node["status"]["allocatable"] for node in own]
    gpu = next((kind for one in found for kind in objects.GPUS if int(one.get(kind) or 0)), "")
    # A node offers its GPUs only when its driver is ready.
    unready = gpus > 0 and not gpu and pool.size.startswith(_GPU_SIZE)
    offer = find(pool.size, offers()) if not found or unready else None
    if not found:
        return None if offer is None else _expected(pool, offer)
    names = [node["metadata"]["name"] for node in own]
    daemons = _most(names, filter(objects.is_of_daemon_set, pods))
    daemons = daemons if any(daemons) else _DAEMONS
    others = _most(
        names,
        (one for one in pods if objects.is_system(one) and not objects.is_of_daemon_set(one)),
    )
    # On a new node not all of them are there yet.
    missing = [usual - there for usual, there in zip(_DAEMONS, daemons, strict=True)]
    return Room(
        pool,
        max(0, min(quantities.millicpus(one["cpu"]) for one in found) - daemons[0]),
        max(0, min(quantities.amount(one["memory"]) for one in found) - daemons[1]),
        offer.gpus if offer else max(int(one.get(gpu) or 0) for one in found) if gpu else 0,
        _resource(offer) if offer else gpu,
        min(quantities.amount(one.get("ephemeral-storage", "0")) for one in found),
        (max(others[0], missing[0]), max(others[1], missing[1])),
    )


def find(size: str, offers: Sequence[Offer]) -> Offer | None:
    """Return a size by its name."""
    return next((one for one in offers if one.slug == size), None)


def _expected(pool: Pool, offer: Offer) -> Room:
    cpus, memory = offer.vcpus * MILLI, int(offer.memory_gib * BYTES_A_GIB)
    return Room(
        pool,
        max(0, cpus - _DAEMONS[0]),
        max(0, memory - _DAEMONS[1]),
        offer.gpus,
        _resource(offer),
        seen=False,
    )


def _most(names: Sequence[str], pods: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the most that Pods request of one of these nodes: of CPUs, and of memory."""
    sums = {name: [0, 0] for name in names}
    for pod in pods:
        name = objects.node_of(pod)
        if name in sums and not objects.is_finished(pod):
            for kind, amount in enumerate(_requests(pod)):
                sums[name][kind] += amount
    return max(one[0] for one in sums.values()), max(one[1] for one in sums.values())


def _requests(pod: Mapping[str, Any]) -> tuple[int, int]:
    """Return what a Pod requests: all its containers together, or more of one before them."""
    spec = pod["spec"]
    asked = {
        kind: [(one.get("resources") or {}).get("requests") or {} for one in spec.get(kind) or ()]
        for kind in ("containers", "initContainers")
    }

    def most(resource: str, read: Callable[[str], int]) -> int:
        each = {
            kind: [read(one.get(resource, "0")) for one in some] for kind, some in asked.items()
        }
        return max([sum(each["containers"]), *each["initContainers"]])

    return most("cpu", quantities.millicpus), most("memory", quantities.amount)


def _resource(offer: Offer) -> str:
    if not offer.gpus:
        return ""
    return _AMD if offer.gpu.startswith("amd") else _NVIDIA

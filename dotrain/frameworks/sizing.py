"""How large the Pods of Ray and Dask are, and whether a pool can ever have room for all of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kr8s.objects import Node, Pod

from dotrain.jobs import fitting, placing, quantities, rooms, unfit
from dotrain.jobs.fitting import Place
from dotrain.jobs.rooms import MILLI, Offers, Room
from dotrain.jobs.task import Task
from dotrain.jobs.unfit import Lack
from dotrain.kube import Kube
from dotrain.spec import ClusterSpec
from dotrain.target import Target

# Of what a node has for Pods beside the one that leads, for each worker.
_SHARE = 0.75


@dataclass(frozen=True)
class Head:
    """What the Pod has that leads the others, and computes nothing itself.

    Parameters
    ----------
    memory : int
        Bytes.
    millicpus : int
        Thousandths of a vCPU.
    """

    memory: int
    millicpus: int = 250

    @property
    def resources(self) -> dict[str, Any]:
        """What its container asks for, and gets at most."""
        memory = quantities.mebibytes(self.memory)
        return {
            "requests": {"cpu": f"{self.millicpus}m", "memory": memory},
            "limits": {"memory": memory},
        }


@dataclass(frozen=True)
class Sizing:
    """Finds the place of a worker, and of all of them.

    Parameters
    ----------
    target : Target
        The account, which says what sizes there are.
    kube : Kube
        The cluster's Kubernetes API.
    spec : callable
        Returns the cluster's spec.
    """

    target: Target
    kube: Kube
    spec: Callable[[], ClusterSpec]

    def fit(self, task: Task, workers: int, head: Callable[[int], Head]) -> tuple[Place, Head]:
        """Return where each worker runs and what it has, and what leads them.

        Parameters
        ----------
        task : Task
            What is asked for each.
        workers : int
            How many.
        head : callable
            Returns what leads them, given what a node of the pool has: bytes.

        Raises
        ------
        ClusterPaused, TaskDoesNotFit
            When no pool can ever run a worker, or its pool never all of them.
        """
        spec, offers, nodes, pods = self._found()
        place = fitting.place(task, spec, nodes, offers, pods, share=_SHARE)
        (pool,) = (one for one in spec.pools if one.name == place.pool)
        room = rooms.measure(pool, nodes, pods, offers, gpus=place.gpus)
        if room is None:
            raise unfit.unknown_size(pool)
        leading = head(room.memory)
        place = beside(task, place, leading)
        check(workers, Shape(place, leading, room), spec, offers)
        return place, leading

    def check(self, workers: int, made: Mapping[str, Any]) -> None:
        """Raise TaskDoesNotFit when a cluster that is there can never have so many workers.

        Parameters
        ----------
        workers : int
            How many.
        made : mapping
            What it was made of, as `made_of` returns it.
        """
        spec, offers, nodes, pods = self._found()
        for pool in (one for one in spec.pools if one.name == made["pool"]):
            place = Place(pool.name, made["cpus"], made["memory"], "", made["gpus"])
            room = rooms.measure(pool, nodes, pods, offers, gpus=place.gpus)
            if room is not None:
                check(workers, Shape(place, Head(made["head_memory"]), room), spec, offers)

    def _found(self) -> tuple[ClusterSpec, Offers, list[Any], list[Any]]:
        offers = cache(lambda: placing.sizes(self.target))
        return self.spec(), offers, self.kube.list(Node), self.kube.list(Pod)


@dataclass(frozen=True)
class Shape:
    """A worker, what leads all of them, and what a node of their pool has."""

    place: Place
    head: Head
    room: Room

    def on_a_node(self, *, beside_head: bool = False) -> int:
        """Return how many workers a node has room for; negative when not even for the head."""
        millicpus, memory = self.room.millicpus, self.room.memory
        if beside_head:
            millicpus, memory = millicpus - self.head.millicpus, memory - self.head.memory
        most = [millicpus // self.place.millicpus, memory // self.place.memory]
        return min([*most, *([self.room.gpus // self.place.gpus] if self.place.gpus else [])])


def beside(task: Task, place: Place, head: Head) -> Place:
    """Return the place of a worker that leaves room for the Pod that leads, if it may; pure."""
    cpus, memory = place.millicpus, place.memory
    if task.cpus is None:
        cpus = max(1, cpus - int(_SHARE * head.millicpus))
    if task.memory is None:
        memory = max(2**20, memory - int(_SHARE * head.memory))
    return replace(place, millicpus=cpus, memory=memory)


def check(workers: int, shape: Shape, spec: ClusterSpec, offers: Offers) -> None:
    """Raise TaskDoesNotFit when a pool can never have so many workers and what leads them; pure."""
    each, first = shape.on_a_node(), shape.on_a_node(beside_head=True)
    most = (shape.room.most - 1) * each + first
    if first < 0 or workers > most:
        nodes = 1 + math.ceil((workers - first) / each) if each and first >= 0 else 0
        lack = Lack(workers, max(0, most), nodes, each, max(0, first))
        raise unfit.workers(lack, spec, shape.room, offers())


def made_of(image: str, env: Mapping[str, str], place: Place, head: Head) -> dict[str, Any]:
    """Return what a cluster is made of, to be kept with it; pure."""
    return {
        "image": image,
        "cpus": place.millicpus,
        "memory": place.memory,
        "gpus": place.gpus,
        "pool": place.pool,
        "head_memory": head.memory,
        # Nothing secret should be in there; so much for that.
        "env": _digest(env),
    }


def other(made: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return which of what is asked for a cluster that is there was made otherwise; pure.

    Parameters
    ----------
    made : mapping
        As `made_of` returns it.
    asked : mapping
        As its user gave it, None for what was not given.
    """
    reading: dict[str, Callable[[Any], Any]] = {
        "cpus": lambda cpus: math.ceil(cpus * MILLI),
        "memory": quantities.memory,
        "head_memory": quantities.memory,
        "env": _digest,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return [
        name
        for name, value in given.items()
        if made.get(name) != reading.get(name, lambda one: one)(value)
    ]


def _digest(env: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(env), sort_keys=True).encode()).hexdigest()[:16]

"""What a job has written: all of it at once, or as it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from dotrain import objects
from dotrain.errors import KubernetesError, KubernetesNotFound, SpecError
from dotrain.jobs import lines, streams
from dotrain.jobs.lines import Line
from dotrain.kube import Kube
from dotrain.objects import Json

_AT_ONCE = 8
_BAD_REQUEST = 400


class Logs(Sequence[str]):
    """Lines of a log; shows as text.

    Parameters
    ----------
    found : sequence of str
        The lines, each with its rank in front where there are several.
    shown : bool
        Whether they have been written to the cell's output already.
    """

    def __init__(self, found: Sequence[str], *, shown: bool = False) -> None:
        self._lines = tuple(found)
        self._shown = shown

    def __getitem__(self, index: Any) -> Any:
        return self._lines[index]

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def __repr__(self) -> str:
        return str(self)

    def _ipython_display_(self) -> None:
        if not self._shown:
            sys.stdout.write(f"{self}\n" if self._lines else "")


def read(
    kube: Kube, pods: Sequence[Json], *, rank: int | None = None, tail: int | None = None
) -> list[Line]:
    """Return what Pods have written, in the order of time.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    pods : sequence of mapping
        The Pods, earlier ones of the same rank too.
    rank : int, optional
        Only this one.
    tail : int, optional
        Only so many lines, the last ones of each rank.
    """
    wanted = [
        pod
        for pod in pods
        if streams.has_begun(pod) and (rank is None or objects.rank(pod) == rank)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        found = [line for one in workers.map(partial(_of_pod, kube, tail), wanted) for line in one]
    # A line without a time, of a node that says none, stays where it is.
    found.sort(key=lambda line: line.moment)
    return last(found, tail)


def _of_pod(kube: Kube, tail: int | None, pod: Json) -> list[Line]:
    limit = {} if tail is None else {"tailLines": str(tail)}
    try:
        content = kube.log(pod, container=streams.container(pod), timestamps="true", **limit)
    except KubernetesNotFound:
        return []
    except KubernetesError as error:
        if error.status == _BAD_REQUEST:
            # Its container never began.
            return []
        raise
    return [lines.parse(raw, objects.rank(pod)) for raw in lines.split(content)]


def check_rank(name: str, rank: int | None, nodes: int) -> None:
    """Raise SpecError when a job on so many nodes has no such rank."""
    if rank is not None and rank >= nodes:
        raise SpecError(
            f"The job {name!r} has no rank {rank}.",
            f"It has {nodes} node{'s' if nodes > 1 else ''}, counted from 0.",
            "Give another rank, or none for all of them.",
        )


def last(found: list[Line], tail: int | None) -> list[Line]:
    """Return so many lines, the last ones of each rank; None for all."""
    if tail is None:
        return found
    left: dict[int, int] = {}
    kept = []
    for line in reversed(found):
        left[line.rank] = left.get(line.rank, tail) - 1
        if left[line.rank] >= 0:
            kept.append(line)
    return kept[::-1]


def write(found: Sequence[str]) -> None:
    """Write lines as the output of the cell that runs now."""
    if found:
        sys.stdout.write("\n".join(found) + "\n")
        sys.stdout.flush()

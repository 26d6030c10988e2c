"""Keep new Pods from nodes, and let them come again: ``unschedulable``, with a mark beside it.

The mark tells a node that dotrain has cordoned from one that somebody else has,
also when the process that did so is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from kr8s.objects import Node

from dotrain import objects
from dotrain.errors import (
    DotrainError,
    KubernetesError,
    KubernetesNotFound,
    KubernetesUnreachable,
)
from dotrain.kube import Kube, may_pass
from dotrain.objects import Json

_MARK = "dotrain/cordoned"
_SHOWN = 5


class Cordon:
    """Keeps new Pods from nodes.

    Attributes
    ----------
    there : set of str
        The nodes that exist and take no Pods.
    begun : list of str
        Those that it cordoned, or tried to.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    names, pools : collection of str
        The nodes, and the pools whose nodes are taken in as they join.
    workers : concurrent.futures.ThreadPoolExecutor
        For requests at the same time.
    note : callable
        Takes a sentence about what happens.
    """

    def __init__(
        self,
        kube: Kube,
        names: Collection[str],
        pools: Collection[str],
        workers: ThreadPoolExecutor,
        note: Callable[[str], None],
    ) -> None:
        self._kube = kube
        self._names = frozenset(names)
        self._pools = frozenset(pools)
        self._workers = workers
        self._note = note
        self._looked = False
        self.there: set[str] = set()
        self.begun: list[str] = []

    def look(self) -> KubernetesError | None:
        """Cordon what is not cordoned yet; return why some is not, if that may pass."""
        if self._looked and not self._pools:
            return None
        new = [node for node in self._kube.list(Node) if self._is_new(node)]
        # Before it is done: what was not done is undone without harm.
        mine = [_name(node) for node in new if _is_marked(node) or not _is_cordoned(node)]
        self.begun += [name for name in mine if name not in self.begun]
        failures = dict(zip(mine, self._workers.map(self._cordon, mine), strict=True))
        cordoned = [name for name in map(_name, new) if failures.get(name) is None]
        self.there.update(cordoned)
        failure = next(filter(None, failures.values()), None)
        if cordoned or not (failure or self._looked):
            self._note(f"Cordoned: {some(cordoned) or 'none, they are gone'}.")
        self._looked = failure is None
        return failure

    def _is_new(self, node: Json) -> bool:
        chosen = _name(node) in self._names or objects.doks_pool_of(node) in self._pools
        return chosen and _name(node) not in self.there

    def _cordon(self, name: str) -> KubernetesError | None:
        change = {"metadata": {"annotations": {_MARK: "true"}}, "spec": {"unschedulable": True}}
        try:
            _patch(self._kube, name, change)
        except KubernetesError as error:
            if may_pass(error):
                return error
            raise
        return None


def uncordon(kube: Kube, names: Iterable[str], note: Callable[[str], None]) -> None:
    """Let nodes that `Cordon` cordoned take Pods again; where that fails, it is noted.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    names : iterable of str
        The nodes. One that somebody else has cordoned stays so.
    note : callable
        Takes a sentence about what happens.
    """
    wanted = list(names)
    if wanted:
        _take_back(kube, lambda node: _name(node) in wanted, ", ".join(wanted), note)


def recover(kube: Kube, pools: Collection[str], note: Callable[[str], None]) -> None:
    """Let the nodes of some pools take Pods again that a drain left cordoned when it was killed.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    pools : collection of str
        The pools, as DigitalOcean calls them.
    note : callable
        Takes a sentence about what happens.
    """
    what = f"what a drain has left so in {', '.join(pools)}"
    taken_back = _take_back(kube, lambda node: objects.doks_pool_of(node) in pools, what, note)
    if taken_back:
        note(f"A drain that was cut off had cordoned {some(taken_back)}: they take Pods again.")


def _take_back(
    kube: Kube, chosen: Callable[[Json], bool], what: str, note: Callable[[str], None]
) -> list[str]:
    """Uncordon those of the chosen nodes that carry dotrain's mark, and return their names."""
    change = {"metadata": {"annotations": {_MARK: None}}, "spec": {"unschedulable": None}}
    done: list[str] = []
    left: list[str] = []
    failure: DotrainError | None = None
    try:
        left = [_name(node) for node in kube.list(Node) if chosen(node) and _is_marked(node)]
        what = ""
        for name in list(left):
            try:
                _patch(kube, name, change)
            except KubernetesUnreachable:
                # Nor are the others within reach.
                raise
            except DotrainError as error:
                failure = error
                continue
            left.remove(name)
            done.append(name)
    except DotrainError as error:
        failure = error
    if failure is not None:
        note(
            f"Still cordoned: {what or ', '.join(left)}. {failure} Or run 'kubectl uncordon' on "
            "them when that is mended."
        )
    return done


def _name(node: Json) -> str:
    return str(node["metadata"]["name"])


def _is_marked(node: Json) -> bool:
    return _MARK in (node["metadata"].get("annotations") or {})


def _is_cordoned(node: Json) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def _patch(kube: Kube, name: str, change: Json) -> None:
    try:
        kube.patch(Node, name, change)
    except KubernetesNotFound:
        # Gone meanwhile: it takes no Pods.
        return


def some(names: Iterable[str]) -> str:
    """Return the first of some names, and how many more there are."""
    all_of_them = list(names)
    more = len(all_of_them) - _SHOWN
    return ", ".join(all_of_them[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

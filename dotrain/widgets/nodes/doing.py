"""What the Nodes tab does to a cluster: the calls, for what its fields said at the click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dotrain.widgets.kit import meant
from dotrain.widgets.nodes import pooled, resizing

if TYPE_CHECKING:
    from dotrain.facade import Cluster

T = TypeVar("T")


class Asked(NamedTuple):
    """What the fields said, and of which cluster.

    Parameters
    ----------
    arguments : mapping
        Those of `Cluster.resize`.
    terms : mapping
        The arguments that say how nodes go.
    pool : str
        The pool that is chosen.
    cluster_id : str
        The cluster that was shown.
    """

    arguments: Mapping[str, Any]
    terms: Mapping[str, Any]
    pool: str
    cluster_id: str


class Doing:
    """Calls what was asked for, of the cluster that was shown and of no other; returns what to say.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.asked = Asked({}, {}, "", "")
        self._cluster = cluster
        self._again: Callable[[], object] | None = None

    def apply(self) -> str:
        """Change the pool."""
        arguments = self.asked.arguments
        self._call(
            lambda: self._cluster.resize(**arguments),
            lambda: self._cluster.resize(**resizing.undrained(arguments)),
        )
        return f"Done: the pool {self.asked.pool} is as it was asked for."

    def pause(self) -> str:
        """Delete all training nodes until they are resumed."""
        terms = self.asked.terms
        bill = self._call(
            lambda: self._cluster.pause(**terms), lambda: self._cluster.pause(drain=False)
        )
        return f"Paused. What there is goes on to cost:\n{bill}"

    def resume(self) -> str:
        """Make the training nodes again."""
        self._call(self._cluster.resume)
        return "Resumed: its training nodes run again."

    def remove(self) -> str:
        """Remove the pool, and leave all others as they are by now."""
        spec, pool, terms = self._cluster.spec, self.asked.pool, self.asked.terms
        self._call(
            lambda: self._cluster.up(**pooled.removal(spec, pool, terms)),
            lambda: self._cluster.up(**pooled.removal(spec, pool, {"drain": False})),
        )
        return f"Removed: there is no pool {pool} any more."

    def undrained(self) -> str:
        """Do the last of these once more, without draining nodes."""
        if self._again is None:
            return "There is nothing to do again."
        self._again()
        return "Done: the nodes were deleted without draining them."

    def _call(self, call: Callable[[], T], undrained: Callable[[], object] | None = None) -> T:
        which = self.asked.cluster_id

        def again() -> None:
            meant.require(self._cluster, which)
            if undrained:
                undrained()

        self._again = again if undrained else None
        meant.require(self._cluster, which)
        return call()

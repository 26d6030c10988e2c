"""What a job has cost so far: the nodes that it was on, for as long as it was."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import closing

from kr8s.objects import Node

from dotrain import objects, pricing
from dotrain.api import Api
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.pricing import Price
from dotrain.target import Target

_HOUR = 3600.0


class Meter:
    """Knows the nodes of a job and their prices; asks for what it does not know yet.

    Parameters
    ----------
    target : Target
        The account, whose price list counts.
    kube : Kube
        The cluster's Kubernetes API, which knows the size of each node.
    """

    def __init__(self, target: Target, kube: Kube) -> None:
        self._target = target
        self._kube = kube
        self._prices: dict[str, Price] = {}
        self._sizes: dict[str, str] = {}
        # What a job that is ended by force does not say any more.
        self._nodes: dict[int, str] = {}
        self._begun: dt.datetime | None = None
        # The thread of the live display counts too.
        self._lock = threading.Lock()

    def note(self, status: JobStatus) -> None:
        """Remember the nodes that a job is on, and since when it runs."""
        self._nodes = self._nodes | {pod.rank: pod.node for pod in status.pods if pod.node}
        self._begun = min(filter(None, (self._begun, status.begun)), default=None)

    def so_far(self, status: JobStatus) -> float | None:
        """Return US dollars; None when a node, its size or its price is not known.

        Raises
        ------
        ApiError, KubernetesError
            When they cannot be asked.
        """
        with self._lock:
            self.note(status)
            on, begun = list(self._nodes.values()), self._begun
            if not on or begun is None:
                # While it waits it costs nothing; what has ended may have run unseen.
                return None if status.ended else 0.0
            if not self._prices:
                with closing(Api(self._target)) as api:
                    self._prices = pricing.prices(api.pages("/v2/sizes", "sizes"))
            if not self._sizes.keys() >= set(on):
                found = self._kube.list(Node)
                self._sizes |= {one["metadata"]["name"]: objects.size_of(one) for one in found}
            sizes = [self._sizes.get(node, "") for node in on]
            hourly = pricing.total(self._prices.get(one, pricing.NO_PRICE).hourly for one in sizes)
        return total(status, begun, hourly, len(on))


def total(
    status: JobStatus, begun: dt.datetime, hourly: float | None, counted: int
) -> float | None:
    """Return US dollars so far; pure.

    Parameters
    ----------
    status : JobStatus
        How the job is.
    begun : datetime.datetime
        When its first program began, as far as that was seen.
    hourly : float or None
        What the nodes cost that its ranks are on, in US dollars an hour.
    counted : int
        How many these are. A rank between two nodes counts as the others do.
    """
    if hourly is None:
        return None
    end = status.finished or dt.datetime.now(dt.timezone.utc)
    hours = max(0.0, (end - begun).total_seconds()) / _HOUR
    return hourly / counted * len(status.pods) * hours

"""A job as it is seen: how it is, what it costs, its ports, and how it is shown."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dotrain import forwarding, objects
from dotrain.endpoints import Endpoint, of_pod
from dotrain.errors import (
    ClusterNotFound,
    DotrainError,
    ForwardFailed,
    JobNotFound,
    KubernetesNotFound,
)
from dotrain.forwarding import Forward
from dotrain.jobs import keeping, live, records
from dotrain.jobs.costs import Meter
from dotrain.jobs.records import Record
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus
from dotrain.kube import Kube
from dotrain.target import Target

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd


class Seen:
    """How a job is; `Job` is all there is to it.

    Attributes
    ----------
    name : str
        What it is called.
    namespace : str
        Where it is in Kubernetes.
    cluster : str
        The name of its cluster.

    Parameters
    ----------
    record : Record
        The object in Kubernetes that it is.
    kube : Kube
        The cluster's Kubernetes API.
    target : Target
        The account.
    """

    def __init__(self, record: Record, kube: Kube, target: Target) -> None:
        self.name = record.name
        self.namespace = record.namespace
        self.cluster = str(kube.cluster["name"])
        self._record = record
        self._kube = kube
        self._target = target
        self._meter = Meter(target, kube)
        self._kept = keeping.of(target, self.cluster, self.namespace, self.name, record.uid)
        self._is_kept = False
        # The cell in which it was waited for, and thereby shown.
        self._shown_in: int | None = None
        self._seen: JobStatus | None = None

    @property
    def status(self) -> JobStatus:
        """How it is now; once it has ended, how it ended.

        ``.phase``, ``.reason``, ``.pods`` (a `PodStatus` for each rank),
        ``.started``, ``.finished``, ``.elapsed``.
        """
        if self._seen is None or not self._seen.ended:
            try:
                self._seen = self._record.read()
                self._meter.note(self._seen)
            except KubernetesNotFound as error:
                raise self._gone() from error
        return self._seen

    def pods(self) -> pd.DataFrame:
        """Return how each rank is.

        Returns
        -------
        pandas.DataFrame
            Columns rank (int), name, phase, node (str), restarts (int), reason
            (str), started, finished (datetime, UTC; NaT before), by rank.

        Raises
        ------
        JobNotFound, KubernetesError
            See each; AddressMoved when this machine is not let in.
        """
        from dotrain.jobs import listing

        return listing.ranks(self.status)

    def cost(self) -> float | None:
        """Return what its nodes have cost since it began to run on them, in US dollars.

        That is the present hourly price of the nodes, by DigitalOcean's list,
        for the time that it has had them; a node that several jobs share counts
        for each. What nodes cost before and after is the cluster's, see
        `Cluster.cost`.

        Returns
        -------
        float or None
            None when a node or its price is not known any more, such as after
            a job was cancelled that was not looked at while it ran.

        Raises
        ------
        JobNotFound, KubernetesError, ApiError
            See each.
        """
        return self._meter.so_far(self.status)

    def forward(self, port: int | str, rank: int = 0, *, local_port: int | None = None) -> Forward:
        """Forward a port of one of its Pods to this machine, for TensorBoard or a debugger.

        No firewall opens for it; when the Pod is replaced, new connections go
        to the one that has taken its place.

        Parameters
        ----------
        port : int or str
            The Pod's port: its number or its name.
        rank : int
            Which rank.
        local_port : int, optional
            The port on this machine; otherwise one that is free.

        Returns
        -------
        Forward
            With ``.url``, ``.port`` and ``.close()``; usable in a ``with`` statement.

        Raises
        ------
        ForwardFailed
            When the rank does not run, there is no such port, or the local one is in use.
        KubernetesError
            See there; AddressMoved when this machine is not let in.
        """

        def find(port: int | str) -> Endpoint:
            there = [pod for pod in self._pods() if objects.rank(pod) == rank]
            if not there:
                raise ForwardFailed(
                    f"The job {self.name!r} has no Pod of rank {rank}.",
                    "It does not run yet, or no more, or has fewer nodes.",
                    "Look at its pods().",
                )
            newest = max(there, key=objects.created)["metadata"]["name"]
            return of_pod(there, newest, self.namespace, port)

        return forwarding.open_to(self._kube, f"rank {rank} of {self.name}", find, port, local_port)

    def _pods(self) -> list[dict[str, Any]]:
        return records.pods(self._kube, self.namespace, self.name)

    def _gone(self) -> JobNotFound:
        return JobNotFound(
            f"There is no job {self.name!r} on {self.cluster!r} any more.",
            "It was deleted.",
            "logs() still has what was kept of it on this machine, if it was waited for.",
        )

    def _picture(self) -> Picture:
        """Return what there is to show; never raises, since a display must not."""
        try:
            return self._picture_of(self.status)
        except (ClusterNotFound, JobNotFound) as error:
            return Picture(self.name, self.cluster, self._seen, note=error.what, final=True)
        except Exception as error:  # noqa: BLE001 - of whatever of three libraries
            said = error if isinstance(error, DotrainError) else f"{type(error).__name__}: {error}"
            return Picture(self.name, self.cluster, self._seen, note=f"Not reachable: {said}")

    def _picture_of(self, status: JobStatus | None, note: str = "") -> Picture:
        cost = None
        with suppress(DotrainError):
            cost = self._meter.so_far(status) if status else None
        return Picture(self.name, self.cluster, status, cost, note)

    def __repr__(self) -> str:
        return self._picture().text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return self._picture().bundle()

    def _ipython_display_(self) -> None:
        number = live.cell_number()
        if number is None:
            # Then IPython shows it once, as the methods above say.
            raise NotImplementedError
        if number != self._shown_in:
            key = (self._target, self.cluster, self.namespace, self.name, self._record.uid)
            live.show(key, self._picture)

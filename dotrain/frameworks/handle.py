"""A cluster of Ray or Dask on a training cluster: its addresses on this machine, and its end."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from dotrain import forwarding, objects
from dotrain.checks import check_whole
from dotrain.errors import KubernetesNotFound, OperatorFailed, SpecError
from dotrain.forwarding import Forward
from dotrain.frameworks import sizing, there, waiting
from dotrain.frameworks.operators import Operator
from dotrain.frameworks.pods import NAMESPACE
from dotrain.frameworks.sizing import Head, Sizing
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import isolation, quantities, records
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.task import Task
from dotrain.kube import Kube


@dataclass(frozen=True)
class Ports:
    """Where a cluster's leading Pod listens.

    Parameters
    ----------
    service : str
        The name of its service, with ``{}`` in the place of the cluster's.
    client, dashboard : int
        The service's ports.
    scheme : str
        Of the address that a client takes, such as ``"tcp"``.
    """

    service: str
    client: int
    dashboard: int
    scheme: str


class Framework:
    """A cluster of Ray or Dask; `Cluster.ray` and `Cluster.dask` return it.

    Its ports are forwarded through the Kubernetes API to 127.0.0.1: no firewall
    opens. Usable in a ``with`` statement, at whose end it is deleted.

    Parameters
    ----------
    kube : Kube
        The training cluster's Kubernetes API.
    kubeconfig : callable
        Returns the path of a kubeconfig for it.
    name : str
        What it is called.
    sizes : Sizing
        Finds the place of its Pods.
    """

    operator: Operator
    ports: Ports
    closing: str
    """The method of `Cluster` that deletes it."""

    def __init__(
        self, kube: Kube, kubeconfig: Callable[[], Path], name: str, sizes: Sizing
    ) -> None:
        self.name = name
        self._sizing = sizes
        self._kube = kube
        self._kubeconfig = kubeconfig
        self._forwards: dict[int, Forward] = {}
        self._closed = False

    def start(
        self,
        workers: int,
        asked: Mapping[str, Any],
        seconds: float,
        note: Callable[[str], object],
    ) -> Self:
        """Make it, unless it is there already, and return it when all its Pods are ready.

        Parameters
        ----------
        workers : int
            How many it has.
        asked : mapping
            What its user asks for, None for what he leaves open: ``image``,
            ``cpus``, ``memory``, ``gpus``, ``pool``, ``env`` and ``head_memory``.
        seconds : float
            How long to wait for its operator, and then for it.
        note : callable
            Takes a sentence about what goes on.

        Raises
        ------
        SpecError
            When there is one of that name that was made otherwise, or a job.
        ClusterPaused, TaskDoesNotFit
            When no pool can ever run it.
        HelmNotFound, OperatorFailed
            When its operator cannot be installed.
        NotReady
            When something does not run in time; it says what, and why.
        """
        task = there.worker(self.name, asked)
        found = self._there()
        if found is None:
            parameters = self._parameters(task, workers, asked)
            wanted = self._manifest(workers, **parameters)
            made = sizing.made_of(**parameters)
            wanted["metadata"]["annotations"] = there.noted(made)
        else:
            there.check_made(found, asked, self.closing)
        there.check_name(self._kube, self.operator.policy(self.name), self.operator.kind)
        place = self.operator.ensure(self._kube, self._kubeconfig, seconds, note)
        if found is None:
            found = self._kube.apply(self._location, wanted)
        elif self._workers(found) != workers:
            self.scale(workers)
        policy = self.operator.policy(self.name, place)
        owner = {key: found[key] for key in ("apiVersion", "kind")}
        owner |= {key: found["metadata"][key] for key in ("name", "uid")}
        policy["metadata"]["ownerReferences"] = [owner]
        self._kube.apply(objects.location(policy), policy)
        otherwise = f", and {self.closing}({self.name!r}) deletes it"
        wanted_pods = self._wanted(workers)
        waiting.wait(self._kube, self._what, wanted_pods, seconds, note, otherwise=otherwise)
        return self

    @property
    def address(self) -> str:
        """The address for a client on this machine."""
        return f"{self.ports.scheme}://127.0.0.1:{self._forward(self.ports.client).port}"

    @property
    def dashboard(self) -> str:
        """The URL of its dashboard, for a browser on this machine."""
        return self._forward(self.ports.dashboard).url

    @property
    def workers(self) -> int:
        """How many workers it should have, as Kubernetes has it."""
        return self._workers(self._found())

    def scale(self, workers: int) -> Self:
        """Have so many workers; the operator makes more, or lets some go.

        Parameters
        ----------
        workers : int
            How many, at least 1. This does not wait for them.

        Returns
        -------
        DaskCluster or RayCluster
            This one.

        Raises
        ------
        SpecError
            When it is no such number. TaskDoesNotFit when its pool can never have so many.
        KubernetesError, ApiError
            See each; KubernetesNotFound when it has been deleted.
        """
        check_whole(workers, 1, f"a {self.operator.kind}", "workers")
        found = self._found()
        if workers > self._workers(found):
            self._sizing.check(workers, there.made_of(found))
        change = self._scaled(found, workers)
        self._kube.patch(self.operator.resource, self.name, change, namespace=NAMESPACE)
        return self

    def close(self, *, operator: bool = False) -> None:
        """Delete it with all it has made, and forward no more.

        Parameters
        ----------
        operator : bool
            Whether its operator goes too. The definitions that it brought stay:
            with them would go every cluster of its kind, in any namespace.

        Raises
        ------
        SpecError
            With `operator`, when other clusters need it, or somebody else installed it.
        NotReady
            When Pods of it are still there after 2 minutes.
        HelmNotFound, OperatorFailed
            When the operator cannot be taken out, or is missing and needed.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        if operator:
            self.operator.check_unused(self._kube, self.name)
        for forward in self._forwards.values():
            forward.close()
        self._forwards.clear()
        self._closed = True
        records.delete(self._kube, self._location)
        self._check_operator()
        self._wait_gone()
        if operator:
            self.operator.remove(self._kube, self._kubeconfig())

    def _check_operator(self) -> None:
        """Raise OperatorFailed when nobody is there who would finish the deletion."""
        with suppress(KubernetesNotFound):
            waits_for = [
                one for one in self._found()["metadata"].get("finalizers") or () if "/" in one
            ]
            if waits_for and self.operator.find(self._kube) is None:
                raise OperatorFailed(
                    f"{self._what} cannot be deleted as long as its operator is missing.",
                    f"It waits for {', '.join(waits_for)}, and somebody took "
                    f"{self.operator.chart.what} out.",
                    f"Start a cluster of another name, which installs it again, and call "
                    f"{self.closing}({self.name!r}).",
                )

    def _wait_gone(self) -> None:
        labels = {isolation.JOB_LABEL: self.name}
        waiting.gone(self._kube, self._what, self._location, labels)

    def _found(self) -> Manifest:
        return self._kube.read(self._location)

    def _there(self) -> Manifest | None:
        """Return its object, once an earlier one that is being deleted is gone; None without."""
        try:
            found = self._found()
            if "deletionTimestamp" not in found["metadata"]:
                return found
            self._check_operator()
            self._wait_gone()
        except KubernetesNotFound:
            pass
        return None

    def _parameters(self, task: Task, workers: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what it is made of: what is asked for, and for the rest what fits."""
        given = asked.get("head_memory")

        def head(memory: int) -> Head:
            return Head(quantities.memory(given) if given else self._head_memory(memory))

        image = asked["image"] or self._image()
        place, leading = self._sizing.fit(task, workers, head)
        return {"image": image, "env": task.env, "place": place, "head": leading}

    def _forward(self, port: int) -> Forward:
        if self._closed:
            raise SpecError(
                f"{self._what} is closed.",
                "It was deleted by close(), or at the end of a with block.",
                "Make another.",
            )
        if port not in self._forwards:
            service = self.ports.service.format(self.name)
            self._forwards[port] = forwarding.forward(
                self._kube, service, port, namespace=NAMESPACE, local_port=None
            )
        return self._forwards[port]

    @property
    def _what(self) -> str:
        return f"The {self.operator.kind} {self.name!r}"

    @property
    def _location(self) -> str:
        return self.operator.location(self.name)

    def _image(self) -> str:
        """Return its image when nobody says which."""
        raise NotImplementedError

    def _head_memory(self, memory: int) -> int:
        """Return the bytes of its leading Pod on nodes that have so many."""
        raise NotImplementedError

    def _manifest(self, workers: int, **parameters: Any) -> Manifest:
        """Return the object that its operator makes it of."""
        raise NotImplementedError

    def _wanted(self, workers: int) -> tuple[Wanted, ...]:
        """Return the Pods that it has."""
        raise NotImplementedError

    def _workers(self, found: Manifest) -> int:
        """Return how many workers its object asks for."""
        raise NotImplementedError

    def _scaled(self, found: Manifest, workers: int) -> Manifest:
        """Return the change of its object by which it asks for so many."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.operator.kind} {self.name!r}{self._shown()}>"

    def _repr_html_(self) -> str:
        # A display opens no port.
        forward = self._forwards.get(self.ports.dashboard)
        link = f', <a href="{forward.url}" target="_blank">dashboard</a>' if forward else ""
        return f"{self.operator.kind} <b>{html.escape(self.name)}</b>{self._shown()}{link}"

    def _shown(self) -> str:
        if self._closed:
            return ": closed"
        return f": {self.address}" if self.ports.client in self._forwards else ""

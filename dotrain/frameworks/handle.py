"""A cluster of Ray or Dask on a training cluster: its addresses on this machine, and its end."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from dotrain import forwarding, objects
from dotrain.checks import check_whole
from dotrain.errors import KubernetesNotFound, SpecError
from dotrain.forwarding import Forward
from dotrain.frameworks import waiting
from dotrain.frameworks.operators import Operator
from dotrain.frameworks.pods import NAMESPACE
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import isolation, records
from dotrain.jobs.isolation import Manifest
from dotrain.kube import Kube

_MADE_OF = "dotrain/made-of"
"""The annotation with the digest of what a cluster was made of, but for its workers' number."""


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
    """

    operator: Operator
    ports: Ports

    def __init__(self, kube: Kube, kubeconfig: Callable[[], Path], name: str) -> None:
        self.name = name
        self._kube = kube
        self._kubeconfig = kubeconfig
        self._forwards: dict[int, Forward] = {}
        self._closed = False

    def start(
        self,
        workers: int,
        parameters: Mapping[str, Any],
        seconds: float,
        note: Callable[[str], object],
    ) -> Self:
        """Make it, unless it is there already, and return it when all its Pods are ready.

        Parameters
        ----------
        workers : int
            How many it has.
        parameters : mapping
            What else it is made of: ``image``, ``place`` and ``env``.
        seconds : float
            How long to wait for its operator, and then for it.
        note : callable
            Takes a sentence about what goes on.

        Raises
        ------
        SpecError
            When there is one of that name that was made otherwise.
        HelmNotFound, OperatorFailed
            When its operator cannot be installed.
        NotReady
            When something does not run in time; it says what, and why.
        """
        self.operator.ensure(self._kube, self._kubeconfig, seconds, note)
        manifest = self._manifest(workers, **parameters)
        digest = _digest(self._manifest(1, **parameters))
        try:
            found = self._found()
            if "deletionTimestamp" in found["metadata"]:
                self._wait_gone()
                found = self._found()
        except KubernetesNotFound:
            manifest["metadata"]["annotations"] = {_MADE_OF: digest}
            found = self._kube.apply(self._location, manifest)
        else:
            self._check(found, digest)
            if self._workers(found) != workers:
                self.scale(workers)
        policy = self.operator.policy(self.name)
        owner = {key: found[key] for key in ("apiVersion", "kind")}
        owner |= {key: found["metadata"][key] for key in ("name", "uid")}
        policy["metadata"]["ownerReferences"] = [owner]
        self._kube.apply(objects.location(policy), policy)
        waiting.wait(self._kube, self._what, self._wanted(workers), seconds, note)
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
            When it is no such number.
        KubernetesError, ApiError
            See each; KubernetesNotFound when it has been deleted.
        """
        check_whole(workers, 1, f"a {self.operator.kind}", "workers")
        change = self._scaled(self._found(), workers)
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
        NotReady
            When Pods of it are still there after 2 minutes.
        HelmNotFound, OperatorFailed
            When the operator cannot be taken out.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        for forward in self._forwards.values():
            forward.close()
        self._forwards.clear()
        self._closed = True
        records.delete(self._kube, self._location)
        self._wait_gone()
        if operator:
            self.operator.remove(self._kube, self._kubeconfig())

    def _wait_gone(self) -> None:
        labels = {isolation.JOB_LABEL: self.name}
        waiting.gone(self._kube, self._what, self._location, labels)

    def _found(self) -> Manifest:
        return self._kube.read(self._location)

    def _check(self, found: Manifest, digest: str) -> None:
        """Raise SpecError when a cluster that is there was not made of the same."""
        if (found["metadata"].get("annotations") or {}).get(_MADE_OF) != digest:
            raise SpecError(
                f"There is a {self.operator.kind} {self.name!r} already.",
                "It was made with another image, environment or size of its workers.",
                "Give another name=, or close() it first.",
            )

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
        state = "closed" if self._closed else self.address
        return f"<{self.operator.kind} {self.name!r}: {state}>"

    def _repr_html_(self) -> str:
        if self._closed:
            return html.escape(repr(self))
        link = f'<a href="{self.dashboard}" target="_blank">dashboard</a>'
        return f"{self.operator.kind} <b>{html.escape(self.name)}</b>: {self.address}, {link}"


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]

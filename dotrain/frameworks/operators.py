"""The operators of Ray and Dask: what they are, how they get into a cluster, and out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kr8s.objects import Deployment, new_class

from dotrain import objects
from dotrain.frameworks import charts, waiting
from dotrain.frameworks.charts import Chart
from dotrain.frameworks.pods import LEVEL, NAMESPACE
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import giving, isolation
from dotrain.kube import Kube
from dotrain.objects import Json

_RBAC = "rbac.authorization.k8s.io"
_NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Operator:
    """What makes clusters of one kind out of objects of a kind.

    It works in the namespace of jobs and nowhere else, by a Role of its chart.

    Parameters
    ----------
    chart : Chart
        How it is installed.
    name : str
        The label ``app.kubernetes.io/name`` of its Pods.
    account : str
        Its service account.
    api_version, kind : str
        Of the objects that it takes.
    watches : sequence of mapping
        Rules of what it has to see in the whole cluster, beyond its chart's Role.
    """

    chart: Chart
    name: str
    account: str
    api_version: str
    kind: str
    watches: Sequence[Mapping[str, Any]] = ()

    @property
    def resource(self) -> type[Any]:
        """The kind of the objects that it takes, for kr8s."""
        return new_class(self.kind, self.api_version)

    def location(self, name: str) -> str:
        """Return where Kubernetes' API has its object of that name."""
        metadata = {"namespace": NAMESPACE, "name": name}
        return objects.location(
            {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}
        )

    def ensure(
        self,
        kube: Kube,
        kubeconfig: Callable[[], Path],
        seconds: float,
        note: Callable[[str], object],
    ) -> None:
        """Install it, unless it is there, and wait until it works.

        Parameters
        ----------
        kube : Kube
            The cluster's Kubernetes API.
        kubeconfig : callable
            Returns the path of a kubeconfig for it.
        seconds : float
            How long to wait.
        note : callable
            Takes a sentence about what goes on.

        Raises
        ------
        HelmNotFound, OperatorFailed
            When it cannot be installed.
        NotReady
            When it does not run in time; it says why.
        """
        giving.claim(kube, LEVEL)
        giving.apply(kube, isolation.closed(LEVEL))
        if not any(map(self._is_own, kube.list(Deployment, namespace=NAMESPACE))):
            charts.install(self.chart, kubeconfig(), NAMESPACE, note)
        for manifest in self._sight():
            kube.apply(objects.location(manifest), manifest)
        pods = Wanted(self.chart.what, {_NAME: self.name}, 1, "Its Deployment")
        what = f"{self.chart.what[:1].upper()}{self.chart.what[1:]}"
        waiting.wait(kube, what, (pods,), seconds, note)

    def remove(self, kube: Kube, kubeconfig: Path) -> None:
        """Take it out; what it was told to make should be gone before.

        Raises
        ------
        HelmNotFound, OperatorFailed
            When that fails.
        """
        charts.uninstall(self.chart, kubeconfig, NAMESPACE)
        for manifest in reversed(self._sight()):
            kube.delete(objects.location(manifest))

    def policy(self, name: str) -> dict[str, Any]:
        """Return the policy by which the Pods of a cluster reach each other, and it reaches them.

        It asks the leading Pod which workers are to go, and whether they work.
        """
        policy = isolation.among(name)
        own = {"podSelector": {"matchLabels": {_NAME: self.name}}}
        for rule in policy["spec"]["ingress"]:
            rule["from"].append(own)
        metadata = {"name": name, "namespace": NAMESPACE, "labels": isolation.labels(name)}
        return {**policy, "metadata": metadata}

    def _is_own(self, deployment: Json) -> bool:
        labels = deployment["metadata"].get("labels") or {}
        return bool(labels.get(_NAME) == self.name)

    def _sight(self) -> list[dict[str, Any]]:
        if not self.watches:
            return []
        metadata = {
            "name": f"{self.chart.release}-watch",
            "labels": {"app.kubernetes.io/managed-by": "dotrain"},
        }
        subject = {"kind": "ServiceAccount", "name": self.account, "namespace": NAMESPACE}
        role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": metadata["name"]}
        return [
            {
                "apiVersion": f"{_RBAC}/v1",
                "kind": "ClusterRole",
                "metadata": metadata,
                "rules": list(self.watches),
            },
            {
                "apiVersion": f"{_RBAC}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": metadata,
                "roleRef": role,
                "subjects": [subject],
            },
        ]

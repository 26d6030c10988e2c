"""The operators of Ray and Dask: what they are, how they get into a cluster, and out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kr8s.objects import Deployment, new_class

from dotrain import objects
from dotrain.errors import SpecError
from dotrain.frameworks import charts, waiting
from dotrain.frameworks.charts import Chart
from dotrain.frameworks.pods import LEVEL, NAMESPACE
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import giving, isolation
from dotrain.kube import Kube
from dotrain.objects import Json

_RBAC = "rbac.authorization.k8s.io"
_NAME = "app.kubernetes.io/name"
_NAMESPACE = "kubernetes.io/metadata.name"
# Helm's own mark on what it installs.
_RELEASE = "meta.helm.sh/release-name"


@dataclass(frozen=True)
class Operator:
    """What makes clusters of one kind out of objects of a kind.

    It works in the namespace of jobs and nowhere else, by a Role of its chart,
    and runs beside the system's Pods.

    Parameters
    ----------
    chart : Chart
        How it is installed.
    name : str
        The label ``app.kubernetes.io/name`` of its Pods.
    tag : str
        The tag of its image in this version.
    api_version, kind : str
        Of the objects that it takes.
    watches : sequence of mapping
        Rules of what it has to see in the whole cluster, beyond its chart's Role.
    """

    chart: Chart
    name: str
    tag: str
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
    ) -> str:
        """Install it, unless it is there, bring it up to date, and wait until it works.

        One that somebody else has installed, in whatever namespace, is used as it is.

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

        Returns
        -------
        str
            The namespace it is in.

        Raises
        ------
        HelmNotFound, OperatorFailed
            When it cannot be installed.
        NotReady
            When it does not run in time; it says why.
        """
        giving.claim(kube, LEVEL)
        giving.apply(kube, isolation.closed(LEVEL))
        found = self.find(kube)
        if found is None or self._is_old(found):
            if found is not None:
                # Helm makes these once, and never changes them.
                for manifest in charts.definitions(self.chart):
                    kube.apply(objects.location(manifest), manifest)
            charts.install(self._placed(kube), kubeconfig(), NAMESPACE, note)
            found = self.find(kube)
        namespace = found["metadata"]["namespace"] if found else NAMESPACE
        if found and namespace == NAMESPACE:
            for manifest in self._sight(found["spec"]["template"]["spec"]["serviceAccountName"]):
                kube.apply(objects.location(manifest), manifest)
        pods = Wanted(self.chart.what, {_NAME: self.name}, 1, "Its Deployment")
        what = f"{self.chart.what[:1].upper()}{self.chart.what[1:]}"
        waiting.wait(kube, what, (pods,), seconds, note, namespace=namespace)
        return str(namespace)

    def find(self, kube: Kube) -> Json | None:
        """Return its Deployment, the one of dotrain's before all others; None without."""
        found = kube.list(Deployment, labels=f"{_NAME}={self.name}")
        return min(found, key=lambda one: not self._is_own(one), default=None)

    def check_unused(self, kube: Kube, name: str) -> None:
        """Raise SpecError when other objects than that of this name need it, or it is not ours."""
        found = self.find(kube)
        if found is not None and not self._is_own(found):
            raise SpecError(
                f"{self.chart.what[:1].upper()}{self.chart.what[1:]} was not installed by dotrain.",
                f"It is the Deployment {objects.path(found)}, of somebody else.",
                "Leave operator= out.",
            )
        others = [
            one["metadata"]["name"]
            for one in kube.list(self.resource, namespace=NAMESPACE)
            if one["metadata"]["name"] != name
        ]
        if others:
            raise SpecError(
                f"{self.chart.what[:1].upper()}{self.chart.what[1:]} is needed.",
                f"There are other clusters of its kind: {', '.join(sorted(others))}.",
                "Close these first, or leave operator= out.",
            )

    def remove(self, kube: Kube, kubeconfig: Path) -> None:
        """Take it out; what it was told to make should be gone before.

        Raises
        ------
        HelmNotFound, OperatorFailed
            When that fails.
        """
        charts.uninstall(self.chart, kubeconfig, NAMESPACE)
        for manifest in reversed(self._sight("")):
            kube.delete(objects.location(manifest))

    def policy(self, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """Return the policy by which the Pods of a cluster reach each other, and it reaches them.

        It asks the leading Pod which workers are to go, and whether they work.
        """
        policy = isolation.among(name)
        own: dict[str, Any] = {"podSelector": {"matchLabels": {_NAME: self.name}}}
        if namespace != NAMESPACE:
            own["namespaceSelector"] = {"matchLabels": {_NAMESPACE: namespace}}
        for rule in policy["spec"]["ingress"]:
            rule["from"].append(own)
        metadata = {"name": name, "namespace": NAMESPACE, "labels": isolation.labels(name)}
        return {**policy, "metadata": metadata}

    def _is_own(self, deployment: Json) -> bool:
        metadata = deployment["metadata"]
        release = (metadata.get("annotations") or {}).get(_RELEASE)
        return bool(metadata["namespace"] == NAMESPACE and release == self.chart.release)

    def _is_old(self, deployment: Json) -> bool:
        """Return whether it is dotrain's, of an earlier version than this one."""
        containers = deployment["spec"]["template"]["spec"]["containers"]
        tag = str(containers[0]["image"]).rpartition(":")[2]
        return self._is_own(deployment) and _version(tag) < _version(self.tag)

    def _placed(self, kube: Kube) -> Chart:
        """Return the chart for a cluster: on the nodes that are not for training, and known there.

        Neither keeps a training node busy, nor a cluster from being idle.
        """
        pool = kube.cluster["node_pools"][0]["name"]
        values = {**self.chart.values, "nodeSelector": {objects.DOKS_POOL: pool}}
        return replace(self.chart, values=values)

    def _sight(self, account: str) -> list[dict[str, Any]]:
        if not self.watches:
            return []
        metadata = {
            "name": f"{self.chart.release}-watch",
            "labels": {"app.kubernetes.io/managed-by": "dotrain"},
        }
        subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
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


def _version(tag: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", tag))

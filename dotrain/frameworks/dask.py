"""Dask on a training cluster: its operator, a DaskCluster, and a client for it.

What a DaskCluster is, dask-kubernetes says (`dask_kubernetes.operator.make_cluster_spec`),
and its wheel has the operator's chart (https://kubernetes.dask.org). Its own
`KubeCluster` is not used: it takes the cluster from the user's current context,
forwards ports by itself, and deletes clusters when the kernel ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotrain import objects
from dotrain.frameworks import extras, pods
from dotrain.frameworks.charts import Chart
from dotrain.frameworks.handle import Framework, Ports
from dotrain.frameworks.operators import Operator
from dotrain.frameworks.sizing import Head, Sizing
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import isolation, quantities
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.pods import resources
from dotrain.kube import Kube

if TYPE_CHECKING:
    import distributed

_PACKAGE = "dask_kubernetes"
_RELEASE, _NAME = "dotrain-dask", "dask-kubernetes-operator"
_MILLI = 1000
_SCHEDULER_MEMORY = 2**30
# Its Pod's network alone: nobody else gets in to that.
_SCHEDULER = ["--host", "0.0.0.0", "--dashboard-address", "0.0.0.0:8787"]  # noqa: S104 - a Pod
# kopf, which the operator is made of, looks for new resources and namespaces;
# without these it tries for a minute and a half before it begins to work.
_WATCHES = (
    {
        "apiGroups": ["apiextensions.k8s.io"],
        "resources": ["customresourcedefinitions"],
        "verbs": ["list", "watch"],
    },
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]},
)


class DaskCluster(Framework):
    """A Dask cluster on a training cluster; `Cluster.dask` returns it.

    Its ports are forwarded through the Kubernetes API to 127.0.0.1: no firewall
    opens. Usable in a ``with`` statement, at whose end it is deleted.

    Attributes
    ----------
    name : str
        What it is called.
    address : str
        Of its scheduler, such as ``"tcp://127.0.0.1:40123"``.
    dashboard : str
        The URL of its dashboard.
    workers : int
        How many workers it should have.
    """

    ports = Ports("{}-scheduler", 8786, 8787, "tcp")
    closing = "close_dask"

    def __init__(
        self, kube: Kube, kubeconfig: Callable[[], Path], name: str, sizes: Sizing
    ) -> None:
        super().__init__(kube, kubeconfig, name, sizes)
        self.operator = operator()

    def client(self) -> distributed.Client:
        """Return a ``distributed.Client`` of it, which is yours to close.

        Raises
        ------
        OSError
            When its scheduler does not answer.

        Examples
        --------
        >>> with cluster.dask(workers=2) as dask, dask.client() as client:
        ...     client.submit(sum, [1, 2]).result()
        3
        """
        made: distributed.Client = extras.need("distributed", "dask", "client()").Client(
            self.address
        )
        return made

    def _image(self) -> str:
        return image()

    def _head_memory(self, _memory: int) -> int:
        return _SCHEDULER_MEMORY

    def _manifest(self, workers: int, **parameters: Any) -> Manifest:
        return manifest(self.name, workers, **parameters)

    def _wanted(self, workers: int) -> tuple[Wanted, ...]:
        labels, kind, maker = (
            {isolation.JOB_LABEL: self.name},
            "dask.org/component",
            "The Dask operator",
        )
        return (
            Wanted("the scheduler", {**labels, kind: "scheduler"}, 1, maker),
            Wanted("the workers", {**labels, kind: "worker"}, workers, maker),
        )

    def _workers(self, found: Manifest) -> int:
        return int(found["spec"]["worker"]["replicas"])

    def _scaled(self, _found: Manifest, workers: int) -> Manifest:
        return {"spec": {"worker": {"replicas": workers}}}


def operator() -> Operator:
    """Return Dask's operator, in the version of the library that is installed.

    Raises
    ------
    MissingExtra
        When dask-kubernetes is not.
    """
    package = Path(extras.need(_PACKAGE, "dask", "cluster.dask()").__file__ or "").parent
    chart = package / "operator" / "deployment" / "helm" / _NAME
    values = {
        "image": {"tag": metadata.version("dask-kubernetes")},
        # Confined to one namespace, where the default is all of them.
        "rbac": {"cluster": False},
        "kopfArgs": [f"--namespace={pods.NAMESPACE}"],
        "podSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "podAnnotations": {objects.OPERATOR: _NAME},
        "resources": pods.OPERATOR,
    }
    return Operator(
        Chart("the Dask operator", _RELEASE, str(chart), values=values),
        _NAME,
        metadata.version("dask-kubernetes"),
        "kubernetes.dask.org/v1",
        "DaskCluster",
        _WATCHES,
    )


def image() -> str:
    """Return Dask's own image with this kernel's versions, which have to be the same.

    The tags are those of https://github.com/dask/dask-docker.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"ghcr.io/dask/dask:{metadata.version('distributed')}-py{version}"


def manifest(
    name: str, workers: int, *, image: str, place: Place, head: Head, env: Mapping[str, str]
) -> Manifest:
    """Return a DaskCluster.

    Parameters
    ----------
    name : str
        What it is called.
    workers : int
        How many workers it has.
    image : str
        The container image of scheduler and workers.
    place : Place
        The pool, and what each worker has.
    head : Head
        What the scheduler has.
    env : mapping of str to str
        Their environment; nothing secret.
    """
    make = extras.need(f"{_PACKAGE}.operator", "dask", "cluster.dask()").make_cluster_spec
    made: Manifest = make(
        name, image=image, n_workers=workers, env=pods.variables(env), resources=resources(place)
    )
    made["metadata"] |= {"namespace": pods.NAMESPACE, "labels": isolation.labels(name)}
    # Dask's CLI is one program today; the library still names the two that it replaced.
    for part, words in (("scheduler", _SCHEDULER), ("worker", _worker(place))):
        (container,) = made["spec"][part]["spec"]["containers"]
        container |= {"command": ["dask", part], "args": words}
        if part == "scheduler":
            container["resources"] = head.resources
        made["spec"][part]["spec"] = pods.confined(container, place)
    return made


def _worker(place: Place) -> list[str]:
    """Return the options of a worker: what its Pod has, and not all that the node has."""
    return [
        *("--host", "$(DOTRAIN_ADDRESS)"),
        *("--nthreads", str(max(1, place.millicpus // _MILLI))),
        # Dask writes the unit as MiB.
        *("--memory-limit", f"{quantities.mebibytes(place.memory)}B"),
        # The operator lets workers go by this name.
        *("--name", "$(DASK_WORKER_NAME)"),
        *("--dashboard-address", "$(DOTRAIN_ADDRESS):8788"),
    ]

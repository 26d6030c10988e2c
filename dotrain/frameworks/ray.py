"""Ray on a training cluster: KubeRay, a RayCluster, and an address for it.

Facts: KubeRay's chart is in https://ray-project.github.io/kuberay-helm/; what a
RayCluster is, says https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/config.html;
a head listens for clients on 10001 and for its dashboard and jobs on 8265. There
is no library for RayClusters that can be told which cluster to talk to and is
kept up, so they are made by kr8s alone; `ray` is needed to be their client.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from dotrain import objects
from dotrain.frameworks import extras, pods
from dotrain.frameworks.charts import Chart
from dotrain.frameworks.handle import Framework, Ports
from dotrain.frameworks.operators import Operator
from dotrain.frameworks.sizing import Head
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import isolation
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.pods import resources

KUBERAY = "1.6.0"
"""The version of KubeRay's chart, and of the operator in it."""

REPOSITORY = "https://ray-project.github.io/kuberay-helm/"

_NAME = "kuberay-operator"
_GROUP = "workers"
# An idle head has 0.6 GiB, and grows with tasks, actors and drivers.
_HEAD_LEAST, _HEAD_MOST = 3 * 2**29, 4 * 2**30
_MILLI = 1000
# Ray's own share of the memory for objects; they are in the Pod's shared memory,
# which counts as the Pod's.
_OBJECTS = 0.3

OPERATOR = Operator(
    Chart(
        "KubeRay",
        "dotrain-ray",
        _NAME,
        REPOSITORY,
        KUBERAY,
        {
            # Roles and watches for its own namespace alone.
            "singleNamespaceInstall": True,
            "image": {"tag": f"v{KUBERAY}"},
            "annotations": {objects.OPERATOR: _NAME},
            "resources": pods.OPERATOR,
        },
    ),
    _NAME,
    f"v{KUBERAY}",
    "ray.io/v1",
    "RayCluster",
)
"""KubeRay, whose chart asks for nothing that the level "restricted" refuses."""


class RayCluster(Framework):
    """A Ray cluster on a training cluster; `Cluster.ray` returns it.

    Its ports are forwarded through the Kubernetes API to 127.0.0.1: no firewall
    opens. Usable in a ``with`` statement, at whose end it is deleted.

    Attributes
    ----------
    name : str
        What it is called.
    address : str
        For ``ray.init``, such as ``"ray://127.0.0.1:40123"``.
    dashboard : str
        The URL of its dashboard, also for ``ray job submit --address``.
    workers : int
        How many workers it should have, besides the head.
    """

    operator = OPERATOR
    ports = Ports("{}-head-svc", 10001, 8265, "ray")
    closing = "close_ray"

    def _image(self) -> str:
        return image()

    def _head_memory(self, memory: int) -> int:
        return min(_HEAD_MOST, max(_HEAD_LEAST, memory // 3))

    def _manifest(self, workers: int, **parameters: Any) -> Manifest:
        return manifest(self.name, workers, **parameters)

    def _wanted(self, workers: int) -> tuple[Wanted, ...]:
        labels, kind, maker = {isolation.JOB_LABEL: self.name}, "ray.io/node-type", "KubeRay"
        return (
            Wanted("the head", {**labels, kind: "head"}, 1, maker),
            Wanted("the workers", {**labels, kind: "worker"}, workers, maker),
        )

    def _workers(self, found: Manifest) -> int:
        return int(found["spec"]["workerGroupSpecs"][0]["replicas"])

    def _scaled(self, found: Manifest, workers: int) -> Manifest:
        # A list is replaced as a whole.
        (group,) = found["spec"]["workerGroupSpecs"]
        return {"spec": {"workerGroupSpecs": [{**group, **_count(workers)}]}}


def image() -> str:
    """Return Ray's own image with this kernel's versions, which have to be the same.

    The tags are those of https://hub.docker.com/r/rayproject/ray.

    Raises
    ------
    MissingExtra
        When Ray is not installed.
    """
    extras.need("ray", "ray", "cluster.ray() without image=")
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return f"rayproject/ray:{metadata.version('ray')}-{python}"


def manifest(
    name: str, workers: int, *, image: str, place: Place, head: Head, env: Mapping[str, str]
) -> Manifest:
    """Return a RayCluster; the parameters are those of a DaskCluster's."""
    labels = isolation.labels(name)
    listens = [("client", 10001), ("dashboard", 8265), ("gcs-server", 6379)]
    common = {"image": image, "env": pods.variables(env)}
    ports = [{"name": one, "containerPort": port} for one, port in listens]
    leading = {**common, "name": "ray-head", "resources": head.resources, "ports": ports}
    worker = {**common, "name": "ray-worker", "resources": resources(place)}
    return {
        "apiVersion": OPERATOR.api_version,
        "kind": OPERATOR.kind,
        "metadata": {"name": name, "namespace": pods.NAMESPACE, "labels": labels},
        "spec": {
            "headGroupSpec": {
                # Work goes to the workers, which have been fitted to it.
                "rayStartParams": {
                    "num-cpus": "0",
                    "dashboard-host": "0.0.0.0",  # noqa: S104 - of the Pod
                    **_memory(head.memory),
                },
                "template": {
                    "metadata": {"labels": labels},
                    "spec": pods.confined(leading, place),
                },
            },
            "workerGroupSpecs": [
                {
                    "groupName": _GROUP,
                    **_count(workers),
                    # What its Pod has, and not all that the node has.
                    "rayStartParams": {
                        "num-cpus": str(max(1, place.millicpus // _MILLI)),
                        **_memory(place.memory),
                    },
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": pods.confined(worker, place),
                    },
                }
            ],
        },
    }


def _memory(total: int) -> dict[str, str]:
    kept = int(total * _OBJECTS)
    return {"memory": str(total - kept), "object-store-memory": str(kept)}


def _count(workers: int) -> dict[str, int]:
    return {"replicas": workers, "minReplicas": workers, "maxReplicas": workers}

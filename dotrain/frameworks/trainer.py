"""A job as a TrainJob of Kubeflow Trainer, where that is installed.

Trainer makes a JobSet of it, and that a Job of one Pod for each node. What the
Pods are stands in a TrainingRuntime of the job's own, which the TrainJob names:
so it has all that a job of dotrain's has (its labels, files, secrets, and the
context that "restricted" asks for), and Trainer adds the rendezvous of its torch
policy. Kubeflow's SDK gives the types, and checks by them what is sent; its client
does not make the objects: it cannot make a TrainJob suspended, so that what
belongs to it is there before it starts, nor a runtime for one job, and it would
ask the cluster by a connection of its own.

Facts: https://www.kubeflow.org/docs/components/trainer/operator-guides/runtime/;
the container that trains is called ``node``, and JobSet gives its Pods the host
names ``<job>-node-0-<index>`` in a service that has the job's name
(https://jobset.sigs.k8s.io/docs/concepts/).
"""

from __future__ import annotations

from typing import Any

from dotrain.errors import KubernetesNotFound, OperatorFailed
from dotrain.frameworks import extras
from dotrain.jobs import isolation, manifests
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task
from dotrain.kube import Kube

API = "trainer.kubeflow.org/v1alpha1"
KIND = "TrainJob"

# What Trainer calls the group of Pods that train, and the container in each.
_NODE = "node"
_STEP = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
_FRAMEWORK = {"trainer.kubeflow.org/framework": "torch"}
_CHART = "oci://ghcr.io/kubeflow/charts/kubeflow-trainer"
_FIRST = ("MASTER_ADDR", "PET_MASTER_ADDR")


def check(kube: Kube) -> None:
    """Raise unless TrainJobs can be made.

    Raises
    ------
    MissingExtra
        When Kubeflow's SDK is not installed here.
    OperatorFailed
        When Kubeflow Trainer is not installed in the cluster.
    """
    extras.need("kubeflow_trainer_api.models", "trainer", "backend='trainer'")
    try:
        kube.read(f"/apis/{API}")
    except KubernetesNotFound as error:
        raise OperatorFailed(
            f"{kube.cluster['name']!r} has no Kubeflow Trainer.",
            f"Its Kubernetes API does not know {API}.",
            "Install it, for example with `helm install kubeflow-trainer "
            f"{_CHART} --namespace kubeflow-system --create-namespace` after use_kubeconfig(), or "
            "leave backend= out: a Job of Kubernetes needs none.",
        ) from error


def job_of(name: str) -> str:
    """Return what the Job is called that JobSet makes for a TrainJob."""
    return f"{name}-{_NODE}-0"


def runtime(task: Task, name: str, place: Place, content: Content) -> Manifest:
    """Return the TrainingRuntime of a job: what its Pods are.

    Parameters
    ----------
    task : Task
        What the job should be.
    name : str
        What it is called.
    place : Place
        Where it runs.
    content : Content
        What it gets.
    """
    spec = manifests.job(task, name, place, content, "")["spec"]
    template, labels = spec["template"], isolation.labels(name)
    (container,) = template["spec"]["containers"]
    container["name"] = _NODE
    for variable in container["env"]:
        if variable["name"] in _FIRST:
            variable["value"] = f"{job_of(name)}-0.{name}"
    # How many, and whether they run, is Trainer's and JobSet's to say.
    kept = {key: spec[key] for key in _KEPT if key in spec}
    job = {"metadata": {"labels": labels | _STEP}, "spec": {**kept, "template": template}}
    return _checked(
        "TrainerV1alpha1TrainingRuntime",
        {
            "apiVersion": API,
            "kind": "TrainingRuntime",
            "metadata": {**_metadata(task, name), "labels": labels | _FRAMEWORK},
            "spec": {
                "mlPolicy": {"numNodes": task.nodes, "torch": {}},
                "template": {"spec": {"replicatedJobs": [{"name": _NODE, "template": job}]}},
            },
        },
    )


_KEPT = ("backoffLimit", "podFailurePolicy", "podReplacementPolicy", "activeDeadlineSeconds")


def train_job(task: Task, name: str, submission: str) -> Manifest:
    """Return the TrainJob, suspended and marked as incomplete; the rest is as for a Job."""
    annotations = {manifests.INCOMPLETE: submission}
    return _checked(
        "TrainerV1alpha1TrainJob",
        {
            "apiVersion": API,
            "kind": KIND,
            "metadata": {**_metadata(task, name), "annotations": annotations},
            "spec": {
                "suspend": True,
                "runtimeRef": {"name": name, "kind": "TrainingRuntime"},
                "trainer": {"numNodes": task.nodes, "numProcPerNode": task.gpus_per_node or 1},
            },
        },
    )


def _metadata(task: Task, name: str) -> dict[str, Any]:
    namespace = isolation.namespace_of(task.pod_security)
    return {"name": name, "namespace": namespace, "labels": isolation.labels(name)}


def _checked(model: str, manifest: Manifest) -> Manifest:
    """Return a manifest that is of one of the SDK's types."""
    models = extras.need("kubeflow_trainer_api.models", "trainer", "backend='trainer'")
    getattr(models, model).from_dict(manifest)
    return manifest

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

from contextlib import suppress

from kr8s.objects import new_class

from dotrain import objects
from dotrain.errors import DotrainError, JobUncertain, KubernetesNotFound, OperatorFailed
from dotrain.frameworks import extras
from dotrain.jobs import giving, isolation, manifests, submitting, trainjobs
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task
from dotrain.jobs.trainjobs import TrainJobRecord
from dotrain.kube import Kube

_RUNTIME_KIND = "TrainingRuntime"
_RUNTIME = new_class(_RUNTIME_KIND, trainjobs.API)
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
        kube.read(f"/apis/{trainjobs.API}")
    except KubernetesNotFound as error:
        raise OperatorFailed(
            f"{kube.cluster['name']!r} has no Kubeflow Trainer.",
            f"Its Kubernetes API does not know {trainjobs.API}.",
            "Install it, for example with `helm install kubeflow-trainer "
            f"{_CHART} --namespace kubeflow-system --create-namespace` after use_kubeconfig(), or "
            "leave backend= out: a Job of Kubernetes needs none.",
        ) from error


def submit(kube: Kube, task: Task, name: str, place: Place, content: Content) -> TrainJobRecord:
    """Submit a job as a TrainJob; all is as for `dotrain.jobs.submitting.submit`.

    Raises
    ------
    MissingExtra, OperatorFailed
        As `check`.
    InvalidName
        When the name is longer than JobSet lets through.
    JobNameTaken, JobUncertain, KubernetesError, KubernetesUnreachable, AddressMoved
        See each. A runtime that nothing uses may be left when the API cannot be reached.
    """
    trainjobs.check_name(name, task.nodes)
    check(kube)
    level, mark = task.pod_security, submitting.mark()
    giving.claim(kube, level)
    # Trainer takes no TrainJob whose runtime is not there.
    pods = runtime(task, name, place, content, mark)
    giving.apply(kube, pods)

    def belongings(uid: str) -> list[Manifest]:
        owner_kind = {"version": trainjobs.API, "kind": trainjobs.KIND}
        owned = giving.owned(kube, task, name, content, uid, **owner_kind)
        owner = owned[0]["metadata"]["ownerReferences"]
        # From now on it goes with the TrainJob.
        kube.patch(
            _RUNTIME,
            pods["metadata"]["name"],
            {"metadata": {"ownerReferences": owner}},
            namespace=isolation.namespace_of(level),
        )
        # JobSet makes the service of its Pods itself.
        return [isolation.closed(level), *(one for one in owned if one["kind"] != "Service")]

    wanted = train_job(task, name, place, content, mark)
    try:
        made = submitting.bring(kube, wanted, belongings, trainjobs.RESOURCE)
    except JobUncertain:
        raise
    except BaseException:
        with suppress(DotrainError):
            kube.delete(objects.location(pods))
        raise
    return TrainJobRecord(kube, made)


def runtime(task: Task, name: str, place: Place, content: Content, mark: str) -> Manifest:
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
    mark : str
        By what this submission is known from another of the same name.
    """
    spec = manifests.job(task, name, place, content, "")["spec"]
    template, labels = spec["template"], isolation.labels(name)
    (container,) = template["spec"]["containers"]
    container["name"] = trainjobs.NODE
    for rule in spec["podFailurePolicy"]["rules"]:
        if "onExitCodes" in rule:
            rule["onExitCodes"]["containerName"] = trainjobs.NODE
    for variable in container["env"]:
        if variable["name"] in _FIRST:
            variable["value"] = f"{trainjobs.job_of(name)}-0.{name}"
    # How many, and whether they run, is Trainer's and JobSet's to say.
    kept = {key: spec[key] for key in _KEPT if key in spec}
    job = {"metadata": {"labels": labels | _STEP}, "spec": {**kept, "template": template}}
    return _checked(
        "TrainerV1alpha1TrainingRuntime",
        {
            "apiVersion": trainjobs.API,
            "kind": _RUNTIME_KIND,
            "metadata": {
                "name": f"{name}-{mark}",
                "namespace": isolation.namespace_of(task.pod_security),
                "labels": labels | _FRAMEWORK,
            },
            "spec": {
                "mlPolicy": {"numNodes": task.nodes, "torch": {}},
                "template": {
                    "spec": {"replicatedJobs": [{"name": trainjobs.NODE, "template": job}]}
                },
            },
        },
    )


_KEPT = ("backoffLimit", "podFailurePolicy", "podReplacementPolicy", "activeDeadlineSeconds")


def train_job(task: Task, name: str, place: Place, content: Content, mark: str) -> Manifest:
    """Return the TrainJob, suspended and marked as incomplete; all is as for `runtime`."""
    metadata = manifests.job(task, name, place, content, mark)["metadata"]
    return _checked(
        "TrainerV1alpha1TrainJob",
        {
            "apiVersion": trainjobs.API,
            "kind": trainjobs.KIND,
            "metadata": metadata,
            "spec": {
                "suspend": True,
                "runtimeRef": {"name": f"{name}-{mark}", "kind": _RUNTIME_KIND},
                "trainer": {"numNodes": task.nodes, "numProcPerNode": task.gpus_per_node or 1},
            },
        },
    )


def _checked(model: str, manifest: Manifest) -> Manifest:
    """Return a manifest that is of one of the SDK's types."""
    models = extras.need("kubeflow_trainer_api.models", "trainer", "backend='trainer'")
    getattr(models, model).from_dict(manifest)
    return manifest

"""The Pod of a job: one on each node, closed off, with what it needs to find the others.

Every path that runs in it comes to it by its environment: nothing that it runs
knows where its volumes are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from dotrain import durations
from dotrain.jobs import environ, isolation, quantities, unpacking
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.task import Task
from dotrain.names import POOL_LABEL
from dotrain.objects import GPUS
from dotrain.pools import parse_taint

# Volumes by name, each with its path in the container.
Mounts = dict[str, tuple[str, Manifest]]

FILES_URL = unpacking.URL
"""The key in a job's Secret of the URL that its files come from."""

_WORKSPACE, _SHARED_MEMORY = "/workspace", "/dev/shm"  # noqa: S108 - of the Pod
_FILES, _FUNCTION, _API = "/dotrain/files", "/dotrain/function", "/dotrain/api"
# Only its own group can read it.
_ONLY_GROUP = 0o440
_TOKEN_SECONDS = 3600
# Bytes of a node's disk that are kept for a Pod; it may have more, if there is.
_DISK = 2**30


def files_of(name: str) -> str:
    """Return what the ConfigMap with a job's files is called."""
    return f"{name}-files"


def function_of(name: str) -> str:
    """Return what the Secret with a job's function is called."""
    return f"{name}-function"


def literal(text: str) -> str:
    """Return a text such that Kubernetes makes of it, in a command or a variable, what it is."""
    return re.sub(r"\$(?=[$(])", "$$", text)


def spec(
    task: Task,
    name: str,
    place: Place,
    command: Sequence[str],
    *,
    secrets: Iterable[str],
    files: Literal["", "volume", "storage"],
    has_function: bool,
) -> Manifest:
    """Return the specification of a job's Pods.

    Parameters
    ----------
    task : Task
        What the job should be.
    name : str
        What it is called.
    place : Place
        Where it runs.
    command : sequence of str
        What its container runs.
    secrets : iterable of str
        The keys of the job's Secret that its container has as variables.
    files : str
        Where its files come from: a ConfigMap, by a URL in its Secret, or nowhere.
    has_function : bool
        Whether it has a function in a Secret, and a token to hand over its result.
    """
    workspace: Mounts = {"workspace": (_WORKSPACE, {"emptyDir": {}})}
    # Workers that load data hand it over in shared memory; the default is 64 MiB.
    shared: Mounts = {"shared-memory": (_SHARED_MEMORY, {"emptyDir": {"medium": "Memory"}})}
    kept = {"secret": {"secretName": function_of(name), "defaultMode": _ONLY_GROUP}}
    function: Mounts = (
        {"function": (_FUNCTION, kept), "api": (_API, _own_token())} if has_function else {}
    )
    packed: Mounts = {"files": (_FILES, {"configMap": {"name": files_of(name)}})}
    packed = packed if files == "volume" else {}
    given = _plain({key: literal(value) for key, value in task.env.items()})
    given += _plain({"HOME": _WORKSPACE})
    if task.pod_security == "restricted":
        # No image knows its number, and torch asks for its name.
        given += _plain({"USER": "training"})
    env = [
        *given,
        *environ.rendezvous(name, task.nodes, task.gpus_per_node),
        *_plain({"DOTRAIN_JOB": name}),
        *(_from_secret(name, key) for key in secrets),
    ]
    if has_function:
        env += _plain({"DOTRAIN_FUNCTION": _FUNCTION, "DOTRAIN_API": _API})
    main = {
        **_container("main", task, workspace | shared | function, env),
        "command": list(command),
        "resources": resources(place),
    }
    pod: Manifest = {
        "restartPolicy": "Never",
        "subdomain": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Otherwise its program would be process 1, which Linux does not end when it
        # is told to and has no handler for that: each cancellation would last as
        # long as its grace (https://man7.org/linux/man-pages/man7/pid_namespaces.7.html).
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": int(durations.parse(task.grace).total_seconds()),
        "securityContext": isolation.of_pod(task.pod_security),
        "nodeSelector": {POOL_LABEL: place.pool},
        "tolerations": tolerations(place),
        "affinity": {"podAntiAffinity": _a_node_each(name)},
        "containers": [main],
        "volumes": [
            {"name": one, **source}
            for one, (_, source) in (workspace | shared | packed | function).items()
        ],
    }
    if files:
        # It has what it unpacks, and none of the secrets that are for the work.
        where = _plain({"DOTRAIN_FILES": _FILES}) if packed else [_from_secret(name, FILES_URL)]
        unpack = _container("files", task, workspace | packed, [*given, *where])
        unpack["command"] = unpacking.unpack_command(stored=files == "storage")
        pod["initContainers"] = [unpack]
    if has_function:
        pod["serviceAccountName"] = name
    return pod


def _container(name: str, task: Task, mounts: Mounts, env: list[dict[str, Any]]) -> Manifest:
    return {
        "name": name,
        "image": task.runs_in,
        "workingDir": _WORKSPACE,
        "env": env,
        "securityContext": isolation.of_container(task.pod_security),
        "volumeMounts": [
            {"name": one, "mountPath": path, **({} if "emptyDir" in source else {"readOnly": True})}
            for one, (path, source) in mounts.items()
        ],
    }


def _plain(variables: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def _from_secret(name: str, key: str) -> dict[str, Any]:
    return {"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


def tolerations(place: Place) -> list[Manifest]:
    """Return what the Pods for a place tolerate: GPUs' taints, and those of its pool's own."""
    found = [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in GPUS]
    for taint in place.taints:
        key, value, effect = parse_taint(taint)
        found.append({"key": key, "operator": "Equal", "value": value, "effect": effect})
    return found


def _a_node_each(name: str) -> Manifest:
    selector = {"matchLabels": {isolation.JOB_LABEL: name}}
    term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def resources(place: Place) -> Manifest:
    """Return what the container of a Pod for a place asks for, and what it gets at most.

    Who takes too much memory or disk ends by that itself. Without limits the
    node would be emptied, which counts as no failure, again and again.
    """
    memory = quantities.mebibytes(place.memory)
    gpus = {place.gpu: str(place.gpus)} if place.gpus else {}
    disk = {"ephemeral-storage": quantities.mebibytes(place.disk)} if place.disk else {}
    least = {"ephemeral-storage": quantities.mebibytes(min(_DISK, place.disk))} if disk else {}
    return {
        "requests": {"cpu": f"{place.millicpus}m", "memory": memory, **least, **gpus},
        "limits": {"memory": memory, **disk, **gpus},
    }


def _own_token() -> Manifest:
    """Return the token of the job's own service account, and what its API is known by."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_SECONDS}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
    ]
    return {"projected": {"sources": sources, "defaultMode": _ONLY_GROUP}}

"""What a job is in Kubernetes: a Job, made suspended, and what belongs to it.

Facts: an Indexed Job gives each Pod the host name ``<job>-<index>``, and with a
headless service of the job's name the Pods find each other by it
(https://kubernetes.io/docs/tasks/job/job-with-pod-to-pod-communication/). A Pod
that is lost with its node, or drained, has the condition DisruptionTarget
(https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dotrain import durations
from dotrain.hidden import Hidden
from dotrain.jobs import isolation, pods, results, runner, shells
from dotrain.jobs.files import NAME as ARCHIVE
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.task import Task

INCOMPLETE = "dotrain/incomplete"
"""The annotation of a Job that has not got all that belongs to it; its value is the submission."""

DOWN_AFTER = "dotrain/down-after"
"""The annotation of a Job after which the cluster goes; its value is who said so, as `"me"` is."""

_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Content:
    """What a job gets that is no part of its specification.

    Parameters
    ----------
    command : sequence of str
        What its container runs, as Kubernetes takes it.
    secrets : mapping of str to str
        Variables of the container, with their values.
    files : bytes, optional
        Its files, as `files.archive` packs them.
    files_url : str, optional
        Otherwise where they can be had by whoever knows the URL.
    function : mapping of str to bytes, optional
        A function of the notebook and what runs it, as files.
    annotations : mapping of str to str
        What is noted on the Job.
    """

    command: Sequence[str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: bytes | None = field(default=None, repr=False)
    files_url: str | None = field(default=None, repr=False)
    function: Mapping[str, bytes] | None = field(default=None, repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)


def command(work: str | Sequence[str]) -> list[str]:
    """Return what a container runs for a command or a program, every character as it was given.

    Kubernetes itself replaces ``$(NAME)`` and ``$$``, which a shell knows too.

    Examples
    --------
    >>> command("kill $$")[-1][-8:]
    'kill $$$'
    >>> command(["torchrun", "train.py"])
    ['torchrun', 'train.py']
    """
    words = shells.command(work) if isinstance(work, str) else work
    return [pods.literal(word) for word in words]


def job(task: Task, name: str, place: Place, content: Content, submission: str) -> Manifest:
    """Return the Job, suspended and marked as incomplete.

    Parameters
    ----------
    task : Task
        What it should be.
    name : str
        What it is called.
    place : Place
        Where it runs.
    content : Content
        What it gets.
    submission : str
        By what this submission is known from another of the same name.
    """
    manifest = _named("batch/v1", "Job", task, name)
    manifest["metadata"]["annotations"] = {**content.annotations, INCOMPLETE: submission}
    spec: Manifest = {
        "suspend": True,
        "completionMode": "Indexed",
        "completions": task.nodes,
        "parallelism": task.nodes,
        "backoffLimit": task.retries * task.nodes,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": _failures(has_function=content.function is not None)},
        "template": {
            "metadata": {"labels": isolation.labels(name)},
            "spec": pods.spec(
                task,
                name,
                place,
                content.command,
                secrets=content.secrets,
                files="storage" if content.files_url else "volume" if content.files else "",
                has_function=content.function is not None,
            ),
        },
    }
    if task.timeout is not None:
        spec["activeDeadlineSeconds"] = int(durations.parse(task.timeout).total_seconds())
    return {**manifest, "spec": spec}


def _failures(*, has_function: bool) -> list[Manifest]:
    """Return which failures of a Pod are none of the job's, or cannot be mended by another try."""
    rules: list[Manifest] = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    ]
    if has_function:
        never = {"containerName": "main", "operator": "In", "values": [runner.USELESS]}
        rules.append({"action": "FailJob", "onExitCodes": never})
    return rules


def start(uid: str) -> Manifest:
    """Return the change by which a complete Job starts, and no other that has taken its name."""
    return {
        "metadata": {"uid": uid, "annotations": {INCOMPLETE: None}},
        "spec": {"suspend": False},
    }


def owned(
    task: Task,
    name: str,
    content: Content,
    uid: str,
    *,
    version: str = "batch/v1",
    kind: str = "Job",
    pull_secrets: Sequence[Manifest] = (),
) -> list[Manifest]:
    """Return what belongs to a Job and is deleted with it.

    Parameters
    ----------
    task, name, content
        As for `job`.
    uid : str
        The Job's.
    version, kind : str
        What owns it, where that is no Job.
    pull_secrets : sequence of dict
        By what images are pulled, as the field of a ServiceAccount.
    """
    selector = {isolation.JOB_LABEL: name}
    service = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": selector}
    found = [
        {**_named("v1", "Service", task, name), "spec": service},
        {**isolation.among(name), **_named("networking.k8s.io/v1", "NetworkPolicy", task, name)},
    ]
    values = dict(content.secrets)
    if content.files_url is not None:
        values[pods.FILES_URL] = content.files_url
    if values:
        found.append(_secret(task, name, {key: one.encode() for key, one in values.items()}))
    if content.files is not None:
        files = _named("v1", "ConfigMap", task, pods.files_of(name))
        data = {ARCHIVE: base64.b64encode(content.files).decode()}
        found.append({**files, "binaryData": data})
    if content.function is not None:
        found += _function(task, name, content.function, pull_secrets)
    owner = {
        "apiVersion": version,
        "kind": kind,
        "name": name,
        "uid": uid,
        # Whoever deletes the Job and waits finds all of it gone.
        "blockOwnerDeletion": True,
    }
    for one in found:
        one["metadata"] |= {"labels": isolation.labels(name), "ownerReferences": [owner]}
    return found


def _function(
    task: Task, name: str, function: Mapping[str, bytes], pull_secrets: Sequence[Manifest]
) -> list[Manifest]:
    """Return what a function needs: itself, and the right to write down what it returns."""
    names = [results.secret(name, rank) for rank in range(task.nodes)]
    rule = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": names,
        "verbs": ["patch"],
    }
    subject = {
        "kind": "ServiceAccount",
        "name": name,
        "namespace": isolation.namespace_of(task.pod_security),
    }
    role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    account = _named("v1", "ServiceAccount", task, name)
    account["automountServiceAccountToken"] = False
    if pull_secrets:
        account["imagePullSecrets"] = list(pull_secrets)
    return [
        _secret(task, pods.function_of(name), function),
        *(_secret(task, one, {}) for one in names),
        account,
        {**_named(f"{_RBAC}/v1", "Role", task, name), "rules": [rule]},
        {
            **_named(f"{_RBAC}/v1", "RoleBinding", task, name),
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def _secret(task: Task, name: str, values: Mapping[str, bytes]) -> Manifest:
    data = {key: Hidden(base64.b64encode(one).decode()) for key, one in values.items()}
    return {**_named("v1", "Secret", task, name), "type": "Opaque", "data": data}


def _named(version: str, kind: str, task: Task, name: str) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": isolation.namespace_of(task.pod_security),
            "labels": isolation.labels(name),
        },
    }

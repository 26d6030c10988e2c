"""Bring a job to Kubernetes, all of it or nothing.

The Job comes first, suspended and marked as incomplete. What belongs to it is
owned by it, so that with it goes everything; the last request takes the mark
away and lets it start. Whatever fails in between deletes the Job. When even
that is cut off, the mark says that nothing of it ever ran, and the next job of
its name takes its place.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

import kr8s.objects

from dotrain import objects
from dotrain.errors import (
    DotrainError,
    JobNameTaken,
    JobRefused,
    KubernetesError,
    KubernetesForbidden,
    KubernetesNotFound,
)
from dotrain.jobs import isolation, manifests
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.manifests import Content
from dotrain.jobs.records import JobRecord
from dotrain.jobs.task import Task
from dotrain.kube import Kube, repeated

RULES = (
    {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "patch"]},
    {
        "apiGroups": ["batch"],
        "resources": ["jobs"],
        "verbs": ["get", "create", "patch", "delete"],
    },
    {
        "apiGroups": ["networking.k8s.io"],
        "resources": ["networkpolicies"],
        "verbs": ["get", "create", "patch"],
    },
    {
        "apiGroups": [""],
        "resources": ["services", "configmaps", "serviceaccounts"],
        "verbs": ["get", "create"],
    },
    # Nobody may give a right that is not his own: a function's Pods write its result.
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch"]},
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
        "verbs": ["get", "create"],
    },
)
"""What it needs of Kubernetes, with the lists before it, as rules of a ClusterRole."""

# Requests at once: a function has a Secret for each node's result.
_AT_ONCE = 8
_SUBMISSION_BYTES = 4
# Seconds for what belonged to a deleted job of the same name to go, and between two looks.
_PATIENCE, _PAUSE = 30.0, 0.1
_VIOLATES = "would violate PodSecurity"


def submit(kube: Kube, task: Task, name: str, place: Place, content: Content) -> JobRecord:
    """Submit a job, and return it when Kubernetes has all of it and may start it.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    task : Task
        What it should be.
    name : str
        What it is called.
    place : Place
        Where it runs.
    content : Content
        What it gets.

    Raises
    ------
    JobNameTaken
        When there is a job of that name, or something of others' in its place.
    JobRefused
        When the cluster's admission control does not let its Pods in.
    KubernetesError, KubernetesUnreachable, AddressMoved
        See each. Nothing of the job is left, unless the API cannot be reached.
    """
    level = task.pod_security
    wanted = manifests.job(task, name, place, content, mark())
    apply(kube, isolation.namespace(level))

    def belongings(uid: str) -> list[Manifest]:
        return [isolation.closed(level), *manifests.owned(task, name, content, uid)]

    return JobRecord(kube, bring(kube, wanted, belongings, kr8s.objects.Job))


def mark() -> str:
    """Return by what a submission is known from another of the same name."""
    return secrets.token_hex(_SUBMISSION_BYTES)


def bring(
    kube: Kube,
    wanted: Manifest,
    belongings: Callable[[str], Iterable[Manifest]],
    kind: type[Any],
) -> Manifest:
    """Make an object that is suspended, then what belongs to it, let it start, and return it.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    wanted : mapping
        The object, suspended and marked as incomplete.
    belongings : callable
        Returns what belongs to it, given its UID. What it does not own may be
        there already, and is made as it should be.
    kind : type
        What kr8s knows it by.

    Raises
    ------
    JobNameTaken, JobRefused, KubernetesError, KubernetesUnreachable, AddressMoved
        As `submit`.
    """
    made = _create(kube, wanted)
    metadata = made["metadata"]
    try:
        wanted_too = list(belongings(metadata["uid"]))
        # Who is no administrator can bind a Role only when it is there.
        bindings = [one for one in wanted_too if one["kind"] == "RoleBinding"]
        others = [one for one in wanted_too if one not in bindings]
        for some in (others, bindings):
            _together(partial(_add, kube, one, metadata["uid"]) for one in some)
        change, namespace = manifests.start(), metadata["namespace"]
        repeated(partial(kube.patch, kind, metadata["name"], change, namespace=namespace))
    except BaseException:
        # An interrupt, too. What cannot be deleted stays marked, and never starts.
        with suppress(DotrainError):
            _remove(kube, made)
        raise
    return made


def _add(kube: Kube, wanted: Manifest, uid: str) -> None:
    if "ownerReferences" in wanted["metadata"]:
        _give(kube, wanted, uid)
    else:
        apply(kube, wanted)


def _create(kube: Kube, wanted: Manifest) -> Manifest:
    """Make the Job, in the place of one that was never completed."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            made, warnings = repeated(partial(kube.create, wanted))
        except KubernetesForbidden as error:
            raise _refused(wanted, error.why) from error
        except KubernetesError as error:
            if error.status != HTTPStatus.CONFLICT or time.monotonic() > deadline:
                raise
        else:
            said = [one for one in warnings if _VIOLATES in one]
            if said:
                _remove(kube, made)
                raise _refused(wanted, " ".join(said))
            return made
        there = _there(kube, wanted)
        if there is not None:
            return there


def _remove(kube: Kube, made: Manifest) -> None:
    """Delete a Job with all that it owns; a TrainJob would make some of that anew meanwhile."""
    path, uid = objects.location(made), made["metadata"]["uid"]
    kube.delete(path, uid=uid, owned_first=made["kind"] == "Job")


def _there(kube: Kube, wanted: Manifest) -> Manifest | None:
    """Return the Job when it is there by this very submission, None when the name is free now."""
    path = objects.location(wanted)
    try:
        found = kube.read(path)
    except KubernetesNotFound:
        return None
    mark = (found["metadata"].get("annotations") or {}).get(manifests.INCOMPLETE)
    # An answer was lost, and the request repeated.
    if mark == wanted["metadata"]["annotations"][manifests.INCOMPLETE]:
        return found
    if mark is None and "deletionTimestamp" not in found["metadata"]:
        raise _taken(found)
    _remove(kube, found)
    time.sleep(_PAUSE)
    return None


def _give(kube: Kube, wanted: Manifest, uid: str) -> None:
    """Make what belongs to a Job, as soon as what belonged to the last of its name is gone."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            repeated(partial(kube.create, wanted))
        except KubernetesError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        else:
            return
        with suppress(KubernetesNotFound):
            found = kube.read(objects.location(wanted))
            owners = found["metadata"].get("ownerReferences") or []
            # An answer was lost, and the request repeated.
            if any(one["uid"] == uid for one in owners):
                return
            if not _leaves(kube, found) or time.monotonic() > deadline:
                raise _taken(found)
        time.sleep(_PAUSE)


def _leaves(kube: Kube, found: Manifest) -> bool:
    """Return whether what belonged to a job is about to go, as that is gone or goes itself."""
    metadata = found["metadata"]
    if "deletionTimestamp" in metadata:
        return True
    for owner in metadata.get("ownerReferences") or ():
        place = {"name": owner["name"], "namespace": metadata["namespace"]}
        with suppress(KubernetesNotFound):
            job = kube.read(objects.location({**owner, "metadata": place}))
            if job["metadata"]["uid"] == owner["uid"]:
                return "deletionTimestamp" in job["metadata"]
        return True
    return False


def apply(kube: Kube, manifest: Manifest) -> None:
    """Make an object, new or changed; tried again when that may help."""
    repeated(partial(kube.apply, objects.location(manifest), manifest))


def _together(calls: Iterable[Callable[[], Any]]) -> None:
    """Call all of these at once, and raise what the first that failed raised."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        begun = [threads.submit(call) for call in calls]
        try:
            for one in begun:
                one.result()
        finally:
            # After a failure or an interrupt, what has not begun need not.
            for one in begun:
                one.cancel()


def _taken(found: Manifest) -> JobNameTaken:
    metadata = found["metadata"]
    kind, name = found["kind"], metadata["name"]
    if kind not in ("Job", "TrainJob"):
        return JobNameTaken(
            f"There is a {kind} {name!r} in {metadata['namespace']!r} already.",
            "It belongs to no job that is being deleted.",
            "Choose another name, or delete it.",
        )
    ended = {"Complete": "has succeeded", "Failed": "has failed"}
    how = [text for what, text in ended.items() if objects.condition(found, what)]
    return JobNameTaken(
        f"There is a job {name!r} already.",
        f"It was made at {metadata['creationTimestamp']} and {' '.join(how) or 'has not ended'}.",
        f"Choose another name, leave name= out, or call job({name!r}).delete() first.",
    )


def _refused(wanted: Manifest, why: str) -> JobRefused:
    metadata = wanted["metadata"]
    return JobRefused(
        f"The cluster does not let the job {metadata['name']!r} in.",
        why,
        f"The namespace is {metadata['namespace']!r}: pod_security='baseline' or 'privileged' "
        "lets a job do more; other rules are those of whoever runs the cluster.",
        status=HTTPStatus.FORBIDDEN,
    )

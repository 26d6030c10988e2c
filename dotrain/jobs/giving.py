"""Make what belongs to a job in Kubernetes, and the namespace that it is in."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from dotrain import objects
from dotrain.errors import KubernetesError, KubernetesNotFound
from dotrain.jobs import isolation, manifests, refusals
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task
from dotrain.kube import Kube, repeated

# Seconds for what belonged to a deleted job of the same name to go, and between two looks.
_PATIENCE, _PAUSE = 30.0, 0.1


def claim(kube: Kube, level: str) -> None:
    """Make the namespace of a level, or raise JobNameTaken when it is somebody else's."""
    wanted = isolation.namespace(level)
    with suppress(KubernetesNotFound):
        found = kube.read(objects.location(wanted))
        if not isolation.is_own(found):
            raise refusals.of_others(found)
    apply(kube, wanted)


def owned(
    kube: Kube, task: Task, name: str, content: Content, uid: str, **owner: str
) -> list[Manifest]:
    """Return what belongs to a job, as `manifests.owned`, in this cluster."""
    pull_secrets: list[Manifest] = []
    if content.function is not None:
        # A registry of DigitalOcean is let in by way of that account alone
        # (https://docs.digitalocean.com/products/container-registry/).
        namespace = isolation.namespace_of(task.pod_security)
        with suppress(KubernetesNotFound):
            account = kube.read(f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
            pull_secrets = account.get("imagePullSecrets") or []
    return manifests.owned(task, name, content, uid, pull_secrets=pull_secrets, **owner)


def add(kube: Kube, wanted: Manifest, uid: str) -> None:
    """Make what belongs to the Job of that UID; what it does not own, new or changed."""
    if "ownerReferences" in wanted["metadata"]:
        _give(kube, wanted, uid)
    else:
        apply(kube, wanted)


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
                raise refusals.taken(found)
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

"""Bring a job to Kubernetes, all of it or nothing.

The Job comes first, suspended and marked as incomplete. What belongs to it is
owned by it, so that with it goes everything; the last request takes the mark
away and lets it start. Whatever fails in between deletes the Job. When even
that is cut off, the mark says that nothing of it ever ran, and the next job of
its name takes its place.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any

import kr8s.objects

from dotrain import objects
from dotrain.errors import (
    AddressMoved,
    DotrainError,
    KubernetesError,
    KubernetesNotFound,
    KubernetesUnreachable,
)
from dotrain.jobs import giving, isolation, manifests, refusals
from dotrain.jobs.fitting import Place
from dotrain.jobs.isolation import Manifest
from dotrain.jobs.manifests import Content
from dotrain.jobs.records import JobRecord
from dotrain.jobs.task import Task
from dotrain.kube import Kube, may_pass, repeated

RULES = (
    {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "create", "patch"]},
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
# Seconds for a deleted job of the same name to go after its grace, and between two looks.
_PATIENCE, _PAUSE = 30.0, 0.5
# What is marked for longer has been given up: between its first and its last request
# a submission waits for nobody.
_YOUNG = dt.timedelta(seconds=60)
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
        When there is a job of that name, or something of others' in its place,
        also its namespace.
    JobUncertain
        When the API cannot be reached at the end: it may run, with all it needs.
    JobRefused
        When the cluster's admission control does not let its Pods in.
    KubernetesError, KubernetesUnreachable, AddressMoved
        See each. Nothing of the job is left, unless the API cannot be reached.
    """
    level = task.pod_security
    wanted = manifests.job(task, name, place, content, mark())
    giving.claim(kube, level)

    def belongings(uid: str) -> list[Manifest]:
        return [isolation.closed(level), *giving.owned(kube, task, name, content, uid)]

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
    JobNameTaken, JobUncertain, JobRefused, KubernetesError, KubernetesUnreachable, AddressMoved
        As `submit`.
    """
    made = _create(kube, wanted)
    metadata, complete = made["metadata"], False
    try:
        wanted_too = list(belongings(metadata["uid"]))
        # Who is no administrator can bind a Role only when it is there.
        bindings = [one for one in wanted_too if one["kind"] == "RoleBinding"]
        others = [one for one in wanted_too if one not in bindings]
        for some in (others, bindings):
            _together(partial(giving.add, kube, one, metadata["uid"]) for one in some)
        complete = True
        _start(kube, made, kind)
    except BaseException as error:
        # An interrupt, too. What is incomplete and cannot be deleted never starts.
        try:
            _remove(kube, made)
        except DotrainError:
            if complete:
                raise refusals.uncertain(made, error) from error
        raise
    return made


def _start(kube: Kube, made: Manifest, kind: type[Any]) -> None:
    """Let a complete Job start; an answer that is lost is asked for."""
    metadata = made["metadata"]
    change, namespace = manifests.start(metadata["uid"]), metadata["namespace"]
    ask = partial(kube.patch, kind, metadata["name"], change, namespace=namespace)
    try:
        repeated(ask, on=_may_be_heard)
    except KubernetesError as error:
        found = _seen(kube, made, error)
        if found is None or found["metadata"]["uid"] != metadata["uid"]:
            raise refusals.replaced(made) from error
        if _mark(found) is not None:
            raise


def _seen(kube: Kube, made: Manifest, error: KubernetesError) -> Manifest | None:
    """Return what has the place of a Job, None for nothing; raise `error` when nobody says."""
    try:
        return kube.read(objects.location(made))
    except KubernetesNotFound:
        return None
    except DotrainError:
        raise error from None


def _may_be_heard(error: Exception) -> bool:
    """Return whether a request that does no harm twice may be answered the next time."""
    lost = isinstance(error, KubernetesUnreachable) and not isinstance(error, AddressMoved)
    return lost or may_pass(error)


def _create(kube: Kube, wanted: Manifest) -> Manifest:
    """Make the Job, in the place of one that was never completed."""
    deadline = time.monotonic() + _PATIENCE
    waited = False
    while True:
        try:
            return _made(kube, wanted)
        except KubernetesError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        try:
            found = kube.read(objects.location(wanted))
        except KubernetesNotFound:
            continue
        # An answer was lost, and the request repeated.
        if _mark(found) == _mark(wanted):
            return found
        if not waited:
            waited, deadline = True, deadline + _grace(found)
        if not _makes_room(found) or time.monotonic() > deadline:
            raise refusals.taken(found)
        if "deletionTimestamp" not in found["metadata"]:
            _remove(kube, found)
        time.sleep(_PAUSE)


def _made(kube: Kube, wanted: Manifest) -> Manifest:
    """Make the Job, unless there is one, or it is not let in."""
    try:
        made, warnings = repeated(partial(kube.create, wanted))
    except KubernetesError as error:
        if error.status == HTTPStatus.CONFLICT:
            raise
        refusal = refusals.explained(wanted, error)
        if refusal is error:
            raise
        raise refusal from error
    said = [one for one in warnings if _VIOLATES in one]
    if said:
        _remove(kube, made)
        raise refusals.refused(wanted, " ".join(said))
    return made


def _remove(kube: Kube, made: Manifest) -> None:
    """Delete a Job with all that it owns; a TrainJob would make some of that anew meanwhile."""
    path, uid = objects.location(made), made["metadata"]["uid"]
    try:
        kube.delete(path, uid=uid, owned_first=made["kind"] == "Job")
    except KubernetesError as error:
        # It is gone, and another has its name.
        if error.status != HTTPStatus.CONFLICT:
            raise


def _mark(job: Manifest) -> str | None:
    """Return by which submission a Job is incomplete; None when it is complete."""
    mark: str | None = (job["metadata"].get("annotations") or {}).get(manifests.INCOMPLETE)
    return mark


def _makes_room(job: Manifest) -> bool:
    """Return whether a Job is on its way out, or may be sent there: it was given up long ago."""
    if "deletionTimestamp" in job["metadata"]:
        return True
    age = dt.datetime.now(dt.timezone.utc) - objects.created(job)
    return _mark(job) is not None and age > _YOUNG


def _grace(job: Manifest) -> float:
    """Return how many seconds the Pods of a Job may go on after they were told to end."""
    pod = (job["spec"].get("template") or {}).get("spec") or {}
    return float(pod.get("terminationGracePeriodSeconds") or 0)


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

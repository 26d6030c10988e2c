"""Why a job was not submitted, in words: pure, from what Kubernetes says and has."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dotrain import objects
from dotrain.errors import (
    JobNameTaken,
    JobRefused,
    JobUncertain,
    KubernetesError,
)
from dotrain.jobs.manifests import INCOMPLETE

# What the API says where no admission control has spoken, but its own rules of access.
_NO_RIGHT = "cannot create resource"
_TERMINATING = "because it is being terminated"
_WEBHOOK = "admission webhook"


def explained(wanted: Mapping[str, Any], error: KubernetesError) -> KubernetesError:
    """Return the error of whoever refused to make a job's object, with what helps."""
    namespace = wanted["metadata"]["namespace"]
    if _TERMINATING in error.why:
        return KubernetesError(
            f"The namespace {namespace!r} is being deleted.",
            "Nothing can be made in it until it is gone.",
            "Wait for that, then run the same call again.",
            status=error.status,
        )
    forbidden = error.status == HTTPStatus.FORBIDDEN and _NO_RIGHT not in error.why
    return refused(wanted, error.why) if forbidden or _WEBHOOK in error.why else error


def refused(wanted: Mapping[str, Any], why: str) -> JobRefused:
    """Return the error for a job that admission control does not let in."""
    metadata = wanted["metadata"]
    return JobRefused(
        f"The cluster does not let the job {metadata['name']!r} in.",
        why,
        f"The namespace is {metadata['namespace']!r}: pod_security='baseline' or 'privileged' "
        "lets a job do more; other rules are those of whoever runs the cluster.",
        status=HTTPStatus.FORBIDDEN,
    )


def taken(found: Mapping[str, Any]) -> JobNameTaken:
    """Return the error for a name that something has already."""
    metadata = found["metadata"]
    kind, name = found["kind"], metadata["name"]
    if kind not in ("Job", "TrainJob"):
        return JobNameTaken(
            f"There is a {kind} {name!r} in {metadata['namespace']!r} already.",
            "It belongs to no job that is being deleted.",
            "Choose another name, or delete it.",
        )
    if "deletionTimestamp" in metadata:
        how = "is being deleted"
        fix = "Wait until job() finds it no more, or choose another name."
    elif INCOMPLETE in (metadata.get("annotations") or {}):
        how = "is being submitted"
        fix = "If that was cut off, run the same call again in a minute; or choose another name."
    else:
        ended = {"Complete": "has succeeded", "Failed": "has failed"}
        ends = [text for what, text in ended.items() if objects.condition(found, what)]
        how = " ".join(ends) or "has not ended"
        fix = f"Choose another name, leave name= out, or call job({name!r}).delete() first."
    made = f"It was made at {metadata['creationTimestamp']} and {how}."
    return JobNameTaken(f"There is a job {name!r} already.", made, fix)


def replaced(made: Mapping[str, Any]) -> JobNameTaken:
    """Return the error for a job that is gone before it was let start."""
    name = made["metadata"]["name"]
    return JobNameTaken(
        f"The job {name!r} was deleted before it started.",
        "Somebody else did that, or submitted one of the same name.",
        "Run the same call again, or choose another name.",
    )


def of_others(namespace: Mapping[str, Any]) -> JobNameTaken:
    """Return the error for a namespace that dotrain has not made."""
    name = namespace["metadata"]["name"]
    return JobNameTaken(
        f"There is a namespace {name!r} already, which is not dotrain's.",
        "Jobs run in a namespace of that name, and nobody gets in to any Pod of it.",
        f"Move what is in it elsewhere and delete it; or hand it over, with `kubectl label "
        f"namespace {name} app.kubernetes.io/managed-by=dotrain`.",
    )


def uncertain(made: Mapping[str, Any], error: BaseException) -> JobUncertain:
    """Return the error for a job of which nobody knows whether it has started."""
    name = made["metadata"]["name"]
    why = error.why if isinstance(error, KubernetesError) else "It was interrupted."
    status = error.status if isinstance(error, KubernetesError) else None
    return JobUncertain(
        f"The job {name!r} may run, or not: the request to start it had no answer.",
        why,
        f"Call job({name!r}) when the cluster can be reached again, and delete() that if it is "
        "not wanted; what it has in storage stays until then.",
        name=name,
        status=status,
    )

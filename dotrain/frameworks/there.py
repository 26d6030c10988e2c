"""What is in a cluster under a name already: whether it is what is asked for, and whose it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dotrain import objects
from dotrain.errors import KubernetesNotFound, SpecError
from dotrain.frameworks import sizing
from dotrain.jobs.task import Task
from dotrain.kube import Kube
from dotrain.objects import Json

_MADE_OF = "dotrain/made-of"


def worker(name: str, asked: Mapping[str, Any]) -> Task:
    """Return a worker as a job on one node, as which it is checked and finds its place.

    Parameters
    ----------
    name : str
        What its cluster is called.
    asked : mapping
        What its user asks for; see `Framework.start`.
    """
    task = {key: asked[key] for key in ("cpus", "memory", "pool")}
    task |= {"image": asked["image"] or name, "gpus_per_node": asked["gpus"] or 0}
    return Task(["worker"], name=name, env=asked["env"] or {}, **task)


def noted(made: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotation by which a cluster says what it was made of."""
    return {_MADE_OF: json.dumps(made)}


def made_of(found: Json) -> dict[str, Any]:
    """Return what a cluster says that it was made of; SpecError where it does not."""
    said = (found["metadata"].get("annotations") or {}).get(_MADE_OF)
    if said is None:
        raise SpecError(
            f"There is a {found['kind']} {found['metadata']['name']!r} already.",
            "dotrain has not made it.",
            "Give another name=.",
        )
    made: dict[str, Any] = json.loads(said)
    return made


def check_made(found: Json, asked: Mapping[str, Any], closing: str) -> None:
    """Raise SpecError when a cluster was made otherwise than is asked for.

    Parameters
    ----------
    found : mapping
        Its object.
    asked : mapping
        What its user asks for; see `Framework.start`.
    closing : str
        The method that deletes it.
    """
    other = sizing.other(made_of(found), asked)
    if other:
        name = found["metadata"]["name"]
        given = " and ".join(f"{one}=" for one in other)
        raise SpecError(
            f"There is a {found['kind']} {name!r} already.",
            f"It was made with another {given}.",
            f"Leave that out, give another name=, or call {closing}({name!r}) first.",
        )


def check_name(kube: Kube, policy: Json, kind: str) -> None:
    """Raise SpecError when the policy of a cluster belongs to something else of its name.

    Parameters
    ----------
    kube : Kube
        The cluster's Kubernetes API.
    policy : mapping
        The policy.
    kind : str
        Of the cluster's object.
    """
    with suppress(KubernetesNotFound):
        owners = kube.read(objects.location(policy))["metadata"].get("ownerReferences") or ()
        others = [one["kind"] for one in owners if one["kind"] != kind]
        if others:
            raise SpecError(
                f"There is a {others[0]} {policy['metadata']['name']!r} already.",
                "Pods of the same name let each other in.",
                "Give another name=, or delete that first.",
            )

"""Take a cluster down, and prove that nothing of it is left.

Pulumi deletes what it knows. What it does not know of (an object whose making
was cut off, a load balancer that Kubernetes made) is found by label and deleted
too, and then the account is read again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from dotrain import account, names, stack
from dotrain.account import Object
from dotrain.api import Api
from dotrain.engine.driver import Driver
from dotrain.engine.progress import Progress
from dotrain.errors import (
    ApiError,
    ClusterNotFound,
    OperationFailed,
    TeardownIncomplete,
)
from dotrain.turn import Turn

# DigitalOcean deletes clusters in the background, usually within minutes.
_PATIENCE = 15 * 60.0
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0


class Gone(NamedTuple):
    """How many objects of a kind there were before a teardown, and are after it."""

    kind: str
    found: int
    left: int


def down(turn: Turn) -> list[Gone]:
    """Delete the cluster of `turn` with everything around it, and return what went.

    Raises
    ------
    ClusterNotFound
        When there is neither a stack nor anything labelled with the name.
    TeardownIncomplete
        When something is left; it carries what.
    EngineError, ApiError
        See the two.
    """
    target, name, progress = turn.target, turn.name, turn.progress
    remembered = stack.read(target, name)
    cluster_id = remembered.resources.get("cluster") if remembered else None
    with closing(Api(target)) as api:
        before = account.belongings(api, name, cluster_id)
        if remembered is None and not before:
            raise ClusterNotFound(
                f"There is no cluster {name!r} on {target.kind}.",
                "Neither the state nor the account knows the name.",
                "dotrain.clusters() lists the clusters that exist.",
            )
        if remembered is not None:
            _destroy(turn.driver(), api, name, cluster_id, progress)
        ids = [one.id for one in before if one.kind == "cluster"]
        left = _sweep(api, name, cluster_id or next(iter(ids), None), progress)
        _drop_shared_label(api)
    return _proof(name, before, left)


def _destroy(
    driver: Driver, api: Api, name: str, cluster_id: str | None, progress: Progress
) -> None:
    """Let Pulumi destroy the stack, again when a network outlived its cluster's deletion."""
    try:
        driver.destroy(progress)
    except OperationFailed as error:
        if not all(failure.startswith("vpc: ") for failure in error.failures):
            raise
        # The provider gives a network two minutes to become empty. Wait for
        # the cluster to be gone, whatever else is left, and try once more.
        _wait(lambda: _clusters_left(api, name, cluster_id), time.monotonic() + _PATIENCE)
        progress.forgive()
        driver.destroy(progress)


def _clusters_left(api: Api, name: str, cluster_id: str | None) -> list[Object]:
    return [
        one
        for one in account.belongings(api, name, cluster_id)
        if one.kind in ("cluster", "Droplet")
    ]


def _sweep(api: Api, name: str, cluster_id: str | None, progress: Progress) -> list[Object]:
    """Delete what carries the cluster's label until nothing does; return what stays."""
    deadline = time.monotonic() + _PATIENCE
    asked: set[str] = set()

    def left() -> list[Object]:
        found = account.belongings(api, name, cluster_id)
        if found:
            # Kinds go one after the other: a firewall stays while it guards something.
            first = account.KINDS.index(found[0].kind)
            for one in found:
                if account.KINDS.index(one.kind) == first and one.id not in asked:
                    _delete(api, one, asked, progress)
        return found

    return _wait(left, deadline)


def _delete(api: Api, one: Object, asked: set[str], progress: Progress) -> None:
    # A cluster's machines go with it, and cannot be deleted one by one.
    if one.kind == "Droplet":
        return
    try:
        api.delete(one.path)
    except ApiError as error:
        if error.status not in (403, 409):
            raise
        # Still in use: asked again in the next round.
        return
    asked.add(one.id)
    progress.note(f"Deleted the {one.kind} {one.name}, which the state did not know.")


def _wait(left: Callable[[], list[Object]], deadline: float) -> list[Object]:
    wait = _FIRST_WAIT
    while True:
        found = left()
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT)


def _drop_shared_label(api: Api) -> None:
    """Delete the tag that all clusters share when this was the last one."""
    if not any(names.LABEL in one["tags"] for one in account.clusters(api)):
        api.delete(f"/v2/tags/{names.LABEL}")


def _proof(name: str, before: Sequence[Object], left: Sequence[Object]) -> list[Gone]:
    if left:
        kinds = ", ".join(f"{one.kind} {one.name}" for one in left)
        import pandas as pd

        raise TeardownIncomplete(
            f"Something of {name!r} is left: {kinds}.",
            f"DigitalOcean had not deleted it after {_PATIENCE / 60:.0f} minutes.",
            "Run down() again in a while; until it is gone it may be billed.",
            left=pd.DataFrame(
                [(one.kind, one.id, one.name) for one in left], columns=["kind", "id", "name"]
            ),
        )
    return [Gone(kind, sum(one.kind == kind for one in before), 0) for kind in account.KINDS]

"""Take the training nodes of a cluster for a sweep, with its state or without."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from dotrain import operations, stack, verdicts
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.errors import ApiError
from dotrain.target import Target


def pause(target: Target, cluster: Mapping[str, Any], *, patience: float) -> None:
    """Take the training nodes of a cluster; the cluster and its own services stay.

    Where its state is known that notes it, so that no `up` brings them back
    before somebody resumes it.

    Parameters
    ----------
    target : Target
        The account.
    cluster : mapping
        As the API describes it.
    patience : float
        Seconds to wait for an operation on another machine.

    Raises
    ------
    DotrainError
        As `operations.apply` and `Api.delete`.
    """
    name = cluster["name"]
    remembered = stack.read(target, name)
    if remembered and remembered.spec and not remembered.spec.paused:
        operations.apply(
            target,
            replace(remembered.spec, paused=True),
            before=remembered.spec,
            title=f"pause {name}",
            find_me=False,
            # What is idle has nothing to move; what has no money left, no time.
            leave=Terms(drain=False),
            patience=patience,
        )
        return
    path = f"/v2/kubernetes/clusters/{cluster['id']}"
    with closing(Api(target)) as api:
        for pool in verdicts.training_pools(cluster):
            _take_pool(api, path, pool["id"])


def _take_pool(api: Api, path: str, pool: str) -> None:
    try:
        api.delete(f"{path}/node_pools/{pool}")
    except ApiError:
        # Another sweep may have been quicker.
        now = api.get(path)["kubernetes_cluster"]
        if any(one["id"] == pool for one in verdicts.training_pools(now)):
            raise

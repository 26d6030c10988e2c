"""Take in what an operation made and its state does not know.

That happens when the engine is killed between a request and its note of the
answer, or when waiting for what was asked for fails. A second one would be
refused, or worse, made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dotrain import account, config, names
from dotrain.api import Api
from dotrain.belongings import Search
from dotrain.engine.progress import Progress
from dotrain.errors import NotFound, OperationFailed
from dotrain.spec import ClusterSpec
from dotrain.turn import Turn

_KEY_OF = {"cluster": "cluster", "firewall": "firewall", "VPC": "vpc", "database": "database"}
_CLUSTERS = "/v2/kubernetes/clusters"
_LISTS = {
    "vpc": "/v2/vpcs",
    "firewall": "/v2/firewalls",
    "database": "/v2/databases",
}
_LOOK = 5.0
# Two minutes of looks for what is in a list, and does not exist by its id.
_UNSEEN = 24
# As long as the engine itself waits for a cluster that it makes.
_PATIENCE = 45 * 60.0


def find(
    api: Api, spec: ClusterSpec, missing: set[str], clusters: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the ids of objects of `spec` that exist, by their names in the program.

    Parameters
    ----------
    api : Api
        The account.
    spec : ClusterSpec
        What should be.
    missing : set of str
        The names in the program of what the state does not know.
    clusters : iterable of mapping
        The clusters of the account.
    """
    there: dict[str, str] = {}
    if missing & set(_KEY_OF.values()):
        for one in Search(api, spec.name).find(_KEY_OF):
            there.setdefault(_KEY_OF.get(one.kind, ""), one.id)
    made = {names.pool_name(pool): names.pool_key(pool) for pool in spec.live_pools}
    for cluster in clusters:
        if names.label(spec.name) in cluster["tags"]:
            for pool in cluster["node_pools"]:
                there.setdefault(made.get(pool["name"], ""), pool["id"])
    return {key: there[key] for key in missing & there.keys()}


def alone(api: Api, name: str, firewall_id: str, progress: Progress) -> bool:
    """Delete every firewall of the cluster but one, and return whether that one is in force.

    A request that was carried out although its answer was an error is made
    again by the provider: then there are two, and Pulumi knows the second. What
    they let in adds up, so whom the first lets in nobody would ever shut out.

    Parameters
    ----------
    api : Api
        The account.
    name : str
        The cluster's name.
    firewall_id : str
        The firewall that stays.
    progress : Progress
        What to report to.
    """
    found = {one.id: one for one in Search(api, name).find({"firewall"})}
    kept = found.pop(firewall_id, None)
    if kept is None:
        # Not shown yet, or gone: nothing is deleted that may be the only one.
        return True
    for one in found.values():
        api.delete(one.path)
        progress.note(f"Deleted a second firewall {one.name}, which a repeated request had made.")
    return bool(kept.described.get("status") != "failed")


def wait_until_gone(api: Api, name: str, turn: Turn) -> list[dict[str, Any]]:
    """Return the clusters of the account once none called `name` is being deleted."""

    def going(clusters: Iterable[Mapping[str, Any]]) -> bool:
        tag = names.label(name)
        return any(tag in one["tags"] and account.is_going(one) for one in clusters)

    def look() -> str:
        found[:] = account.clusters(api)
        return f"The old cluster {name} is still being deleted" if going(found) else ""

    found: list[dict[str, Any]] = []
    wait(look, turn)
    return found


def wait_until_ready(
    api: Api, orphans: Mapping[str, str], cluster_id: str | None, turn: Turn
) -> None:
    """Wait until what is to be adopted is ready: the engine does not wait for what it adopts.

    Parameters
    ----------
    api : Api
        The account.
    orphans : mapping of str to str
        What `find` found.
    cluster_id : str or None
        The cluster that the state knows.
    turn : Turn
        The operation.

    Raises
    ------
    OperationFailed
        When DigitalOcean failed to make it, or it is not ready after 45 minutes.
    ApiError
        When it cannot be read, or is in a list and still not shown by its id after two.
    """
    _wait_for(api, orphans, cluster_id, turn, _still)


def wait_until_shown(
    api: Api, orphans: Mapping[str, str], cluster_id: str | None, turn: Turn
) -> None:
    """Wait until what is to be adopted can be read, though it may never become ready.

    Takes and raises what `wait_until_ready` does.
    """
    _wait_for(api, orphans, cluster_id, turn, lambda *_: "")


def _wait_for(
    api: Api,
    orphans: Mapping[str, str],
    cluster_id: str | None,
    turn: Turn,
    still: Callable[[str, Mapping[str, Any]], str],
) -> None:
    """Wait until each can be read, and `still` has nothing to say of what the API answers."""
    looks = 0

    def look() -> str:
        nonlocal looks
        looks += 1
        for key, path in _paths(orphans, cluster_id).items():
            try:
                waiting = still(key, api.get(path))
            except NotFound:
                # The lists of the API may know what is new sooner than its pages do.
                if looks > _UNSEEN:
                    raise
                waiting = "is not shown yet"
            if waiting:
                return f"The {_word(key)}, found half-made, {waiting}"
        return ""

    wait(look, turn)


def wait(look: Callable[[], str], turn: Turn) -> None:
    """Wait until `look` returns nothing; what it returns is what is waited for.

    Raises
    ------
    OperationFailed
        When it still returns something after 45 minutes.
    """
    pause = config.sandbox_poll() if turn.target.is_sandbox else _LOOK
    deadline = time.monotonic() + _PATIENCE
    told = ""
    while waiting := look():
        turn.refuse_interrupted()
        if time.monotonic() > deadline:
            raise OperationFailed(
                f"{turn.progress.title} stopped.",
                f"{waiting} after {_PATIENCE / 60:.0f} minutes.",
                "Run the same call again to wait on, or down() to remove it.",
            )
        if waiting != told:
            told = waiting
            turn.progress.note(f"{waiting}: waiting.")
        time.sleep(pause)


def _paths(orphans: Mapping[str, str], cluster_id: str | None) -> dict[str, str]:
    """Return where the API shows each of `orphans`."""
    lists = {**_LISTS, "cluster": _CLUSTERS}
    # Where the state is lost, the cluster is one of them.
    pools = f"{_CLUSTERS}/{orphans.get('cluster', cluster_id)}/node_pools"
    return {
        key: f"{pools if names.is_pool_key(key) else lists[key]}/{one}"
        for key, one in orphans.items()
    }


def _word(key: str) -> str:
    return f"node pool {names.pool_of_key(key)}" if names.is_pool_key(key) else key


def _still(key: str, answer: Mapping[str, Any]) -> str:
    """Return why something is not ready; empty when it is."""
    if key == "cluster":
        cluster = answer["kubernetes_cluster"]
        state = cluster["status"]
        if state["state"] in ("error", "invalid"):
            raise OperationFailed(
                f"The cluster {cluster['name']!r} could not be made.",
                f"DigitalOcean says: {(state.get('message') or state['state']).rstrip('.')}.",
                f"Call down({cluster['name']!r}) to remove it, then up() again.",
            )
        ready = state["state"] != "provisioning"
    elif key == "database":
        ready = answer["database"].get("status") != "creating"
    elif names.is_pool_key(key):
        pool = answer["node_pool"]
        nodes = pool.get("nodes") or ()
        running = sum(node["status"]["state"] == "running" for node in nodes)
        ready = running >= pool["count"]
    else:
        ready = True
    return "" if ready else "is not ready"

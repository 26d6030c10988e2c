"""What is wrong after a case: nothing, it is hoped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from dotrain import names
from tests.crash.account import Account
from tests.crash.cases import NAME

_CLUSTER = re.compile(r"/v2/kubernetes/clusters/([^/?]+)(/.*/dangerous)?")
_FIREWALL = re.compile(r"/v2/firewalls/([^/?]+)")


def complete(account: Account, address: str) -> Iterator[str]:
    """Yield what is wrong with a cluster that should be whole, and entered from `address`."""
    objects, remembered = account.objects(), account.state()
    if remembered is None or remembered.spec is None:
        yield "there is no state"
        return
    there = {
        "cluster": _labelled(objects["clusters"]),
        "firewall": _named(objects["firewalls"]),
        "vpc": _named(objects["vpcs"]),
        "database": _labelled(objects["databases"]),
    }
    database = remembered.spec.database is not None
    for kind, found in there.items():
        if len(found) != (1 if kind != "database" or database else 0):
            yield f"{len(found)} of {kind}"
        ids = {one["id"] for one in found}
        if ids != {remembered.resources[kind]} if kind in remembered.resources else ids:
            yield f"the state's {kind} is {remembered.resources.get(kind)}, there is {ids}"
    if len(there["cluster"]) == 1:
        yield from _pools(there["cluster"][0], remembered.spec.live_pools, remembered.resources)
        allowed = there["cluster"][0]["control_plane_firewall"]
        if not allowed["enabled"] or allowed["allowed_addresses"] != [f"{address}/32"]:
            yield f"the control plane lets in {allowed}"
    for firewall in there["firewall"]:
        entering = {
            one for rule in firewall["inbound_rules"] for one in rule["sources"]["addresses"]
        }
        if entering != {f"{address}/32"}:
            yield f"the firewall lets in {entering}"


def living(account: Account) -> set[str]:
    """Return the ids of the clusters that are not being deleted."""
    clusters = _labelled(account.objects()["clusters"])
    return {one["id"] for one in clusters if one["status"]["state"] != "deleting"}


def gone(account: Account) -> Iterator[str]:
    """Yield what is left of a cluster that should be gone."""
    for kind, found in account.objects().items():
        ours = [
            one
            for one in found
            if one.get("name") in (NAME, names.object_name(NAME), names.label(NAME))
            or names.label(NAME) in (one.get("tags") or ())
        ]
        if ours:
            yield f"{len(ours)} of {kind} left"
    if account.deployment() is not None:
        yield "the stack is left"


def intact(account: Account) -> Iterator[str]:
    """Yield what is wrong with the files of the state."""
    for path in account.locks:
        yield f"a lock is left: {path.read_text()}"
    for path in account.files:
        try:
            json.loads(path.read_text())
        except ValueError:
            yield f"{path.name} is half-written"
        if path.suffix == ".tmp":
            yield f"{path.name} was never finished"
    pending = (account.deployment() or {}).get("pending_operations")
    if pending:
        yield f"the state has pending operations: {[one['type'] for one in pending]}"


def guarded(
    account: Account, before: dict[str, list[dict[str, Any]]], since: int = 0
) -> Iterator[str]:
    """Yield each moment with a cluster whose nodes no firewall guards, or that is open itself.

    Parameters
    ----------
    account : Account
        The sandbox.
    before : dict
        What there was when the case began.
    since : int
        How many requests there had been then.
    """
    clusters = {one["id"] for one in before["clusters"]}
    firewalls = {one["id"] for one in _named(before["firewalls"])}
    for one in account.log()[since:]:
        if one["status"] < 400 or one["status"] == 404:
            _replay(one, clusters, firewalls)
        if clusters and not firewalls:
            yield f"after {one['method']} {one['path']} a cluster has no firewall"
            return
        closed = ((one["request"] or {}).get("control_plane_firewall") or {}).get("enabled")
        changes_it = one["method"] == "PUT" and _CLUSTER.fullmatch(one["path"])
        asks_for_it = (one["method"], one["path"]) == ("POST", "/v2/kubernetes/clusters")
        if (changes_it or asks_for_it) and not closed:
            yield f"{one['method']} {one['path']} opens the control plane"


def _replay(one: dict[str, Any], clusters: set[str], firewalls: set[str]) -> None:
    """Take in a request; a cluster is gone only when the API no longer shows it."""
    method, path, answer = one["method"], one["path"], one["response"]
    cluster, firewall = _CLUSTER.fullmatch(path), _FIREWALL.fullmatch(path)
    if (method, path) == ("POST", "/v2/kubernetes/clusters"):
        clusters.add(answer["kubernetes_cluster"]["id"])
    elif (method, path) == ("POST", "/v2/firewalls"):
        if names.label(NAME) in answer["firewall"]["tags"]:
            firewalls.add(answer["firewall"]["id"])
    elif method == "DELETE" and firewall:
        firewalls.discard(firewall.group(1))
    elif method == "GET" and cluster and one["status"] == 404:
        clusters.discard(cluster.group(1))
    elif method == "GET" and cluster and not cluster.group(2) and one["status"] == 200:
        # Made by a request that was answered by an error.
        clusters.add(cluster.group(1))
    elif method == "GET" and firewall and one["status"] == 200:
        if names.label(NAME) in answer["firewall"]["tags"]:
            firewalls.add(firewall.group(1))
    elif method == "GET" and path.startswith("/v2/kubernetes/clusters?"):
        clusters &= {shown["id"] for shown in answer["kubernetes_clusters"]}


def _pools(cluster: dict[str, Any], wanted: Any, resources: Any) -> Iterator[str]:
    there = {
        one["name"]: (one["id"], one["size"], one["count"])
        for one in cluster["node_pools"][1:]
        if not _is_going(one)
    }
    asked = {
        names.pool_name(one): (resources.get(names.pool_key(one)), one.size, one.count)
        for one in wanted
    }
    if there != asked:
        yield f"there are the pools {there}, the state has {asked}"


def _is_going(pool: dict[str, Any]) -> bool:
    """Return whether its deletion was asked for, which takes its time."""
    states = {node["status"]["state"] for node in pool["nodes"]}
    return states == {"deleting"}


def _labelled(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if names.label(NAME) in one["tags"]]


def _named(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if one["name"] == names.object_name(NAME)]

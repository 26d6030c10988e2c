"""The calls about node pools and their nodes."""

from __future__ import annotations

from dotrain.sandbox import clusters, pools
from dotrain.sandbox.answers import Answer, Call, Doc, invalid, not_found, paged
from dotrain.sandbox.validate import Fields

_POOLS = "/v2/kubernetes/clusters/{cluster_id}/node_pools"
_POOL = _POOLS + "/{pool_id}"


def _find(call: Call, cluster: Doc) -> Doc:
    for pool in cluster["pools"]:
        if pool["id"] == call.params["pool_id"]:
            return dict(pool)
    raise not_found("pool not found")


def _writable(call: Call) -> tuple[Doc, Doc]:
    cluster = clusters.writable(call)
    pool = _find(call, cluster)
    if pool["deleted"] is not None:
        raise invalid("The node pool is being deleted.")
    return cluster, pool


def _save(call: Call, cluster: Doc, pool: Doc) -> None:
    cluster["pools"] = [pool if old["id"] == pool["id"] else old for old in cluster["pools"]]
    pools.check_together(cluster["pools"])
    cluster["updated"] = call.now
    call.store.put(clusters.KIND, cluster)


def _create(call: Call) -> Answer:
    cluster = clusters.writable(call)
    pool = pools.make(call, Fields(call.body), cluster["region"])
    cluster["pools"].append(pool)
    _save(call, cluster, pool)
    return Answer(201, {"node_pool": pools.view(call, cluster, pool)})


def _list(call: Call) -> Answer:
    cluster = clusters.existing(call)
    shown = [pools.view(call, cluster, pool) for pool in cluster["pools"]]
    return paged(call, "node_pools", shown)


def _get(call: Call) -> Answer:
    cluster = clusters.existing(call)
    return Answer(200, {"node_pool": pools.view(call, cluster, _find(call, cluster))})


def _update(call: Call) -> Answer:
    cluster, pool = _writable(call)
    pools.change(call, pool, Fields(call.body))
    _save(call, cluster, pool)
    return Answer(202, {"node_pool": pools.view(call, cluster, pool)})


def _delete(call: Call) -> Answer:
    cluster, pool = _writable(call)
    if sum(other["deleted"] is None for other in cluster["pools"]) == 1:
        raise invalid("A cluster must have at least one node pool.")
    _save(call, cluster, {**pool, "deleted": call.now})
    return Answer(202)


def _delete_node(call: Call) -> Answer:
    cluster, pool = _writable(call)
    rest = [node for node in pool["nodes"] if node["id"] != call.params["node_id"]]
    if len(rest) == len(pool["nodes"]):
        raise not_found("node not found")
    pool["nodes"] = rest
    if call.query.get("replace") in ("1", "true"):
        pools.add_node(call, pool)
    if not pool["nodes"]:
        raise invalid("A node pool must have at least one node.")
    _save(call, cluster, pool)
    return Answer(202)


def _recycle(call: Call) -> Answer:
    cluster, pool = _writable(call)
    wanted = Fields(call.body).texts("nodes")
    known = {node["id"] for node in pool["nodes"]}
    if not set(wanted) <= known:
        raise not_found("node not found")
    recycled = set(wanted) or known
    pool["nodes"] = [node for node in pool["nodes"] if node["id"] not in recycled]
    for _ in recycled:
        pools.add_node(call, pool)
    _save(call, cluster, pool)
    return Answer(202)


ROUTES = [
    ("POST", _POOLS, _create),
    ("GET", _POOLS, _list),
    ("GET", _POOL, _get),
    ("PUT", _POOL, _update),
    ("DELETE", _POOL, _delete),
    ("DELETE", _POOL + "/nodes/{node_id}", _delete_node),
    ("POST", _POOL + "/recycle", _recycle),
]

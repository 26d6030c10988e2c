"""Kubernetes clusters: made, shown, changed, upgraded, deleted."""

from __future__ import annotations

import re
import uuid

from dotrain.sandbox import catalog, cluster_fields, pools, tags, vpcs
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, invalid, not_found, paged
from dotrain.sandbox.kubernetes import asked
from dotrain.sandbox.lifecycle import cluster_state, stamp
from dotrain.sandbox.validate import Fields

KIND = "cluster"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME_ADVICE = (
    "must consist of at most 63 lower case letters, digits and dashes, "
    "and start and end with a letter or a digit."
)


def existing(call: Call) -> Doc:
    """Return the cluster in the path; one being deleted still exists."""
    cluster = call.store.get(KIND, call.params["cluster_id"])
    if cluster is None:
        raise not_found("cluster not found")
    return cluster


def writable(call: Call) -> Doc:
    """Return the cluster in the path, unless it is being deleted."""
    cluster = existing(call)
    if cluster["deleted"] is not None:
        raise invalid("The cluster is being deleted.")
    return cluster


def state(call: Call, cluster: Doc) -> str:
    """Return the state a cluster is in now."""
    moments = (cluster["created"], cluster["upgraded"], cluster["deleted"])
    current = cluster_state(*moments, call.now, call.delay)
    plane = cluster.get("kubernetes")
    if current == "deleting" or plane is None or plane["ready"]:
        return current
    return "error" if plane.get("failure") else "provisioning"


def endpoint(cluster: Doc) -> str:
    """Return the address of a cluster's control plane."""
    if cluster.get("kubernetes"):
        return f"https://127.0.0.1:{cluster['kubernetes']['port']}"
    return f"https://{cluster['id']}.k8s.ondigitalocean.com"


def view(call: Call, cluster: Doc) -> Doc:
    """Return a cluster as the API shows it."""
    current = state(call, cluster)
    up = current not in ("provisioning", "error")
    message = (cluster.get("kubernetes") or {}).get("failure", "")
    kept = (
        "id",
        "name",
        "region",
        "version",
        "cluster_subnet",
        "service_subnet",
        "vpc_uuid",
        "auto_upgrade",
        "surge_upgrade",
        "ha",
        "registry_enabled",
        "isolated_workers",
        "maintenance_policy",
        "control_plane_firewall",
    )
    return {
        **{key: cluster[key] for key in kept},
        **cluster["blocks"],
        "ipv4": cluster["ipv4"] if up else "",
        "endpoint": endpoint(cluster) if up else "",
        "tags": list(dict.fromkeys([*tags.own(cluster["id"]), *cluster["tags"]])),
        "node_pools": [pools.view(call, cluster, pool) for pool in cluster["pools"]],
        "status": {"state": current, "message": message},
        "created_at": stamp(cluster["created"]),
        "updated_at": stamp(cluster["updated"]),
    }


def _check_name_is_free(call: Call, name: str, but: str = "") -> None:
    for other in call.store.all(KIND):
        if other["name"] == name and other["deleted"] is None and other["id"] != but:
            raise invalid(f"a cluster with the name {name!r} already exists")


def _create(call: Call) -> Answer:
    fields = Fields(call.body)
    name = fields.match("name", _NAME, _NAME_ADVICE)
    region = fields.text("region")
    catalog.check_region(region)
    version = catalog.version(fields.text("version"))
    wanted_pools = fields.objects("node_pools")
    if not wanted_pools:
        raise invalid("node_pools: a cluster must have at least one node pool.")
    _check_name_is_free(call, name)
    vpc = vpcs.resolve(call, fields.text("vpc_uuid", ""), region)
    inside, services = cluster_fields.subnets(fields, vpc)
    number = call.store.next_number("address", 0)
    cluster: Doc = {
        "id": str(uuid.uuid4()),
        "name": name,
        "region": region,
        "version": version,
        "vpc_uuid": vpc["id"],
        "cluster_subnet": inside,
        "service_subnet": services,
        "ipv4": f"203.0.113.{number % 254 + 1}",
        "tags": fields.tags(),
        "auto_upgrade": fields.flag("auto_upgrade", default=False),
        "surge_upgrade": fields.flag("surge_upgrade", default=False),
        "ha": fields.flag("ha", default=catalog.is_ha_by_default(version)),
        "registry_enabled": fields.flag("registry_enabled", default=False),
        "isolated_workers": fields.flag("isolated_workers", default=False),
        "maintenance_policy": cluster_fields.maintenance(
            fields, {"start_time": "00:00", "day": "any"}
        ),
        "control_plane_firewall": cluster_fields.control_plane(fields)
        or {"enabled": False, "allowed_addresses": []},
        "blocks": cluster_fields.blocks(fields),
        "pools": [pools.make(call, pool, region) for pool in wanted_pools],
        "firewall_ids": [str(uuid.uuid4()), str(uuid.uuid4())],
        "tokens": [],
        "kubernetes": asked.of_new_cluster(call.store),
        "created": call.now,
        "updated": call.now,
        "upgraded": None,
        "deleted": None,
    }
    pools.check_together(cluster["pools"])
    tags.ensure(call.store, cluster["tags"])
    call.store.put(KIND, cluster)
    return Answer(201, {"kubernetes_cluster": view(call, cluster)})


def _list(call: Call) -> Answer:
    shown = [view(call, cluster) for cluster in call.store.all(KIND)]
    return paged(call, "kubernetes_clusters", shown)


def _get(call: Call) -> Answer:
    return Answer(200, {"kubernetes_cluster": view(call, existing(call))})


def _update(call: Call) -> Answer:
    cluster, fields = writable(call), Fields(call.body)
    cluster["name"] = fields.match("name", _NAME, _NAME_ADVICE)
    _check_name_is_free(call, cluster["name"], cluster["id"])
    if fields.has("tags"):
        cluster["tags"] = fields.tags()
        tags.ensure(call.store, cluster["tags"])
    for key in ("auto_upgrade", "surge_upgrade", "ha"):
        wanted = fields.flag(key, default=cluster[key])
        if key == "ha" and cluster["ha"] and not wanted:
            raise invalid("ha: high availability cannot be disabled once it is enabled.")
        cluster[key] = wanted
    cluster["maintenance_policy"] = cluster_fields.maintenance(
        fields, cluster["maintenance_policy"]
    )
    cluster["control_plane_firewall"] = (
        cluster_fields.control_plane(fields) or cluster["control_plane_firewall"]
    )
    cluster["blocks"] |= cluster_fields.blocks(fields)
    cluster["updated"] = call.now
    call.store.put(KIND, cluster)
    return Answer(202, {"kubernetes_cluster": view(call, cluster)})


def _upgrade(call: Call) -> Answer:
    cluster = writable(call)
    wanted = catalog.version(Fields(call.body).text("version"))
    if wanted not in catalog.upgrades(cluster["version"]):
        raise invalid(f"version: {cluster['version']} cannot be upgraded to {wanted}.")
    call.store.put(KIND, {**cluster, "version": wanted, "upgraded": call.now, "updated": call.now})
    return Answer(202)


def mark_deleted(call: Call, cluster: Doc) -> None:
    """Begin the deletion of a cluster; a second request changes nothing."""
    if cluster["deleted"] is None:
        call.store.put(KIND, {**cluster, "deleted": call.now, "updated": call.now})


def _delete(call: Call) -> Answer:
    mark_deleted(call, existing(call))
    return NOTHING


ROUTES = [
    ("POST", "/v2/kubernetes/clusters", _create),
    ("GET", "/v2/kubernetes/clusters", _list),
    ("GET", "/v2/kubernetes/clusters/{cluster_id}", _get),
    ("PUT", "/v2/kubernetes/clusters/{cluster_id}", _update),
    ("DELETE", "/v2/kubernetes/clusters/{cluster_id}", _delete),
    ("POST", "/v2/kubernetes/clusters/{cluster_id}/upgrade", _upgrade),
]

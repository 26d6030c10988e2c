"""What a cluster made and leaves behind: load balancers, volumes, snapshots."""

from __future__ import annotations

from dotrain.sandbox import clusters
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, invalid
from dotrain.sandbox.validate import Fields

_PATH = "/v2/kubernetes/clusters/{cluster_id}/destroy_with_associated_resources"
_KINDS = {"load_balancers": "load_balancer", "volumes": "volume", "volume_snapshots": "snapshot"}


def _resources(call: Call, cluster: Doc) -> dict[str, list[Doc]]:
    # What a cluster makes carries its tag.
    tag = f"k8s:{cluster['id']}"
    return {
        noun: [
            {"id": doc["id"], "name": doc["name"]}
            for doc in call.store.all(kind)
            if tag in doc["tags"]
        ]
        for noun, kind in _KINDS.items()
    }


def _list(call: Call) -> Answer:
    return Answer(200, _resources(call, clusters.existing(call)))


def _delete_all(call: Call) -> Answer:
    cluster = clusters.existing(call)
    for noun, items in _resources(call, cluster).items():
        for item in items:
            call.store.delete(_KINDS[noun], item["id"])
    clusters.mark_deleted(call, cluster)
    return NOTHING


def _delete_some(call: Call) -> Answer:
    cluster, fields = clusters.existing(call), Fields(call.body)
    for noun, items in _resources(call, cluster).items():
        known = {item["id"] for item in items}
        for key in fields.texts(noun):
            if key not in known:
                raise invalid(f"{noun}: {key!r} is not associated with this cluster.")
            call.store.delete(_KINDS[noun], key)
    clusters.mark_deleted(call, cluster)
    return NOTHING


ROUTES = [
    ("GET", _PATH, _list),
    ("DELETE", _PATH + "/dangerous", _delete_all),
    ("DELETE", _PATH + "/selective", _delete_some),
]

"""Block storage volumes and their snapshots."""

from __future__ import annotations

import re
import uuid

from dotrain.sandbox import catalog, tags
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, conflict, not_found, paged
from dotrain.sandbox.lifecycle import stamp
from dotrain.sandbox.validate import Fields

KIND = "volume"
SNAPSHOT = "snapshot"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_NAME_ADVICE = "must start with a letter and have at most 64 lower case letters, digits, dashes."
_MOST_GIB = 16 * 1024


def view(volume: Doc) -> Doc:
    """Return a volume as the API shows it."""
    shown = {key: value for key, value in volume.items() if key != "created"}
    return {
        **shown,
        "region": catalog.region(volume["region"]),
        "created_at": stamp(volume["created"]),
    }


def snapshot_view(snapshot: Doc) -> Doc:
    """Return a snapshot as the API shows it."""
    shown = {key: value for key, value in snapshot.items() if key != "created"}
    return {**shown, "created_at": stamp(snapshot["created"])}


def _existing(call: Call) -> Doc:
    volume = call.store.get(KIND, call.params["volume_id"])
    if volume is None:
        raise not_found("The volume you requested could not be found.")
    return volume


def _named(call: Call) -> list[Doc]:
    name, region = call.query.get("name"), call.query.get("region")
    return [
        volume
        for volume in call.store.all(KIND)
        if (not name or volume["name"] == name) and (not region or volume["region"] == region)
    ]


def _create(call: Call) -> Answer:
    fields = Fields(call.body)
    name = fields.match("name", _NAME, _NAME_ADVICE)
    region = fields.text("region")
    catalog.check_region(region)
    if any(other["name"] == name and other["region"] == region for other in call.store.all(KIND)):
        raise conflict("There was already a volume with that name in that region.")
    volume: Doc = {
        "id": str(uuid.uuid4()),
        "name": name,
        "region": region,
        "description": fields.text("description", ""),
        "size_gigabytes": fields.whole("size_gigabytes", 1, _MOST_GIB),
        "filesystem_type": fields.text("filesystem_type", ""),
        "filesystem_label": fields.text("filesystem_label", ""),
        "droplet_ids": [],
        "tags": fields.tags(),
        "created": call.now,
    }
    tags.ensure(call.store, volume["tags"])
    call.store.put(KIND, volume)
    return Answer(201, {"volume": view(volume)})


def _list(call: Call) -> Answer:
    return paged(call, "volumes", [view(volume) for volume in _named(call)])


def _get(call: Call) -> Answer:
    return Answer(200, {"volume": view(_existing(call))})


def _delete(call: Call) -> Answer:
    call.store.delete(KIND, _existing(call)["id"])
    return NOTHING


def _delete_named(call: Call) -> Answer:
    for key in ("name", "region"):
        Fields(dict(call.query)).text(key)
    found = _named(call)
    if not found:
        raise not_found("The volume you requested could not be found.")
    call.store.delete(KIND, found[0]["id"])
    return NOTHING


def _create_snapshot(call: Call) -> Answer:
    volume, fields = _existing(call), Fields(call.body)
    snapshot: Doc = {
        "id": str(uuid.uuid4()),
        "name": fields.text("name"),
        "resource_id": volume["id"],
        "resource_type": "volume",
        "regions": [volume["region"]],
        "min_disk_size": volume["size_gigabytes"],
        "size_gigabytes": 0,
        "tags": fields.tags(),
        "created": call.now,
    }
    tags.ensure(call.store, snapshot["tags"])
    call.store.put(SNAPSHOT, snapshot)
    return Answer(201, {"snapshot": snapshot_view(snapshot)})


def _list_snapshots(call: Call) -> Answer:
    volume_id, kind = call.params.get("volume_id"), call.query.get("resource_type")
    found = [
        snapshot_view(snapshot)
        for snapshot in call.store.all(SNAPSHOT)
        if volume_id in (None, snapshot["resource_id"]) and kind in (None, "", "volume")
    ]
    return paged(call, "snapshots", found)


def _existing_snapshot(call: Call) -> Doc:
    snapshot = call.store.get(SNAPSHOT, call.params["snapshot_id"])
    if snapshot is None:
        raise not_found("The snapshot you requested could not be found.")
    return snapshot


def _get_snapshot(call: Call) -> Answer:
    return Answer(200, {"snapshot": snapshot_view(_existing_snapshot(call))})


def _delete_snapshot(call: Call) -> Answer:
    call.store.delete(SNAPSHOT, _existing_snapshot(call)["id"])
    return NOTHING


ROUTES = [
    ("POST", "/v2/volumes", _create),
    ("GET", "/v2/volumes", _list),
    ("DELETE", "/v2/volumes", _delete_named),
    ("GET", "/v2/volumes/{volume_id}", _get),
    ("DELETE", "/v2/volumes/{volume_id}", _delete),
    ("POST", "/v2/volumes/{volume_id}/snapshots", _create_snapshot),
    ("GET", "/v2/volumes/{volume_id}/snapshots", _list_snapshots),
    ("GET", "/v2/snapshots", _list_snapshots),
    ("GET", "/v2/snapshots/{snapshot_id}", _get_snapshot),
    ("DELETE", "/v2/snapshots/{snapshot_id}", _delete_snapshot),
]

"""Tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

_COUNTS = {
    "dropletsCount": "droplets",
    "imagesCount": "images",
    "volumesCount": "volumes",
    "volumeSnapshotsCount": "volume_snapshots",
    "databasesCount": "databases",
}


def state_of(tag: Any) -> Props:
    """Return a tag's state."""
    resources = tag["resources"]
    counts = {name: resources[key]["count"] for name, key in _COUNTS.items()}
    return {"name": tag["name"], "totalResourceCount": resources["count"], **counts}


FIELDS: Fields = {"name": Field(replaces=always)}


class Tag(Resource):
    """A tag: a name, and how much carries it."""

    kind = "digitalocean:index/tag:Tag"
    noun = "tag"
    fields = FIELDS
    outputs = ("totalResourceCount", *_COUNTS)

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        answer = api.post("/v2/tags", {"name": inputs["name"]})
        return self.read(api, answer["tag"]["name"], inputs)

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        return id_, state_of(api.get(f"/v2/tags/{id_}")["tag"])

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        return self.read(api, id_, inputs)[1]

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        api.delete(f"/v2/tags/{id_}")

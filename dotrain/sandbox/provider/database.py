"""Managed database clusters: the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from dotrain.sandbox.provider import database_data
from dotrain.sandbox.provider.errors import ApiError
from dotrain.sandbox.provider.fields import changes
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.wait import until
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

_NOT_THERE_YET = 404


class Database(Resource):
    """A managed database cluster."""

    kind = "digitalocean:index/databaseCluster:DatabaseCluster"
    noun = "database cluster"
    fields = database_data.FIELDS
    outputs = database_data.OUTPUTS
    secrets = database_data.SECRETS

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        # A wait that fails leaves the state empty and the database behind, as with a cluster.
        created = api.post("/v2/databases", database_data.create_body(inputs))["database"]
        path = f"/v2/databases/{created['id']}"
        _wait_online(api, path, limit)
        if inputs.get("maintenanceWindows"):
            api.put(f"{path}/maintenance", inputs["maintenanceWindows"][0])
        password = (created.get("connection") or {}).get("password")
        return self.read(api, created["id"], inputs | {"password": password})

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        answer = api.get(f"/v2/databases/{id_}")
        return id_, database_data.state_of(answer["database"], state)

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        changed = {change.top for change in changes(self.fields, state, inputs)}
        path = f"/v2/databases/{id_}"
        if changed & {"size", "nodeCount", "storageSizeMib"}:
            storage = "storageSizeMib" in changed
            api.put(f"{path}/resize", database_data.resize_body(inputs, storage=storage))
            _wait_online(api, path, limit)
        if "region" in changed:
            api.put(f"{path}/migrate", {"region": inputs["region"]})
            _wait_online(api, path, limit)
        if "maintenanceWindows" in changed and inputs.get("maintenanceWindows"):
            api.put(f"{path}/maintenance", inputs["maintenanceWindows"][0])
        if "version" in changed:
            api.put(f"{path}/upgrade", {"version": inputs["version"]})
        if "tags" in changed:
            _retag(api, id_, state.get("tags") or [], inputs.get("tags") or [])
        return self.read(api, id_, inputs | {"password": state.get("password")})[1]

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        api.delete(f"/v2/databases/{id_}")


def _wait_online(api: Api, path: str, limit: float) -> None:
    def online() -> bool:
        try:
            return bool(api.get(path)["database"]["status"] == "online")
        except ApiError as error:
            if error.status != _NOT_THERE_YET:
                raise
            return False

    until(
        online,
        every=api.settings.database_poll_seconds,
        limit=limit,
        otherwise="Timeout waiting to database cluster to become online",
    )


def _retag(api: Api, id_: str, old: list[str], new: list[str]) -> None:
    body = {"resources": [{"resource_id": id_, "resource_type": "database"}]}
    for tag in sorted(set(old) - set(new)):
        api.delete(f"/v2/tags/{tag}/resources", body)
    for tag in sorted(set(new) - set(old)):
        api.post("/v2/tags", {"name": tag})
        api.post(f"/v2/tags/{tag}/resources", body)

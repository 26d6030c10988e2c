"""Database clusters as data: inputs, request bodies, state."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.wire import Props

FIELDS: Fields = {
    "name": Field(replaces=always),
    "engine": Field(replaces=always),
    "version": Field(),
    "size": Field(),
    "region": Field(),
    "nodeCount": Field(),
    "privateNetworkUuid": Field(replaces=always, computed=True),
    "projectId": Field(replaces=always, computed=True),
    "storageSizeMib": Field(computed=True),
    "tags": Field(unordered=True),
    "maintenanceWindows": Field(),
    "backupRestore": Field(),
}
OUTPUTS = (
    "clusterUrn",
    "database",
    "host",
    "password",
    "port",
    "privateHost",
    "privateUri",
    "uri",
    "user",
)
SECRETS = frozenset({"password", "privateUri", "uiPassword", "uiUri", "uri"})


def create_body(inputs: Props) -> Props:
    """Return the request that creates a database cluster."""
    restore = inputs.get("backupRestore") or {}
    optional = {
        "tags": inputs.get("tags"),
        "storage_size_mib": int(inputs.get("storageSizeMib") or 0),
        "backup_restore": restore
        and {
            "database_name": restore["databaseName"],
            "backup_created_at": restore.get("backupCreatedAt", ""),
        },
    }
    return {
        "name": inputs["name"],
        "engine": inputs["engine"],
        "version": inputs.get("version") or "",
        "size": inputs["size"],
        "region": inputs["region"],
        "num_nodes": inputs["nodeCount"],
        "private_network_uuid": inputs.get("privateNetworkUuid") or "",
        "project_id": inputs.get("projectId") or "",
        "rules": None,
        **{key: value for key, value in optional.items() if value},
    }


def resize_body(inputs: Props, *, storage: bool) -> Props:
    """Return the request that resizes; the storage is said only when it is what changed."""
    body = {"size": inputs["size"], "num_nodes": inputs["nodeCount"]}
    return body | ({"storage_size_mib": int(inputs["storageSizeMib"])} if storage else {})


def state_of(database: Any, before: Props) -> Props:
    """Return a database cluster's state; the password may be known from before only."""
    public = database.get("connection") or {}
    private = database.get("private_connection") or {}
    password = public.get("password") or before.get("password") or ""
    state = {
        "name": database["name"],
        "engine": database["engine"],
        "version": database["version"],
        "size": database["size"],
        "region": database["region"],
        "nodeCount": database["num_nodes"],
        "storageSizeMib": str(database.get("storage_size_mib") or 0),
        "tags": database.get("tags") or [],
        "privateNetworkUuid": database.get("private_network_uuid", ""),
        "projectId": database.get("project_id", ""),
        "clusterUrn": f"do:dbaas:{database['id']}",
        "host": public.get("host"),
        "port": public.get("port"),
        "user": public.get("user"),
        "database": public.get("database"),
        "password": password,
        "uri": _uri(public, password),
        "privateHost": private.get("host"),
        "privateUri": _uri(private, password),
        **_ui_state(database.get("ui_connection") or {}),
        "backupRestore": before.get("backupRestore"),
    }
    if before.get("maintenanceWindows"):
        window = database["maintenance_window"]
        state["maintenanceWindows"] = [
            {"day": window["day"], "hour": _as_before(window["hour"], before)}
        ]
    return {name: value for name, value in state.items() if value is not None}


def _ui_state(connection: Any) -> Props:
    return {
        "uiHost": connection.get("host"),
        "uiPort": connection.get("port"),
        "uiUri": connection.get("uri"),
        "uiDatabase": connection.get("database"),
        "uiUser": connection.get("user"),
        "uiPassword": connection.get("password"),
    }


def _uri(connection: Any, password: str) -> str | None:
    """Return a connection's URI with the password in it, which the API may leave out."""
    if not connection:
        return None
    parts = urlsplit(str(connection["uri"]))
    user = f"{quote(connection['user'], safe='')}:{quote(password, safe='')}"
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


def _as_before(hour: str, before: Props) -> str:
    """Return an hour as it was written: the API may add seconds."""
    written = str(before["maintenanceWindows"][0]["hour"])
    return written if written[:5] == hour[:5] else hour

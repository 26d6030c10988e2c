"""Firewalls of managed databases: the whole list of who may connect."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

_UNSET_TIME = "0001-01-01T00:00:00Z"


def who(rule: Any) -> Any:
    """Return what makes a rule the same rule: whom it lets in."""
    return (rule["type"], rule["value"]) if isinstance(rule, dict) else rule


FIELDS: Fields = {
    "clusterId": Field(replaces=always),
    "rules": Field(unordered=True, key=who, items=("type", "value")),
}


def body(inputs: Props, state: Props) -> Props:
    """Return the request that sets the rules; those there already keep their uuid."""
    known = {who(rule): rule.get("uuid") for rule in state.get("rules") or []}
    return {
        "rules": [
            {
                "uuid": known.get(who(rule)) or "",
                "cluster_uuid": "",
                "type": rule["type"],
                "value": rule["value"],
                "created_at": _UNSET_TIME,
            }
            for rule in inputs.get("rules") or []
        ]
    }


def state_of(cluster: str, answer: Any) -> Props:
    """Return a database firewall's state."""
    rules = [
        {
            "uuid": rule["uuid"],
            "type": rule["type"],
            "value": rule["value"],
            "createdAt": rule["created_at"],
        }
        for rule in answer["rules"] or []
    ]
    return {"clusterId": cluster, "rules": rules}


class DatabaseFirewall(Resource):
    """Who may connect to a database cluster."""

    kind = "digitalocean:index/databaseFirewall:DatabaseFirewall"
    noun = "database firewall"
    fields = FIELDS

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        api.put(_path(inputs), body(inputs, {}))
        return self.read(api, _new_id(inputs["clusterId"]), inputs)

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        if not state:  # An import names the database cluster.
            return self.read(api, _new_id(id_), {"clusterId": id_})
        return id_, state_of(state["clusterId"], api.get(_path(state)))

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        api.put(_path(inputs), body(inputs, state))
        return self.read(api, id_, inputs)[1]

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        api.put(_path(state), {"rules": []})


def _path(props: Props) -> str:
    return f"/v2/databases/{props['clusterId']}/firewall"


def _new_id(cluster: str) -> str:
    return f"{cluster}-{uuid.uuid4().hex}"

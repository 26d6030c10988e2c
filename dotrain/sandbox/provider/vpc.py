"""VPC networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from dotrain.sandbox.provider.errors import ApiError
from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.times import spelled
from dotrain.sandbox.provider.wait import until
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

_STILL_IN_USE = {403, 409}


def create_body(inputs: Props) -> Props:
    """Return the request that creates a VPC."""
    body = {"name": inputs["name"], "region": inputs["region"]}
    optional = {"description": inputs.get("description"), "ip_range": inputs.get("ipRange")}
    return body | {key: value for key, value in optional.items() if value}


def state_of(vpc: Any) -> Props:
    """Return a VPC's state."""
    return {
        "name": vpc["name"],
        "region": vpc["region"],
        "description": vpc.get("description", ""),
        "ipRange": vpc["ip_range"],
        "vpcUrn": vpc["urn"],
        "default": vpc["default"],
        "createdAt": spelled(vpc["created_at"]),
    }


FIELDS: Fields = {
    "name": Field(),
    "region": Field(replaces=always),
    "description": Field(),
    "ipRange": Field(replaces=always, computed=True),
}


class Vpc(Resource):
    """A private network in a region."""

    kind = "digitalocean:index/vpc:Vpc"
    noun = "VPC"
    fields = FIELDS
    outputs = ("vpcUrn", "default", "createdAt")
    delete_limit = 120.0

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        answer = api.post("/v2/vpcs", create_body(inputs))
        return self.read(api, answer["vpc"]["id"], inputs)

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        return id_, state_of(api.get(f"/v2/vpcs/{id_}")["vpc"])

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        body = {"name": inputs["name"], "default": state["default"]}
        if inputs.get("description"):
            body["description"] = inputs["description"]
        api.put(f"/v2/vpcs/{id_}", body)
        return self.read(api, id_, inputs)[1]

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        """Delete it, as soon as what was in it has gone."""
        path = f"/v2/vpcs/{id_}"
        errors = [ApiError("")]

        def gone() -> bool:
            try:
                api.delete(path)
            except ApiError as error:
                if error.status not in _STILL_IN_USE:
                    raise
                errors.append(error)
                return False
            return True

        if not gone():
            every = api.settings.poll_seconds
            until(gone, every=every, limit=limit, otherwise=str(errors[-1]))

"""VPCs: the private networks that clusters, databases and load balancers are in."""

from __future__ import annotations

import ipaddress
import re
import uuid
from typing import TYPE_CHECKING

from dotrain.sandbox import catalog, droplets, validate
from dotrain.sandbox.answers import (
    NOTHING,
    Answer,
    ApiError,
    Call,
    Doc,
    conflict,
    invalid,
    not_found,
    paged,
)
from dotrain.sandbox.lifecycle import stamp
from dotrain.sandbox.validate import Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "vpc"
_NAME = re.compile(r"[a-zA-Z0-9.-]{1,255}")
_NAME_ADVICE = "may only contain alphanumeric characters, dashes and periods."
_MOST_DESCRIPTION = 255
# Where ranges are picked from: clear of the subnets that clusters use inside.
_AUTOMATIC = ipaddress.IPv4Network("10.64.0.0/10")


def resolve(call: Call, key: str, region: str) -> Doc:
    """Return the VPC that a resource of this region is to be in; by default, the region's own."""
    if not key:
        return _default(call, region)
    vpc = call.store.get(KIND, key)
    if vpc is None:
        raise invalid(f"VPC {key!r} could not be found.")
    if vpc["region"] != region:
        raise invalid(f"VPC {key!r} is in region {vpc['region']!r}, not in {region!r}.")
    return vpc


def _default(call: Call, region: str) -> Doc:
    for vpc in call.store.all(KIND):
        if vpc["region"] == region and vpc["default"]:
            return vpc
    return _make(call, f"default-{region}", region, _free_range(call), default=True)


def _make(call: Call, name: str, region: str, ip_range: str, *, default: bool = False) -> Doc:
    vpc = {
        "id": str(uuid.uuid4()),
        "name": name,
        "description": "",
        "region": region,
        "ip_range": ip_range,
        "default": default,
        "created": call.now,
    }
    call.store.put(KIND, vpc)
    return vpc


def _taken(call: Call) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(vpc["ip_range"]) for vpc in call.store.all(KIND)]


def _overlaps(block: ipaddress.IPv4Network, taken: list[ipaddress.IPv4Network]) -> bool:
    return any(block.overlaps(other) for other in taken)


def _free_range(call: Call) -> str:
    taken = _taken(call)
    for block in _AUTOMATIC.subnets(new_prefix=20):
        if not _overlaps(block, taken):
            return str(block)
    raise invalid("No private address range is free for another VPC.")


def view(vpc: Doc) -> Doc:
    """Return a VPC as the API shows it."""
    shown = {key: value for key, value in vpc.items() if key != "created"}
    return {**shown, "urn": f"do:vpc:{vpc['id']}", "created_at": stamp(vpc["created"])}


def _existing(call: Call) -> Doc:
    vpc = call.store.get(KIND, call.params["vpc_id"])
    if vpc is None:
        raise not_found("VPC not found.")
    return vpc


def _check_name_is_free(call: Call, name: str, but: str = "") -> None:
    if any(vpc["name"] == name and vpc["id"] != but for vpc in call.store.all(KIND)):
        raise invalid(f"A VPC named {name!r} already exists in your account.")


def _description(fields: Fields) -> str:
    text = fields.text("description", "")
    if len(text) > _MOST_DESCRIPTION:
        raise invalid(f"description must have at most {_MOST_DESCRIPTION} characters.")
    return text


def _create(call: Call) -> Answer:
    fields = Fields(call.body)
    name = fields.match("name", _NAME, _NAME_ADVICE)
    region = fields.text("region")
    catalog.check_region(region)
    description = _description(fields)
    _check_name_is_free(call, name)
    wanted = fields.text("ip_range", "")
    if wanted and _overlaps(validate.network(wanted, "ip_range"), _taken(call)):
        raise invalid("ip_range overlaps with another VPC network in your account.")
    vpc = _make(call, name, region, wanted or _free_range(call))
    vpc["description"] = description
    call.store.put(KIND, vpc)
    return Answer(201, {"vpc": view(vpc)})


def _list(call: Call) -> Answer:
    return paged(call, "vpcs", [view(vpc) for vpc in call.store.all(KIND)])


def _get(call: Call) -> Answer:
    return Answer(200, {"vpc": view(_existing(call))})


def _replace(call: Call) -> Answer:
    Fields(call.body).text("name")
    return _update(call)


def _update(call: Call) -> Answer:
    vpc, fields = _existing(call), Fields(call.body)
    if fields.has("name"):
        vpc["name"] = fields.match("name", _NAME, _NAME_ADVICE)
        _check_name_is_free(call, vpc["name"], vpc["id"])
    if fields.has("description"):
        vpc["description"] = _description(fields)
    if fields.flag("default", default=False) and not vpc["default"]:
        for other in call.store.all(KIND):
            if other["region"] == vpc["region"] and other["default"]:
                call.store.put(KIND, {**other, "default": False})
        vpc["default"] = True
    call.store.put(KIND, vpc)
    return Answer(200, {"vpc": view(vpc)})


def _members(call: Call, vpc_id: str) -> Iterator[Doc]:
    # Clusters being deleted are still members: their nodes are on their way out.
    for kind, noun, field in (
        ("cluster", "kubernetes", "vpc_uuid"),
        ("database", "dbaas", "private_network_uuid"),
        ("load_balancer", "loadbalancer", "vpc_uuid"),
    ):
        for doc in call.store.all(kind):
            if doc[field] == vpc_id:
                yield {
                    "name": doc["name"],
                    "urn": f"do:{noun}:{doc['id']}",
                    "created_at": stamp(doc["created"]),
                }
    yield from droplets.members(call.store, vpc_id)


def _list_members(call: Call) -> Answer:
    members = list(_members(call, _existing(call)["id"]))
    kind = call.query.get("resource_type")
    if kind:
        members = [item for item in members if item["urn"].startswith(f"do:{kind}:")]
    return paged(call, "members", members)


def _delete(call: Call) -> Answer:
    vpc = _existing(call)
    if vpc["default"]:
        raise ApiError(403, "forbidden", "Can not delete default VPCs")
    if next(_members(call, vpc["id"]), None) is not None:
        raise conflict("Can not delete VPC with members")
    call.store.delete(KIND, vpc["id"])
    return NOTHING


ROUTES = [
    ("POST", "/v2/vpcs", _create),
    ("GET", "/v2/vpcs", _list),
    ("GET", "/v2/vpcs/{vpc_id}", _get),
    ("PUT", "/v2/vpcs/{vpc_id}", _replace),
    ("PATCH", "/v2/vpcs/{vpc_id}", _update),
    ("DELETE", "/v2/vpcs/{vpc_id}", _delete),
    ("GET", "/v2/vpcs/{vpc_id}/members", _list_members),
]

"""Who may connect to a database: its trusted sources."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from dotrain.sandbox import droplets, tags
from dotrain.sandbox.answers import Call, Doc, invalid
from dotrain.sandbox.lifecycle import stamp
from dotrain.sandbox.validate import check_address

if TYPE_CHECKING:
    from dotrain.sandbox.validate import Fields

_KINDS = ("ip_addr", "droplet", "k8s", "tag", "app")
_MOST_RULES = 100
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read(call: Call, database_id: str, old: list[Doc], fields: Fields) -> list[Doc]:
    """Return the rules that were sent; one that was there before keeps its id."""
    sent = fields.objects("rules")
    if len(sent) > _MOST_RULES:
        raise invalid(f"rules: at most {_MOST_RULES} rules are allowed.")
    known = {(rule["type"], rule["value"]): rule for rule in old}
    rules = []
    for rule in sent:
        kind, value = rule.choice("type", _KINDS), rule.text("value")
        _check(call, kind, value, rule.name("value"))
        fresh = {
            "uuid": str(uuid.uuid4()),
            "cluster_uuid": database_id,
            "type": kind,
            "value": value,
            "created_at": stamp(call.now),
        }
        if rule.has("description"):
            fresh["description"] = rule.text("description", "")
        rules.append(known.get((kind, value), fresh))
    return rules


def _check(call: Call, kind: str, value: str, where: str) -> None:
    if kind == "ip_addr":
        check_address(value, where, versions=(4,))
    elif kind == "tag":
        tags.check_exist(call.store, [value], where)
    elif kind == "k8s" and call.store.get("cluster", value) is None:
        raise invalid(f"{where}: Kubernetes cluster {value!r} does not exist.")
    elif kind == "droplet" and value not in map(str, droplets.identifiers(call.store)):
        raise invalid(f"{where}: Droplet {value!r} does not exist.")
    elif kind == "app" and not _UUID.fullmatch(value):
        raise invalid(f"{where}: {value!r} is not the id of an app.")

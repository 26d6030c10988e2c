"""Firewalls: yours, and the two that Kubernetes keeps for each cluster."""

from __future__ import annotations

import re
import uuid

from dotrain.sandbox import droplets, rules, tags
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, conflict, invalid, not_found, paged
from dotrain.sandbox.lifecycle import firewall_state, stamp
from dotrain.sandbox.validate import Fields

KIND = "firewall"
DOUBLES = "double firewalls"
"""The fact that firewalls may have one name: so it was measured once, and it is refused now."""
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]+")
_NAME_ADVICE = "must start with a letter or a digit and hold only those, dashes and periods."
_MOST_TAGS = 5
_MOST_DROPLETS = 10
_MOST_NAME = 255
_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
_ANYWHERE = ["0.0.0.0/0", "::/0"]


def _open(side: str, addresses: list[str]) -> list[Doc]:
    return [
        {"protocol": protocol, "ports": "0", side: {"addresses": addresses}}
        for protocol in ("icmp", "tcp", "udp")
    ]


def _managed(cluster: Doc) -> list[Doc]:
    """Return a cluster's own firewalls.

    They are derived from the cluster and stored nowhere, so that no edit lasts.
    """
    worker, public = cluster["firewall_ids"]
    common = {
        "tags": [f"k8s:{cluster['id']}"],
        "droplet_ids": [],
        "created": cluster["created"],
        "changed": cluster["created"],
        "managed": True,
    }
    return [
        {
            **common,
            "id": worker,
            "name": f"k8s-{cluster['id']}-worker",
            "inbound_rules": _open("sources", _PRIVATE),
            "outbound_rules": _open("destinations", _ANYWHERE),
        },
        {
            **common,
            "id": public,
            "name": f"k8s-public-access-{cluster['id']}",
            "inbound_rules": [],
            "outbound_rules": [],
        },
    ]


def everything(call: Call) -> list[Doc]:
    """Return all firewalls."""
    managed = [found for cluster in call.store.all("cluster") for found in _managed(cluster)]
    return [*call.store.all(KIND), *managed]


def view(call: Call, firewall: Doc) -> Doc:
    """Return a firewall as the API shows it."""
    return {
        "id": firewall["id"],
        "name": firewall["name"],
        "status": firewall_state(firewall["changed"], call.now, call.delay),
        "inbound_rules": firewall["inbound_rules"],
        "outbound_rules": firewall["outbound_rules"],
        "droplet_ids": firewall["droplet_ids"],
        "tags": firewall["tags"],
        "created_at": stamp(firewall["created"]),
        "pending_changes": [],
    }


def _existing(call: Call) -> Doc:
    for firewall in everything(call):
        if firewall["id"] == call.params["firewall_id"]:
            return firewall
    raise not_found("The firewall you requested could not be found.")


def _rules(fields: Fields, key: str) -> list[Doc]:
    return [rules.read(rule, rules.SIDES[key]) for rule in fields.objects(key)]


def _save(call: Call, firewall: Doc) -> None:
    """Check a firewall as a whole and write it; a managed one is left as it was."""
    if firewall.get("managed"):
        return
    every = [*firewall["inbound_rules"], *firewall["outbound_rules"]]
    if not every:
        raise invalid("A firewall needs at least one inbound or outbound rule.")
    if len(every) > rules.MOST_RULES:
        raise invalid(f"A firewall can have at most {rules.MOST_RULES} rules.")
    if len(firewall["tags"]) > _MOST_TAGS:
        raise invalid(f"A firewall can have at most {_MOST_TAGS} tags.")
    if len(firewall["droplet_ids"]) > _MOST_DROPLETS:
        raise invalid(f"A firewall can have at most {_MOST_DROPLETS} Droplets.")
    unknown = set(firewall["droplet_ids"]) - droplets.identifiers(call.store)
    if unknown:
        raise invalid(f"droplet_ids: Droplet {min(unknown)} does not exist.")
    tags.check_exist(call.store, firewall["tags"], "tags")
    for rule in every:
        ends = rule.get("sources") or rule["destinations"]
        tags.check_exist(call.store, ends.get("tags", []), "rule")
    call.store.put(KIND, {**firewall, "changed": call.now})


def _read(call: Call, key: str, created: float) -> Doc:
    fields = Fields(call.body)
    name = fields.match("name", _NAME, _NAME_ADVICE)
    if len(name) > _MOST_NAME:
        raise invalid(f"name must have at most {_MOST_NAME} characters.")
    firewall = {
        "id": key,
        "name": name,
        "inbound_rules": _rules(fields, "inbound_rules"),
        "outbound_rules": _rules(fields, "outbound_rules"),
        "droplet_ids": list(dict.fromkeys(fields.numbers("droplet_ids"))),
        "tags": fields.tags(),
        "created": created,
        "changed": call.now,
    }
    taken = any(other["name"] == name and other["id"] != key for other in everything(call))
    if taken and not call.store.fact(DOUBLES):
        raise conflict("duplicate name")
    return firewall


def _create(call: Call) -> Answer:
    firewall = _read(call, str(uuid.uuid4()), call.now)
    _save(call, firewall)
    return Answer(202, {"firewall": view(call, firewall)})


def _list(call: Call) -> Answer:
    return paged(call, "firewalls", [view(call, firewall) for firewall in everything(call)])


def _get(call: Call) -> Answer:
    return Answer(200, {"firewall": view(call, _existing(call))})


def _replace(call: Call) -> Answer:
    old = _existing(call)
    new = _read(call, old["id"], old["created"])
    if old.get("managed"):
        return Answer(200, {"firewall": view(call, old)})
    _save(call, new)
    return Answer(200, {"firewall": view(call, new)})


def _delete(call: Call) -> Answer:
    call.store.delete(KIND, _existing(call)["id"])
    return NOTHING


def _add_rules(call: Call) -> Answer:
    firewall, fields = _existing(call), Fields(call.body)
    for key in rules.SIDES:
        for rule in _rules(fields, key):
            if not any(rules.same(rule, old) for old in firewall[key]):
                firewall[key].append(rule)
    _save(call, firewall)
    return NOTHING


def _remove_rules(call: Call) -> Answer:
    firewall, fields = _existing(call), Fields(call.body)
    for key in rules.SIDES:
        unwanted = _rules(fields, key)
        firewall[key] = [
            rule for rule in firewall[key] if not any(rules.same(rule, old) for old in unwanted)
        ]
    _save(call, firewall)
    return NOTHING


def _add_tags(call: Call) -> Answer:
    firewall, fields = _existing(call), Fields(call.body)
    firewall["tags"] = list(dict.fromkeys([*firewall["tags"], *fields.tags()]))
    _save(call, firewall)
    return NOTHING


def _remove_tags(call: Call) -> Answer:
    firewall, unwanted = _existing(call), Fields(call.body).tags()
    firewall["tags"] = [tag for tag in firewall["tags"] if tag not in unwanted]
    _save(call, firewall)
    return NOTHING


def _add_droplets(call: Call) -> Answer:
    firewall, fields = _existing(call), Fields(call.body)
    wanted = [*firewall["droplet_ids"], *fields.numbers("droplet_ids")]
    firewall["droplet_ids"] = list(dict.fromkeys(wanted))
    _save(call, firewall)
    return NOTHING


def _remove_droplets(call: Call) -> Answer:
    firewall, unwanted = _existing(call), Fields(call.body).numbers("droplet_ids")
    firewall["droplet_ids"] = [key for key in firewall["droplet_ids"] if key not in unwanted]
    _save(call, firewall)
    return NOTHING


_FIREWALL = "/v2/firewalls/{firewall_id}"
ROUTES = [
    ("POST", "/v2/firewalls", _create),
    ("GET", "/v2/firewalls", _list),
    ("GET", _FIREWALL, _get),
    ("PUT", _FIREWALL, _replace),
    ("DELETE", _FIREWALL, _delete),
    ("POST", _FIREWALL + "/rules", _add_rules),
    ("DELETE", _FIREWALL + "/rules", _remove_rules),
    ("POST", _FIREWALL + "/tags", _add_tags),
    ("DELETE", _FIREWALL + "/tags", _remove_tags),
    ("POST", _FIREWALL + "/droplets", _add_droplets),
    ("DELETE", _FIREWALL + "/droplets", _remove_droplets),
]

"""Firewalls of Droplets, cluster nodes among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from dotrain.sandbox.provider.fields import Field, Fields
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

# The property's prefix and the body's key for the other side of a rule, per direction.
_DIRECTIONS = {
    "inboundRules": ("source", "sources"),
    "outboundRules": ("destination", "destinations"),
}
_PEERS = {
    "Addresses": "addresses",
    "Tags": "tags",
    "DropletIds": "droplet_ids",
    "LoadBalancerUids": "load_balancer_uids",
    "KubernetesIds": "kubernetes_ids",
}
_BODY_KEYS = {"inboundRules": "inbound_rules", "outboundRules": "outbound_rules"}
_EVERY_PORT = {"0", "all", "1-65535"}


def body(inputs: Props) -> Props:
    """Return the request that creates a firewall, or replaces it: lists not set are null."""
    rules = {
        key: [_rule_body(rule, *_DIRECTIONS[name]) for rule in inputs.get(name) or []] or None
        for name, key in _BODY_KEYS.items()
    }
    return {
        "name": inputs["name"],
        **rules,
        "droplet_ids": inputs.get("dropletIds") or None,
        "tags": inputs.get("tags") or None,
    }


def state_of(firewall: Any, before: Props) -> Props:
    """Return a firewall's state, rules spelled as before where they mean the same."""
    rules = {
        name: _as_before(
            [_rule_state(rule, *_DIRECTIONS[name]) for rule in firewall.get(key) or []],
            before.get(name) or [],
        )
        for name, key in _BODY_KEYS.items()
    }
    return {
        "name": firewall["name"],
        **rules,
        "dropletIds": firewall.get("droplet_ids") or [],
        "tags": firewall.get("tags") or [],
        "status": firewall["status"],
        "createdAt": firewall["created_at"],
        "pendingChanges": [
            {
                "dropletId": change.get("droplet_id"),
                "removing": change.get("removing"),
                "status": change.get("status"),
            }
            for change in firewall.get("pending_changes") or []
        ],
    }


def meaning(rule: Any) -> Any:
    """Return what a rule means: order, and ways of saying every port, do not count."""
    if not isinstance(rule, dict):
        return rule
    known = {name: value for name, value in rule.items() if value and not name.startswith("__")}
    if known.get("action") == "allow":
        del known["action"]
    if known.get("portRange") in _EVERY_PORT:
        known["portRange"] = "all"
        if known.get("protocol") == "icmp":
            del known["portRange"]
    return {
        name: sorted(value, key=str) if isinstance(value, list) else value
        for name, value in known.items()
    }


def _rule_body(rule: Props, prefix: str, side: str) -> Props:
    peers = {key: rule.get(prefix + suffix) for suffix, key in _PEERS.items()}
    named = {"ports": rule.get("portRange"), "action": rule.get("action")}
    return {
        "protocol": rule["protocol"],
        **{key: value for key, value in named.items() if value},
        side: {key: value for key, value in peers.items() if value},
    }


def _rule_state(rule: Any, prefix: str, side: str) -> Props:
    ports = rule.get("ports")
    if ports == "0":
        ports = None if rule["protocol"] == "icmp" else "all"
    named = {"portRange": ports, "action": rule.get("action")}
    peers = {prefix + suffix: rule[side].get(key) for suffix, key in _PEERS.items()}
    return {
        "protocol": rule["protocol"],
        **{name: value for name, value in (named | peers).items() if value},
    }


def _as_before(rules: list[Props], before: list[Props]) -> list[Props]:
    return [next((old for old in before if meaning(old) == meaning(rule)), rule) for rule in rules]


FIELDS: Fields = {
    "name": Field(),
    "inboundRules": Field(unordered=True, key=meaning),
    "outboundRules": Field(unordered=True, key=meaning),
    "dropletIds": Field(unordered=True),
    "tags": Field(unordered=True),
}


class Firewall(Resource):
    """Rules, and the Droplets and tags they hold for."""

    kind = "digitalocean:index/firewall:Firewall"
    noun = "firewall"
    fields = FIELDS
    outputs = ("status", "createdAt", "pendingChanges")

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        answer = api.post("/v2/firewalls", body(inputs))
        return self.read(api, answer["firewall"]["id"], inputs)

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        return id_, state_of(api.get(f"/v2/firewalls/{id_}")["firewall"], state)

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        api.put(f"/v2/firewalls/{id_}", body(inputs))
        return self.read(api, id_, inputs)[1]

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        api.delete(f"/v2/firewalls/{id_}")

"""Load balancers: enough of them to see what a cluster leaves behind."""

from __future__ import annotations

import re
import uuid

from dotrain.sandbox import catalog, droplets, projects, tags, vpcs
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, invalid, not_found, paged
from dotrain.sandbox.lifecycle import balancer_state, stamp
from dotrain.sandbox.validate import Fields

KIND = "load_balancer"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]{0,254}")
_NAME_ADVICE = "must start with a letter or a digit and hold only those, dashes and periods."
_ENTRY = ("http", "https", "http2", "http3", "tcp", "udp")
_TARGET = ("http", "https", "http2", "tcp", "udp")
_LAST_PORT = 65535
_MOST_UNITS = 100


def view(call: Call, balancer: Doc) -> Doc:
    """Return a load balancer as the API shows it."""
    hidden = ("created", "tags")
    shown = {key: value for key, value in balancer.items() if key not in hidden}
    state = balancer_state(balancer["created"], call.now, call.delay)
    return {
        **shown,
        "region": catalog.region(balancer["region"]),
        "status": state,
        "ip": balancer["ip"] if state == "active" else "",
        "created_at": stamp(balancer["created"]),
        "algorithm": "round_robin",
        "health_check": {
            "protocol": "tcp",
            "port": balancer["forwarding_rules"][0]["target_port"],
            "path": "",
            "check_interval_seconds": 10,
            "response_timeout_seconds": 5,
            "unhealthy_threshold": 3,
            "healthy_threshold": 5,
        },
        "sticky_sessions": {"type": "none"},
        "redirect_http_to_https": False,
        "enable_proxy_protocol": False,
        "enable_backend_keepalive": False,
        "disable_lets_encrypt_dns_records": False,
    }


def _existing(call: Call) -> Doc:
    balancer = call.store.get(KIND, call.params["lb_id"])
    if balancer is None:
        raise not_found("The load balancer you requested could not be found.")
    return balancer


def _forwarding(fields: Fields) -> list[Doc]:
    rules = [
        {
            "entry_protocol": rule.choice("entry_protocol", _ENTRY),
            "entry_port": rule.whole("entry_port", 1, _LAST_PORT),
            "target_protocol": rule.choice("target_protocol", _TARGET),
            "target_port": rule.whole("target_port", 1, _LAST_PORT),
            "certificate_id": rule.text("certificate_id", ""),
            "tls_passthrough": rule.flag("tls_passthrough", default=False),
        }
        for rule in fields.objects("forwarding_rules")
    ]
    if not rules:
        raise invalid("forwarding_rules: at least one rule is required.")
    return rules


def _given(call: Call) -> Doc:
    """Return what a request says about a load balancer, new or old."""
    fields = Fields(call.body)
    region = fields.text("region")
    catalog.check_region(region)
    tag, numbers = fields.text("tag", ""), fields.numbers("droplet_ids")
    carried = fields.tags() + ([tag] if tag else [])
    if tag:
        tags.check_exist(call.store, [tag], "tag")
    elif not set(numbers) <= droplets.identifiers(call.store):
        raise invalid("droplet_ids: a Droplet does not exist.")
    return {
        "name": fields.match("name", _NAME, _NAME_ADVICE),
        "region": region,
        "forwarding_rules": _forwarding(fields),
        "droplet_ids": numbers,
        "tag": tag,
        "tags": carried,
        "size_unit": fields.whole("size_unit", 1, _MOST_UNITS, 1),
        "vpc_uuid": vpcs.resolve(call, fields.text("vpc_uuid", ""), region)["id"],
    }


def _create(call: Call) -> Answer:
    number = call.store.next_number("address", 0)
    balancer = {
        **_given(call),
        "id": str(uuid.uuid4()),
        "ip": f"192.0.2.{number % 254 + 1}",
        "project_id": projects.resolve(call, Fields(call.body).text("project_id", "")),
        "created": call.now,
    }
    call.store.put(KIND, balancer)
    projects.assign(call, balancer["project_id"], f"do:loadbalancer:{balancer['id']}")
    return Answer(202, {"load_balancer": view(call, balancer)})


def _list(call: Call) -> Answer:
    shown = [view(call, balancer) for balancer in call.store.all(KIND)]
    return paged(call, "load_balancers", shown)


def _get(call: Call) -> Answer:
    return Answer(200, {"load_balancer": view(call, _existing(call))})


def _replace(call: Call) -> Answer:
    balancer = {**_existing(call), **_given(call)}
    call.store.put(KIND, balancer)
    return Answer(200, {"load_balancer": view(call, balancer)})


def _delete(call: Call) -> Answer:
    call.store.delete(KIND, _existing(call)["id"])
    return NOTHING


ROUTES = [
    ("POST", "/v2/load_balancers", _create),
    ("GET", "/v2/load_balancers", _list),
    ("GET", "/v2/load_balancers/{lb_id}", _get),
    ("PUT", "/v2/load_balancers/{lb_id}", _replace),
    ("DELETE", "/v2/load_balancers/{lb_id}", _delete),
]

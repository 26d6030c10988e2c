"""No body, however strange, is answered with a server error."""

import itertools
import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotrain.sandbox import routes
from dotrain.sandbox.core import Request, Sandbox
from dotrain.sandbox.store import Store

from .conftest import BALANCER, DATABASE, FIREWALL

HEADERS = {"host": "127.0.0.1", "authorization": "Bearer t"}
POOL = {"name": "p", "size": "s-1vcpu-2gb", "count": 1, "taints": [], "labels": {}, "tags": []}
GOOD = {
    "clusters": {
        "name": "c",
        "region": "nyc3",
        "version": "latest",
        "vpc_uuid": "",
        "tags": [],
        "node_pools": [POOL],
        "maintenance_policy": {"day": "any", "start_time": "00:00"},
        "control_plane_firewall": {"enabled": True, "allowed_addresses": ["192.0.2.1"]},
        "cluster_autoscaler_configuration": {"scale_down_utilization_threshold": 0.5},
        "routing_agent": {"enabled": True},
    },
    "node_pools": {**POOL, "auto_scale": False, "min_nodes": 0, "max_nodes": 0},
    "firewalls": FIREWALL,
    "rules": {"inbound_rules": FIREWALL["inbound_rules"]},
    "databases": {**DATABASE, "rules": [{"type": "ip_addr", "value": "192.0.2.1"}]},
    "vpcs": {"name": "v", "region": "nyc3", "ip_range": "", "description": "", "default": False},
    "load_balancers": {**BALANCER, "tag": "", "droplet_ids": [], "vpc_uuid": ""},
    "volumes": {"name": "v", "region": "nyc3", "size_gigabytes": 1, "tags": []},
    "projects": {"name": "p", "purpose": "x", "environment": "Staging", "is_default": False},
    "resources": {"resources": [{"resource_id": "1", "resource_type": "droplet"}]},
}
# What deletes comes last: the others need something to work on.
CALLS = sorted(
    ((method, pattern.pattern) for method, pattern, _ in routes._TABLE if method != "GET"),
    key=lambda call: (call[0] == "DELETE", call),
)
NUMBERS = itertools.count()

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]), max_size=8)
    | st.sampled_from(["", "nyc3", "0.0.0.0/0", "do:droplet:1", "\ud800", "t"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places(value, where=()):
    """Return the path to each value inside a JSON value."""
    items = []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    return [where, *(place for key, inner in items for place in places(inner, (*where, key)))]


def replaced(value, place, new):
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


@st.composite
def bodies(draw, path):
    """A good body for this path, under a new name, with one value exchanged for anything."""
    nouns = [noun for noun in reversed(path.split("/")) if noun in GOOD]
    good = GOOD[nouns[0]] if nouns else {"name": "t"}
    good = {**good, "name": f"name-{next(NUMBERS)}"}
    return replaced(good, draw(st.sampled_from(places(good))), draw(anything))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("fuzz") / "sandbox.db")
    yield Sandbox(store, "id", "t", 60)
    store.close()


def send(sandbox, method, path, body):
    content = b"" if body is None else json.dumps(body).encode()
    return sandbox.answer(Request(method, path, "", HEADERS, content))


@pytest.fixture(scope="module")
def ids(sandbox):
    """One of each thing, kept by its place in a path."""
    made = send(sandbox, "POST", "/v2/kubernetes/clusters", GOOD["clusters"])
    cluster = made.body["kubernetes_cluster"]
    found = {"cluster_id": cluster["id"], "pool_id": cluster["node_pools"][0]["id"], "tag": "t"}
    send(sandbox, "POST", "/v2/tags", {"name": "t"})
    for key, kind, noun in (
        ("firewall_id", "firewalls", "firewall"),
        ("database_id", "databases", "database"),
        ("vpc_id", "vpcs", "vpc"),
        ("lb_id", "load_balancers", "load_balancer"),
        ("volume_id", "volumes", "volume"),
        ("project_id", "projects", "project"),
    ):
        found[key] = send(sandbox, "POST", f"/v2/{kind}", GOOD[kind]).body[noun]["id"]
    return found


def filled(pattern, ids):
    for name, value in ids.items():
        pattern = pattern.replace(f"(?P<{name}>[^/]+)", value)
    return pattern.replace("(?P<node_id>[^/]+)", "x").replace("(?P<snapshot_id>[^/]+)", "x")


@pytest.mark.parametrize(("method", "pattern"), CALLS, ids=str)
def test_no_body_is_a_server_error(sandbox, ids, caplog, method, pattern):
    path = filled(pattern, ids)

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(body=bodies(pattern))
    def run(body):
        answer = send(sandbox, method, path, body)
        assert answer.status < 500, (body, answer.body)
        # What was kept can still be shown.
        shown = send(sandbox, "GET", "/__sandbox__/objects", None)
        json.dumps([answer.body, shown.body], allow_nan=False)
        assert shown.status == 200

    with caplog.at_level(logging.ERROR):
        run()

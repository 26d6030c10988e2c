"""What DigitalOcean refuses is refused, with its codes."""

import pytest

from dotrain.sandbox import catalog

from .conftest import BALANCER, DATABASE, FIREWALL

NODES = [{"name": "default", "size": "s-1vcpu-2gb", "count": 1}]
CLUSTER = {"name": "c", "region": "nyc3", "version": "1.34.1-do.0", "node_pools": NODES}
MANY = [f"10.{i // 250}.{i % 250}.1" for i in range(1001)]


def inbound(**fields):
    rule = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["203.0.113.7"]}}
    return {**FIREWALL, "inbound_rules": [{**rule, **fields}]}


def sources(*addresses):
    return inbound(sources={"addresses": list(addresses)})


def pool(**fields):
    return {**CLUSTER, "node_pools": [{**NODES[0], **fields}]}


def plane(*addresses):
    block = {"enabled": True, "allowed_addresses": list(addresses)}
    return {**CLUSTER, "control_plane_firewall": block}


def without(body, key):
    return {name: value for name, value in body.items() if name != key}


def trusted(kind, value):
    return {**DATABASE, "rules": [{"type": kind, "value": value}]}


REFUSED = {
    "firewalls": {
        "no name": without(FIREWALL, "name"),
        "name with underscore": {**FIREWALL, "name": "my_fw"},
        "name of one letter": {**FIREWALL, "name": "f"},
        "name with newline": {**FIREWALL, "name": "firewall\n"},
        "name that is a number": {**FIREWALL, "name": 5},
        "no rules at all": {**FIREWALL, "inbound_rules": [], "outbound_rules": None},
        "empty address": sources(""),
        "address with a space": sources(" 203.0.113.7"),
        "host name": sources("example.com"),
        "host bits": sources("203.0.113.7/24"),
        "host bits, IPv6": sources("2001:db8::1/64"),
        "address out of range": sources("203.0.113.256"),
        "prefix out of range": sources("203.0.113.0/33"),
        "netmask": sources("203.0.113.0/255.255.255.0"),
        "scope": sources("fe80::1%eth0"),
        "address that is a number": sources(5),
        "too many addresses": sources(*MANY),
        "no addresses": sources(),
        "no sources": inbound(sources=None),
        "sources as a list": inbound(sources=["203.0.113.7"]),
        "unknown protocol": inbound(protocol="sctp"),
        "tcp without ports": inbound(ports=None),
        "tcp with empty ports": inbound(ports=""),
        "port 65536": inbound(ports="65536"),
        "ports that are words": inbound(ports="ssh"),
        "ports backwards": inbound(ports="9000-8000"),
        "port list": inbound(ports="22,80"),
        "port zero in a range": inbound(ports="0-10"),
        "port as a number": inbound(ports=22),
        "icmp with a port": inbound(protocol="icmp", ports="8"),
        "unknown tag": {**FIREWALL, "tags": ["nobody-made-this"]},
        "unknown tag in a rule": inbound(sources={"tags": ["nobody-made-this"]}),
        "tag that is none": {**FIREWALL, "tags": ["a b"]},
        "six tags": {**FIREWALL, "tags": [f"known-{i}" for i in range(6)]},
        "51 rules": {**FIREWALL, "inbound_rules": FIREWALL["inbound_rules"] * 50},
        "eleven Droplets": {**FIREWALL, "droplet_ids": list(range(11))},
        "unknown Droplet": {**FIREWALL, "droplet_ids": [1]},
        "rules as an object": {**FIREWALL, "inbound_rules": {}},
    },
    "kubernetes/clusters": {
        "no name": without(CLUSTER, "name"),
        "name with capitals": {**CLUSTER, "name": "Train"},
        "name with underscore": {**CLUSTER, "name": "a_b"},
        "name of 64 letters": {**CLUSTER, "name": "a" * 64},
        "taken name": {**CLUSTER, "name": "taken"},
        "unknown region": {**CLUSTER, "region": "moon1"},
        "unknown version": {**CLUSTER, "version": "1.21.5-do.0"},
        "no version": without(CLUSTER, "version"),
        "unknown vpc": {**CLUSTER, "vpc_uuid": "00000000-0000-4000-8000-00000000000f"},
        "no pools": {**CLUSTER, "node_pools": []},
        "pools of one name": {**CLUSTER, "node_pools": NODES * 2},
        "unknown size": pool(size="s-1vcpu-3gb"),
        "size too small for a node": pool(size="s-1vcpu-1gb"),
        "size of another region": pool(size="gpu-h200x1-141gb"),
        "count of 0": pool(count=0),
        "count of -1": pool(count=-1),
        "count of true": pool(count=True),
        "count as a string": pool(count="1"),
        "count of 1.5": pool(count=1.5),
        "no count": pool(count=None),
        "count of 513": pool(count=513),
        "max below min": pool(auto_scale=True, min_nodes=3, max_nodes=2),
        "unknown taint effect": pool(taints=[{"key": "a", "value": "b", "effect": "Never"}]),
        "labels as a list": pool(labels=["a"]),
        "control plane IPv6": plane("2001:db8::1"),
        "control plane empty": plane(""),
        "control plane host bits": plane("203.0.113.7/8"),
        "control plane as a string": {**CLUSTER, "control_plane_firewall": "on"},
        "subnets that overlap": {
            **CLUSTER,
            "cluster_subnet": "10.50.0.0/16",
            "service_subnet": "10.50.1.0/24",
        },
        "maintenance on no day": {**CLUSTER, "maintenance_policy": {"day": "someday"}},
        "bad tag": {**CLUSTER, "tags": ["a,b"]},
        "flag as a string": {**CLUSTER, "ha": "yes"},
    },
    "databases": {
        "no name": without(DATABASE, "name"),
        "name with capitals": {**DATABASE, "name": "Data"},
        "taken name": {**DATABASE, "name": "taken"},
        "unknown engine": {**DATABASE, "engine": "oracle"},
        "unknown version": {**DATABASE, "version": "9"},
        "unknown size": {**DATABASE, "size": "s-1vcpu-2gb"},
        "unknown region": {**DATABASE, "region": "moon1"},
        "no nodes": {**DATABASE, "num_nodes": 0},
        "unknown project": {**DATABASE, "project_id": "x"},
        "rule of no type": trusted("person", "me"),
        "rule with IPv6": trusted("ip_addr", "2001:db8::1"),
        "rule with empty address": trusted("ip_addr", ""),
        "rule with unknown cluster": trusted("k8s", "x"),
        "rule with unknown tag": trusted("tag", "nobody-made-this"),
        "rule with unknown Droplet": trusted("droplet", "1"),
        "rule with no app": trusted("app", "x"),
        "101 rules": {**DATABASE, "rules": [{"type": "ip_addr", "value": "192.0.2.1"}] * 101},
    },
    "vpcs": {
        "no name": {"region": "nyc3"},
        "name with a space": {"name": "a b", "region": "nyc3"},
        "taken name": {"name": "taken", "region": "nyc3"},
        "unknown region": {"name": "v", "region": "moon1"},
        "public range": {"name": "v", "region": "nyc3", "ip_range": "8.8.8.0/24"},
        "range too small": {"name": "v", "region": "nyc3", "ip_range": "10.0.0.0/29"},
        "range with host bits": {"name": "v", "region": "nyc3", "ip_range": "10.0.0.1/24"},
        "overlapping range": {"name": "v", "region": "nyc3", "ip_range": "10.77.0.0/16"},
    },
    "tags": {
        "no name": {},
        "name with a space": {"name": "a b"},
        "name with a dot": {"name": "a.b"},
        "name too long": {"name": "a" * 256},
    },
    "projects": {"no name": {"purpose": "x"}, "no purpose": {"name": "x"}},
    "volumes": {
        "no size": {"name": "v", "region": "nyc3"},
        "no region": {"name": "v", "size_gigabytes": 1},
        "name with capitals": {"name": "V", "region": "nyc3", "size_gigabytes": 1},
    },
    "load_balancers": {
        "no rules": {**BALANCER, "forwarding_rules": []},
        "port 0": {
            **BALANCER,
            "forwarding_rules": [{**BALANCER["forwarding_rules"][0], "entry_port": 0}],
        },
        "unknown tag": {**BALANCER, "tag": "nobody-made-this"},
    },
}
CASES = [
    pytest.param(path, body, id=f"{path}: {name}")
    for path, bodies in REFUSED.items()
    for name, body in bodies.items()
]


@pytest.fixture(scope="module")
def furnished(server):
    for index in range(6):
        server("POST", "/v2/tags", {"name": f"known-{index}"}, 201)
    server.cluster("taken")
    server("POST", "/v2/databases", {**DATABASE, "name": "taken"}, 201)
    vpc = {"name": "taken", "region": "nyc3", "ip_range": "10.77.1.0/24"}
    server("POST", "/v2/vpcs", vpc, 201)
    server("POST", "/v2/firewalls", {**FIREWALL, "name": "taken"}, 202)
    return server


@pytest.mark.parametrize(("path", "body"), CASES)
def test_refused(furnished, path, body):
    before = furnished.get("/__sandbox__/objects")
    answer = furnished("POST", f"/v2/{path}", body, 422)
    assert answer["id"] == "unprocessable_entity"
    assert answer["message"]
    assert answer["request_id"]
    after = furnished.get("/__sandbox__/objects")
    kinds = ("clusters", "firewalls", "vpcs", "databases", "tags", "volumes", "projects")
    assert [len(before[kind]) for kind in kinds] == [len(after[kind]) for kind in kinds]


def test_a_second_firewall_of_one_name_is_a_conflict(furnished):
    answer = furnished("POST", "/v2/firewalls", {**FIREWALL, "name": "taken"}, 409)
    assert answer == {**answer, "id": "conflict", "message": "duplicate name"}


def test_a_tag_made_twice_is_one_tag(furnished):
    furnished("POST", "/v2/tags", {"name": "known-0"}, 201)
    names = [tag["name"] for tag in furnished.get("/v2/tags?per_page=200")["tags"]]
    assert names.count("known-0") == 1


@pytest.mark.parametrize(
    "addresses",
    [["203.0.113.7"], ["203.0.113.0/24"], ["2001:db8::1"], ["::/0", "0.0.0.0/0"], MANY[:1000]],
    ids=["IPv4", "CIDR", "IPv6", "anywhere", "1000"],
)
def test_accepted_addresses_come_back_as_they_were(fresh, addresses):
    made = fresh("POST", "/v2/firewalls", sources(*addresses), 202)["firewall"]
    assert made["inbound_rules"][0]["sources"] == {"addresses": addresses}


def test_rules_are_shown_as_the_api_shows_them(fresh):
    rule = {"protocol": "icmp", "sources": {"addresses": ["::/0"], "tags": None}, "action": "allow"}
    every = [rule, {**rule, "protocol": "udp", "ports": "all"}]
    body = {**FIREWALL, "inbound_rules": every, "outbound_rules": None}
    shown = fresh("POST", "/v2/firewalls", body, 202)["firewall"]
    assert shown["outbound_rules"] == []
    for before, after in zip(every, shown["inbound_rules"], strict=True):
        ends = {"addresses": ["::/0"]}
        assert after == {**before, "ports": "0", "sources": ends}


@pytest.mark.parametrize("body", [b"{", b"[NaN]", b'{"name": 1e999}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_a_bad_request(server, body):
    answer = server.client.post("/v2/tags", content=body)
    assert (answer.status_code, answer.json()["id"]) == (400, "bad_request")


def test_half_a_surrogate_pair_is_no_text(server):
    answer = server.client.post("/v2/vpcs", content=b'{"name": "v", "region": "\\ud800"}')
    assert answer.status_code == 422


@pytest.mark.parametrize("body", [[], "name", 5, True])
def test_what_is_no_object_is_refused(server, body):
    server("POST", "/v2/tags", body, 422)


@pytest.mark.parametrize("kind", ["kubernetes/clusters", "firewalls", "vpcs", "databases", "tags"])
def test_what_does_not_exist_is_not_found(server, kind):
    answer = server("GET", f"/v2/{kind}/00000000-0000-4000-8000-00000000000f", status=404)
    assert answer["id"] == "not_found"


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2", "/", "/v2/tags/", "/__sandbox__/nothing"])
def test_unknown_routes_are_not_found(server, path):
    answer = server("GET", path, status=404)
    assert answer["id"] == "not_found"
    assert answer["request_id"]


@pytest.mark.parametrize(("version", "made"), [("1.35.9-do.0", False), ("1.36.0-do.0", True)])
def test_from_1_36_on_a_control_plane_is_highly_available_unasked(version, made):
    assert catalog.is_ha_by_default(version) is made

"""The program this project starts from, row by row: what is right works, what is wrong is mended.

The document is ../shared/reference/seed.txt: a cluster with tagged nodes, a
firewall on that tag with ssh and port 6443, all tcp out, and two exports.
"""

from __future__ import annotations

import pytest

import dotrain
from dotrain import errors
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(10)

ME = "203.0.113.7/32"


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    """The seed's cluster, in dotrain's words."""
    return dotrain.up(
        "ai-training-cluster",
        region="nyc3",
        pool=dotrain.Pool(size="s-2vcpu-2gb", count=3),
        allow=[dotrain.Grant("me", ("ssh", "tcp 6443", "api", "database"))],
        egress=["open"],
        database=dotrain.Database("pg"),
    )


def inbound(cluster: dotrain.Cluster, layer: str) -> set[tuple[str, str, str]]:
    rules = cluster.rules()
    found = rules[(rules.layer == layer) & (rules.direction == "inbound")]
    return set(zip(found.protocol, found.ports, found.peer, strict=True))


def test_three_nodes_of_the_seeds_size_in_its_region(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,) = sandbox.objects("clusters")
    training = made["node_pools"][1]
    assert (made["region"], training["size"], training["count"]) == ("nyc3", "s-2vcpu-2gb", 3)


def test_the_nodes_carry_the_tag_that_the_firewall_selects(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    firewall = next(
        one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-ai-training-cluster"
    )
    (tag,) = firewall["tags"]
    nodes = sandbox.objects("droplets")
    assert len(nodes) == 4
    assert all(tag in node["tags"] for node in nodes)


def test_ssh_is_open_to_me_and_not_to_an_empty_address(cluster: dotrain.Cluster) -> None:
    assert ("tcp", "22", ME) in inbound(cluster, "nodes")
    with pytest.raises(errors.InvalidAddress, match="empty source address"):
        dotrain.up("ai-training-cluster", allow=[""])


def test_port_6443_is_accepted_and_what_it_was_meant_for_is_guarded(
    cluster: dotrain.Cluster,
) -> None:
    assert ("tcp", "6443", ME) in inbound(cluster, "nodes")
    assert inbound(cluster, "control-plane") == {("tcp", "443", ME)}
    assert "guards nothing" in cluster.plan().notes[0]


def test_all_tcp_goes_out_and_so_does_what_names_need(cluster: dotrain.Cluster) -> None:
    rules = cluster.rules()
    out = rules[(rules.layer == "nodes") & (rules.direction == "outbound")]
    assert {("tcp", "all"), ("udp", "all"), ("icmp", "")} == set(
        zip(out.protocol, out.ports, strict=True)
    )


def test_a_version_that_is_dead_is_refused_and_a_living_one_is_taken(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    with pytest.raises(errors.UnknownVersion):
        dotrain.up("another", version="1.21.5-do.0")
    offered = sandbox.call("GET", "/v2/kubernetes/options")["options"]["versions"]
    assert cluster.outputs["kubernetes_version"] in {one["slug"] for one in offered}


def test_both_exports_are_there(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    (made,) = sandbox.objects("clusters")
    assert cluster.outputs["k8s_cluster_endpoint"] == made["endpoint"]
    ids = {one["id"] for one in sandbox.objects("firewalls")}
    assert cluster.outputs["firewall_id"] in ids


def test_the_database_trusts_me_and_the_cluster(cluster: dotrain.Cluster) -> None:
    peers = {peer for _, _, peer in inbound(cluster, "database")}
    assert peers == {ME, f"k8s:{cluster.outputs['k8s_cluster_id']}"}

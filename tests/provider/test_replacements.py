"""What a changed input comes to: nothing, an update in place, or a replacement."""

import pytest
from pulumi.runtime.proto import provider_pb2 as pb

from dotrain.sandbox.provider.differences import answer
from dotrain.sandbox.provider.registry import RESOURCES
from dotrain.sandbox.provider.wire import UNKNOWN

BY_NAME = {kind.rpartition(":")[2]: resource for kind, resource in RESOURCES.items()}
CLUSTER = {
    "name": "x",
    "region": "nyc3",
    "version": "1.34.1-do.0",
    "vpcUuid": "v1",
    "clusterSubnet": "10.244.0.0/16",
    "serviceSubnet": "10.245.0.0/16",
    "workerSubnetUuid": "w1",
    "isolatedWorkers": False,
    "tags": ["a", "b"],
    "surgeUpgrade": True,
    "ha": False,
    "controlPlaneFirewall": {"enabled": True, "allowedAddresses": ["1.1.1.1", "2.2.2.2"]},
    "nodePool": {"name": "p", "size": "s-1", "nodeCount": 1, "tags": ["t1", "t2"], "labels": {}},
}
POOL = {"clusterId": "c1", "name": "p", "size": "s-1", "nodeCount": 3, "labels": {}}
DATABASE = {
    "name": "d",
    "engine": "pg",
    "version": "16",
    "size": "s",
    "region": "nyc3",
    "nodeCount": 1,
    "privateNetworkUuid": "v1",
    "projectId": "p1",
}
VPC = {"name": "v", "region": "nyc3", "ipRange": "10.0.0.0/20", "description": ""}
STATES = {
    "Tag": {"name": "t"},
    "Vpc": VPC,
    "Firewall": {"name": "f", "tags": ["a", "b"], "dropletIds": [1, 2]},
    "KubernetesCluster": CLUSTER,
    "KubernetesNodePool": POOL,
    "DatabaseCluster": DATABASE,
    "DatabaseFirewall": {
        "clusterId": "d1",
        "rules": [
            {"type": "ip_addr", "value": "1.1.1.1", "uuid": "u1"},
            {"type": "k8s", "value": "c1", "uuid": "u2"},
        ],
    },
}


def changed(props, path, value):
    name, _, rest = path.partition(".")
    inner = changed(props[name], rest, value) if rest else value
    return {**props, name: inner}


def diff(name, path, value, **more):
    state = STATES[name]
    return answer(BY_NAME[name], state, state, {**changed(state, path, value), **more})


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("Tag", "name", "u"),
        ("Vpc", "region", "ams3"),
        ("Vpc", "ipRange", "10.9.0.0/20"),
        ("KubernetesCluster", "region", "ams3"),
        ("KubernetesCluster", "vpcUuid", "v2"),
        ("KubernetesCluster", "clusterSubnet", "10.1.0.0/16"),
        ("KubernetesCluster", "serviceSubnet", "10.2.0.0/16"),
        ("KubernetesCluster", "workerSubnetUuid", "w2"),
        ("KubernetesCluster", "isolatedWorkers", True),
        ("KubernetesCluster", "nodePool.size", "s-2"),
        ("KubernetesCluster", "version", "1.33.9-do.5"),
        ("KubernetesNodePool", "clusterId", "c2"),
        ("KubernetesNodePool", "clusterId", UNKNOWN),
        ("KubernetesNodePool", "size", "s-2"),
        ("DatabaseCluster", "name", "e"),
        ("DatabaseCluster", "engine", "mysql"),
        ("DatabaseCluster", "privateNetworkUuid", "v2"),
        ("DatabaseCluster", "projectId", "p2"),
        ("DatabaseFirewall", "clusterId", "d2"),
    ],
)
def test_replaces(name, path, value):
    found = diff(name, path, value)
    assert list(found.replaces) == [path]
    assert found.changes == pb.DiffResponse.DIFF_SOME
    assert "REPLACE" in pb.PropertyDiff.Kind.Name(found.detailedDiff[path].kind)
    assert found.deleteBeforeReplace == (name != "DatabaseFirewall")


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("Vpc", "name", "w"),
        ("Vpc", "description", "text"),
        ("Firewall", "name", "g"),
        ("Firewall", "tags", ["a"]),
        ("Firewall", "inboundRules", [{"protocol": "icmp"}]),
        ("KubernetesCluster", "name", "y"),
        ("KubernetesCluster", "version", "1.34.1-do.1"),
        ("KubernetesCluster", "version", "latest"),
        ("KubernetesCluster", "ha", True),
        ("KubernetesCluster", "surgeUpgrade", False),
        ("KubernetesCluster", "nodePool.nodeCount", 2),
        ("KubernetesCluster", "nodePool.labels", {"a": "b"}),
        ("KubernetesCluster", "controlPlaneFirewall.allowedAddresses", ["2.2.2.2", "1.1.1.1"]),
        ("KubernetesCluster", "controlPlaneFirewall.enabled", False),
        ("KubernetesNodePool", "name", "q"),
        ("KubernetesNodePool", "taints", [{"key": "k", "value": "v", "effect": "NoSchedule"}]),
        ("DatabaseCluster", "size", "m"),
        ("DatabaseCluster", "region", "ams3"),
        ("DatabaseFirewall", "rules", [{"type": "k8s", "value": UNKNOWN}]),
    ],
)
def test_updates_in_place(name, path, value):
    found = diff(name, path, value)
    assert list(found.detailedDiff) == [path]
    assert list(found.diffs) == [path.split(".")[0]]
    assert not found.replaces
    assert not found.deleteBeforeReplace


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("Vpc", "ipRange", None),
        ("Vpc", "description", None),
        ("Firewall", "tags", ["b", "a"]),
        ("Firewall", "dropletIds", [2, 1]),
        ("Firewall", "inboundRules", []),
        ("KubernetesCluster", "tags", ["b", "a"]),
        ("KubernetesCluster", "vpcUuid", None),
        ("KubernetesCluster", "controlPlaneFirewall", None),
        ("KubernetesCluster", "nodePool.tags", ["t2", "t1"]),
        ("KubernetesCluster", "nodePool.nodeCount", None),
        ("KubernetesCluster", "nodePool.labels", None),
        ("DatabaseCluster", "projectId", None),
        (
            "DatabaseFirewall",
            "rules",
            [{"type": "k8s", "value": "c1"}, {"type": "ip_addr", "value": "1.1.1.1"}],
        ),
    ],
)
def test_changes_nothing(name, path, value):
    found = diff(name, path, value)
    assert found.changes == pb.DiffResponse.DIFF_NONE
    assert not found.detailedDiff


def test_a_name_that_was_made_up_need_not_be_freed_first():
    found = diff("KubernetesCluster", "region", "ams3", __defaults=["name"])
    assert found.replaces
    assert not found.deleteBeforeReplace

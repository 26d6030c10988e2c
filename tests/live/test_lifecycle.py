"""One cluster from up to down, on the real engine: what a researcher does on a Tuesday."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import dotrain
from dotrain import config
from dotrain.grants import Grant
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(50)

ME = f"me: {config.identity()}"
POOL = dotrain.Pool(size="s-4vcpu-8gb", count=2)


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("bert", pool=POOL, region="nyc3", allow="me")


def test_up_makes_a_running_cluster_with_its_training_nodes(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (made,) = sandbox.objects("clusters")
    assert made["status"]["state"] == "running"
    assert [(pool["size"], pool["count"]) for pool in made["node_pools"]] == [
        ("s-1vcpu-2gb", 1),
        ("s-4vcpu-8gb", 2),
    ]


def test_the_firewall_is_there_before_the_cluster_and_the_control_plane_is_born_closed(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    posts = [one for one in sandbox.requests() if one["method"] == "POST"]
    paths = [one["path"] for one in posts]
    assert paths.index("/v2/firewalls") < paths.index("/v2/kubernetes/clusters")
    body = posts[paths.index("/v2/kubernetes/clusters")]["request"]
    assert body["control_plane_firewall"] == {
        "enabled": True,
        "allowed_addresses": ["203.0.113.7/32"],
    }


def test_every_object_carries_the_label(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    (made,) = sandbox.objects("clusters")
    assert {"dotrain", "dotrain:bert"} <= set(made["tags"])
    for pool in made["node_pools"]:
        assert {"dotrain", "dotrain:bert"} <= set(pool["tags"])
    ours = [one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-bert"]
    assert [one["tags"] for one in ours] == [["dotrain:bert"]]
    assert "dotrain-bert" in [one["name"] for one in sandbox.objects("vpcs")]


def test_rules_shows_every_layer_and_only_me_may_enter(cluster: dotrain.Cluster) -> None:
    rules = cluster.rules()
    mine = rules[(rules.direction == "inbound") & (rules.layer != "doks-managed")]
    assert sorted(mine.itertuples(index=False, name=None)) == [
        ("control-plane", "inbound", "tcp", "443", "203.0.113.7/32", f"api ({ME})", "", "spec", ""),
        ("nodes", "inbound", "tcp", "22", "203.0.113.7/32", f"ssh ({ME})", "", "spec", ""),
    ]
    out = rules[(rules.direction == "outbound") & (rules.layer == "nodes")]
    assert set(zip(out.protocol, out.ports, strict=True)) == {
        ("udp", "53"),
        ("tcp", "53"),
        ("udp", "123"),
        ("tcp", "80"),
        ("tcp", "443"),
    }
    assert not (rules.ports == "6443").any()
    assert (rules.layer == "doks-managed").any()


def test_up_again_changes_nothing_and_asks_the_api_nothing(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    dotrain.up("bert", pool=POOL, region="nyc3", allow="me")
    assert sandbox.requests(before) == []


def test_outputs_hold_the_names_of_the_seed(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    (made,) = sandbox.objects("clusters")
    assert cluster.outputs["k8s_cluster_endpoint"] == made["endpoint"]
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-bert")
    assert cluster.outputs["firewall_id"] == firewall["id"]


def test_kubeconfig_is_for_this_user_only_and_names_the_cluster(cluster: dotrain.Cluster) -> None:
    path = cluster.kubeconfig()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = yaml.safe_load(path.read_text())
    assert config["clusters"][0]["cluster"]["server"] == cluster.outputs["k8s_cluster_endpoint"]


def test_clusters_lists_it(cluster: dotrain.Cluster) -> None:
    (row,) = dotrain.clusters().itertuples()
    assert (row.name, row.state, row.region, row.nodes) == ("bert", "running", "nyc3", 2)


def test_repr_says_state_endpoint_nodes_and_who_may_enter(cluster: dotrain.Cluster) -> None:
    bundle = cluster._repr_mimebundle_()
    for text in bundle.values():
        assert "running" in text
        assert cluster.outputs["k8s_cluster_endpoint"] in text
        assert "2/2 s-4vcpu-8gb" in text
        assert "203.0.113.7/32" in text
        assert "sandbox" in text


def test_another_kernel_gets_it_and_resize_changes_nothing_but_the_count(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    code = (
        "import dotrain; dotrain.use_sandbox(address='192.0.2.9'); "
        "dotrain.get('bert').resize(count=4)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    (change,) = sandbox.changes(before)
    assert change[0] == "PUT"
    assert "/node_pools/" in change[1]
    (made,) = sandbox.objects("clusters")
    assert made["node_pools"][1]["count"] == 4
    # "me" stays who it was: a resize from elsewhere lets nobody else in.
    assert made["control_plane_firewall"]["allowed_addresses"] == ["203.0.113.7/32"]


def test_allow_me_takes_the_old_address_out_and_the_new_one_in(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    dotrain.use_sandbox(address="198.51.100.4")
    rules = cluster.allow_me()
    inbound = rules[(rules.direction == "inbound") & (rules.layer != "doks-managed")]
    assert set(inbound.peer) == {"198.51.100.4/32"}
    (made,) = sandbox.objects("clusters")
    assert made["node_pools"][1]["count"] == 4


def test_a_change_of_size_keeps_the_cluster_and_makes_the_new_pool_first(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (old,) = sandbox.objects("clusters")
    before = sandbox.last_request()
    cluster.resize(size="s-2vcpu-4gb")
    (new,) = sandbox.objects("clusters")
    assert (new["id"], new["endpoint"]) == (old["id"], old["endpoint"])
    assert [method for method, _ in sandbox.changes(before)] == ["POST", "DELETE"]
    assert [pool["size"] for pool in new["node_pools"]] == ["s-1vcpu-2gb", "s-2vcpu-4gb"]


def test_a_change_that_would_destroy_the_cluster_is_refused(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    with pytest.raises(dotrain.errors.ReplacementRefused, match="region: nyc3 → ams3"):
        dotrain.up("bert", region="ams3")
    assert sandbox.changes(before) == []


def test_no_secret_is_in_the_data_directory_but_in_its_0600_files(
    cluster: dotrain.Cluster, sandbox: Sandbox, module_home: Path
) -> None:
    cluster.kubeconfig()
    kubeconfig = module_home / "sandbox" / "kube" / "bert.yaml"
    kube_token = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    passphrase = (module_home / "sandbox" / "passphrase").read_text()
    mine = {
        sandbox.token: {"sandbox.json"},
        kube_token: {"bert.yaml"},
        passphrase: {"passphrase"},
    }
    for path in module_home.rglob("*"):
        # The sandbox's own database plays DigitalOcean, which has the secrets.
        if path.is_file() and not path.name.startswith("sandbox.db"):
            data = path.read_bytes()
            for secret, places in mine.items():
                if path.name in places:
                    assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
                else:
                    assert secret.encode() not in data, path
    state = module_home / "sandbox" / "state"
    for path in state.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_down_without_the_name_touches_nothing(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    with pytest.raises(dotrain.errors.ConfirmationRequired):
        cluster.down(confirm="ernie")
    assert sandbox.requests(before) == []


def test_down_leaves_nothing_and_proves_it(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    (made,) = sandbox.objects("clusters")
    # What Kubernetes makes for a Service and a volume claim, and many teardowns forget.
    sandbox.call(
        "POST",
        "/v2/load_balancers",
        name="k8s-service",
        region="nyc3",
        tags=[f"k8s:{made['id']}"],
        vpc_uuid=made["vpc_uuid"],
        forwarding_rules=[
            {
                "entry_protocol": "tcp",
                "entry_port": 80,
                "target_protocol": "tcp",
                "target_port": 30080,
            }
        ],
    )
    sandbox.call(
        "POST",
        "/v2/volumes",
        name="pvc-1",
        region="nyc3",
        size_gigabytes=10,
        tags=[f"k8s:{made['id']}"],
    )
    kubeconfig = cluster.kubeconfig()
    proof = cluster.down(confirm="bert").set_index("kind")
    assert not kubeconfig.exists()
    assert proof.found["cluster"] == 1
    assert proof.found["load balancer"] == 1
    assert proof.found["volume"] == 1
    assert (proof.left == 0).all()
    for kind in ("clusters", "load_balancers", "volumes"):
        assert sandbox.objects(kind) == [], kind
    assert [one for one in sandbox.objects("tags") if one["name"].startswith("dotrain")] == []
    assert [one for one in sandbox.objects("vpcs") if not one["default"]] == []
    assert sandbox.objects("firewalls") == []
    assert len(dotrain.clusters()) == 0
    with pytest.raises(dotrain.errors.ClusterNotFound):
        dotrain.get("bert")


def test_json_round_trip_of_the_spec_through_the_real_state(sandbox: Sandbox) -> None:
    spec = dotrain.ClusterSpec(
        "roundtrip",
        region="ams3",
        pools=(dotrain.Pool(name="a"), dotrain.Pool(size="s-4vcpu-8gb", count=3, name="b")),
        allow=(Grant("me"), Grant("203.0.113.0/24"), Grant("2001:db8::/32")),
        egress=("open",),
    )
    dotrain.up(
        "roundtrip", region=spec.region, pools=spec.pools, allow=spec.allow, egress=spec.egress
    )
    assert dotrain.get("roundtrip").spec == spec
    assert json.loads(json.dumps(spec.to_dict())) == spec.to_dict()
    dotrain.down("roundtrip", confirm="roundtrip")

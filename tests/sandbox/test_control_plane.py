"""A real control plane behind a sandbox cluster: its nodes, its door, its beginning and end."""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import time
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from .conftest import Server

pytestmark = pytest.mark.long(40)

CLUSTERS = "/v2/kubernetes/clusters"
NODES = "/api/v1/nodes"
MAPS = "/api/v1/namespaces/default/configmaps"
GPU_POOL = {
    "name": "gpu",
    "size": "gpu-h100x8-640gb",
    "count": 2,
    "labels": {"team": "nlp"},
    "taints": [
        {"key": "spot", "value": "", "effect": "NoExecute"},
        # DigitalOcean puts this one on the node by itself; many give it by hand too.
        {"key": "nvidia.com/gpu", "value": "", "effect": "NoSchedule"},
    ],
}
HALF = {"spec": {"token": "\ud800"}}
PLAIN = {"size": "s-2vcpu-4gb", "count": 1}
SYSTEM_POOL = {"name": "system", "size": "s-1vcpu-2gb", "count": 1}
PROGRAMS = Path(os.environ["DOTRAIN_KUBERNETES"])


class Api:
    """A cluster's Kubernetes API, as its kubeconfig says it is reached."""

    def __init__(self, server, cluster, source="127.0.0.1", seconds=0):
        path = f"{CLUSTERS}/{cluster['id']}/kubeconfig?expiry_seconds={seconds}"
        config = yaml.safe_load(server.client.get(path).text)
        found = config["clusters"][0]["cluster"]
        self.authority = base64.b64decode(found["certificate-authority-data"]).decode()
        self.url = found["server"]
        trusted = ssl.create_default_context(cadata=self.authority)
        self.http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
            transport=httpx.HTTPTransport(verify=trusted, local_address=source),
            timeout=10,
        )

    def items(self, path):
        return self.http.get(path).raise_for_status().json()["items"]

    def names(self, path):
        return {one["metadata"]["name"] for one in self.items(path)}

    def make(self, path, body):
        return self.http.post(path, json=body).raise_for_status().json()

    def merge(self, path, change):
        kind = {"Content-Type": "application/merge-patch+json"}
        self.http.patch(path, json=change, headers=kind).raise_for_status()

    def close(self):
        self.http.close()


@pytest.fixture
def reach(request):
    """Return an `Api` that is closed at the end of the test."""

    def make(*arguments, **options):
        api = Api(*arguments, **options)
        request.addfinalizer(api.close)
        return api

    return make


def eventually(look, seconds=15.0):
    """Look until it is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found


def programs_of(server):
    """Return the commands of this server's control planes that run."""
    commands = [one.info["cmdline"] or () for one in psutil.process_iter(["cmdline"])]
    return [
        command
        for command in commands
        if any(str(server.data) in part for part in command) and "dotrain.sandbox" not in command
    ]


def with_planes(path, programs=PROGRAMS):
    server = Server(path)
    server("POST", "/__sandbox__/settings", {"kubernetes": str(programs)}, 200)
    return server


def made(server, name, pools, seconds=60, **fields):
    cluster = server.cluster(name, region="nyc2", node_pools=pools, **fields)
    path = f"{CLUSTERS}/{cluster['id']}"

    def ready(answer):
        cluster = answer.json()["kubernetes_cluster"]
        nodes = [node for pool in cluster["node_pools"] for node in pool["nodes"]]
        return all(one["status"]["state"] == "running" for one in [cluster, *nodes])

    return server.until(path, ready, seconds)["kubernetes_cluster"]


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    running = with_planes(tmp_path_factory.mktemp("planes") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def cluster(planes):
    return made(planes, "whole", [SYSTEM_POOL, GPU_POOL])


@pytest.fixture(scope="module")
def small_programs(tmp_path_factory):
    """Only what keeps objects: no controllers, no scheduler, no kubelets."""
    directory = tmp_path_factory.mktemp("programs")
    for name in ("etcd", "kube-apiserver"):
        (directory / name).symlink_to(PROGRAMS / name)
    return directory


def test_nodes_are_what_digitalocean_says_of_them(planes, cluster, reach):
    nodes = {one["metadata"]["name"]: one for one in reach(planes, cluster).items(NODES)}
    assert set(nodes) == {"system-0", "gpu-0", "gpu-1"}
    gpu = nodes["gpu-0"]
    pool = next(one for one in cluster["node_pools"] if one["name"] == "gpu")
    assert (
        gpu["metadata"]["labels"].items()
        >= {
            "doks.digitalocean.com/node-pool": "gpu",
            "doks.digitalocean.com/node-pool-id": pool["id"],
            "doks.digitalocean.com/node-id": pool["nodes"][0]["id"],
            "doks.digitalocean.com/gpu-brand": "nvidia",
            "node.kubernetes.io/instance-type": "gpu-h100x8-640gb",
            "team": "nlp",
        }.items()
    )
    taints = {(one["key"], one["effect"]) for one in gpu["spec"]["taints"]}
    assert taints == {("nvidia.com/gpu", "NoSchedule"), ("spot", "NoExecute")}
    assert gpu["spec"]["providerID"] == f"digitalocean://{pool['nodes'][0]['droplet_id']}"
    assert gpu["status"]["allocatable"]["nvidia.com/gpu"] == "8"
    assert "nvidia.com/gpu" not in nodes["system-0"]["status"]["capacity"]


def test_what_runs_in_every_cluster_runs(planes, cluster, reach):
    api = reach(planes, cluster)

    def running():
        pods = api.items("/api/v1/namespaces/kube-system/pods")
        return len(pods) == 11 and all(one["status"]["phase"] == "Running" for one in pods)

    # Two for names, and three on each of the three nodes.
    eventually(running)


def test_a_job_is_scheduled_where_gpus_are_and_ends_as_it_is_told(planes, cluster, reach):
    api = reach(planes, cluster)
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    tolerations = [{"operator": "Exists"}]
    for name, code in (("good", "0"), ("bad", "3")):
        api.make(
            jobs,
            {
                "metadata": {"name": name},
                "spec": {
                    "completions": 2,
                    "parallelism": 2,
                    "completionMode": "Indexed",
                    "backoffLimit": 0,
                    "template": {
                        "metadata": {
                            "annotations": {
                                "sandbox.dotrain/run-for": "100ms",
                                "sandbox.dotrain/exit-code": code,
                            }
                        },
                        "spec": {
                            "restartPolicy": "Never",
                            "tolerations": tolerations,
                            "containers": [
                                {
                                    "name": "train",
                                    "image": "pytorch/pytorch:2.9",
                                    "resources": {"limits": {"nvidia.com/gpu": "4"}},
                                }
                            ],
                        },
                    },
                },
            },
        )

    def ended():
        statuses = [api.http.get(f"{jobs}/{name}").json()["status"] for name in ("good", "bad")]
        return [{one["type"] for one in status.get("conditions", ())} for status in statuses]

    eventually(lambda: "Complete" in ended()[0] and "Failed" in ended()[1])
    pods = api.items("/api/v1/namespaces/default/pods?labelSelector=job-name=bad")
    assert {one["spec"]["nodeName"] for one in pods} <= {"gpu-0", "gpu-1"}
    states = [one["status"]["containerStatuses"][0]["state"]["terminated"] for one in pods]
    assert {one["exitCode"] for one in states} == {3}


def test_logs_and_ports_of_a_pod_go_through_the_api(planes, cluster, reach):
    api = reach(planes, cluster)
    pods = "/api/v1/namespaces/kube-system/pods"
    pod = eventually(
        lambda: next((one for one in api.items(pods) if one["status"]["phase"] == "Running"), None)
    )
    line = "epoch 1"
    log = planes.data / "kubernetes" / cluster["id"] / "pods.log"
    log.write_text(f"2026-01-01T00:00:00.000000000Z stdout F {line}\n")
    answer = api.http.get(f"{pods}/{pod['metadata']['name']}/log")
    assert answer.text.strip() == line


def test_scaling_and_deleting_a_pool_adds_and_removes_its_nodes(planes, cluster, reach):
    api = reach(planes, cluster)
    path = f"{CLUSTERS}/{cluster['id']}/node_pools"
    pool = planes("POST", path, {"name": "cpu", "size": "s-2vcpu-4gb", "count": 1}, 201)[
        "node_pool"
    ]
    eventually(lambda: "cpu-0" in api.names(NODES))
    planes("PUT", f"{path}/{pool['id']}", {"name": "cpu", "count": 3}, 202)
    eventually(lambda: {"cpu-1", "cpu-2"} <= api.names(NODES))
    planes("PUT", f"{path}/{pool['id']}", {"name": "cpu", "count": 2}, 202)
    eventually(lambda: "cpu-2" not in api.names(NODES))
    planes("DELETE", f"{path}/{pool['id']}", status=202)
    eventually(lambda: not {"cpu-0", "cpu-1"} & api.names(NODES))


def test_a_node_runs_once_pods_can_run_on_it(planes, cluster, reach):
    path = f"{CLUSTERS}/{cluster['id']}/node_pools"
    pool = planes("POST", path, {"name": "new", "size": "s-2vcpu-4gb", "count": 1}, 201)[
        "node_pool"
    ]
    planes.until(
        f"{path}/{pool['id']}",
        lambda answer: answer.json()["node_pool"]["nodes"][0]["status"]["state"] == "running",
        15,
    )
    node = reach(planes, cluster).http.get("/api/v1/nodes/new-0").json()
    planes("DELETE", f"{path}/{pool['id']}", status=202)
    assert "taints" not in node["spec"]


def test_changed_labels_and_taints_of_a_pool_reach_its_nodes_beside_what_others_put_there(
    planes, cluster, reach
):
    api, path = reach(planes, cluster), f"{CLUSTERS}/{cluster['id']}/node_pools"
    (pool,) = (one for one in cluster["node_pools"] if one["name"] == "system")
    change = {"labels": {"team": "nlp", "old": "yes"}, "taints": [taint("spot"), taint("old")]}
    planes("PUT", f"{path}/{pool['id']}", {"name": "system", "count": 1, **change}, 202)
    node = eventually(lambda: changed(api, "system-0", team="nlp"))
    # By hand, as with kubectl.
    api.merge("/api/v1/nodes/system-0", {"metadata": {"labels": {"by-hand": "yes"}}})
    theirs = {"taints": [*node["spec"]["taints"], taint("by-hand")]}
    api.merge("/api/v1/nodes/system-0", {"spec": theirs})
    change = {"labels": {"team": "vision"}, "taints": [taint("spot", "yes")]}
    planes("PUT", f"{path}/{pool['id']}", {"name": "system", "count": 1, **change}, 202)
    node = eventually(lambda: changed(api, "system-0", team="vision"))
    assert "old" not in node["metadata"]["labels"]
    assert node["metadata"]["labels"]["by-hand"] == "yes"
    assert {(one["key"], one.get("value", "")) for one in node["spec"]["taints"]} == {
        ("spot", "yes"),
        ("by-hand", ""),
    }
    planes("PUT", f"{path}/{pool['id']}", {"name": "system", "count": 1, "labels": {}}, 202)


def taint(key, value=""):
    return {"key": key, "value": value, "effect": "PreferNoSchedule"}


def changed(api, name, **labels):
    """Return a node once it has labels."""
    node = api.http.get(f"/api/v1/nodes/{name}").raise_for_status().json()
    return node if labels.items() <= node["metadata"]["labels"].items() else None


def test_a_recycled_node_is_another_one_and_the_others_stay(planes, cluster, reach):
    api, path = reach(planes, cluster), f"{CLUSTERS}/{cluster['id']}/node_pools"
    (pool,) = (one for one in cluster["node_pools"] if one["name"] == "gpu")
    before = {one["metadata"]["name"]: one["metadata"]["uid"] for one in api.items(NODES)}
    planes("POST", f"{path}/{pool['id']}/recycle", {"nodes": [pool["nodes"][0]["id"]]}, 202)
    eventually(lambda: "gpu-2" in (names := api.names(NODES)) and "gpu-0" not in names)
    after = {one["metadata"]["name"]: one["metadata"]["uid"] for one in api.items(NODES)}
    assert after["gpu-1"] == before["gpu-1"]


def test_a_node_that_kubernetes_does_not_take_keeps_no_other_from_joining(planes, cluster, reach):
    path = f"{CLUSTERS}/{cluster['id']}/node_pools"
    body = {"name": "odd", "size": "s-2vcpu-4gb", "count": 1, "labels": {"no label": "x"}}
    odd = planes("POST", path, body, 201)["node_pool"]
    plain = planes("POST", path, {"name": "plain", **PLAIN}, 201)["node_pool"]

    def state(pool):
        node = planes.get(f"{path}/{pool['id']}")["node_pool"]["nodes"][0]
        return node["status"]["state"]

    eventually(lambda: state(plain) == "running")
    assert state(odd) == "provisioning"
    # Mended, it is asked for again.
    planes("PUT", f"{path}/{odd['id']}", {"name": "odd", "count": 1, "labels": {"a": "b"}}, 202)
    eventually(lambda: state(odd) == "running")
    for pool in (odd, plain):
        planes("DELETE", f"{path}/{pool['id']}", status=202)


def test_the_control_plane_firewall_goes_by_the_source_address(planes, cluster, reach):
    path = f"{CLUSTERS}/{cluster['id']}"

    def allow(*addresses, enabled=True):
        block = {"enabled": enabled, "allowed_addresses": list(addresses)}
        planes("PUT", path, {"name": "whole", "control_plane_firewall": block}, 202)

    try:
        allow("203.0.113.7")
        # This machine stands for that address in the sandbox's Internet.
        assert reach(planes, cluster).http.get("/readyz").text == "ok"
        with pytest.raises(httpx.TransportError):
            reach(planes, cluster, "127.0.0.2").http.get("/readyz")
        allow("127.0.0.0/30")
        assert reach(planes, cluster, "127.0.0.2").http.get("/readyz").text == "ok"
        with pytest.raises(httpx.TransportError):
            reach(planes, cluster).http.get("/readyz")
        planes("POST", "/__sandbox__/settings", {"source": "127.0.0.3"}, 200)
        assert reach(planes, cluster).http.get("/readyz").text == "ok"
    finally:
        planes("POST", "/__sandbox__/settings", {"source": "203.0.113.7"}, 200)
        allow(enabled=False)
    assert reach(planes, cluster, "127.0.0.2").http.get("/readyz").text == "ok"


def test_tls_is_by_an_authority_of_the_clusters_own(planes, cluster, reach):
    api = reach(planes, cluster)
    assert httpx.get(f"{api.url}/readyz", verify=ssl.create_default_context(cadata=api.authority))
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{api.url}/readyz")


def test_a_token_is_good_for_as_long_as_was_asked(planes, cluster, reach):
    used, unused, long = (reach(planes, cluster, seconds=seconds) for seconds in (1, 1, 60))
    assert used.http.get("/readyz").status_code == 200
    time.sleep(1.1)
    # An API server remembers whose a token was for 10 seconds, wherever it runs.
    assert unused.http.get("/readyz").status_code == 401
    assert long.http.get("/readyz").status_code == 200


def test_nobody_gets_in_without_a_token_or_with_another_clusters(planes, cluster, reach):
    api = reach(planes, cluster)
    for token in ("x", "sandbox_kube_0", planes.card["token"]):
        answer = api.http.get("/readyz", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_whose_a_token_is_is_told_to_an_api_server_only_as_a_yes_or_no(planes, cluster):
    path = f"/__sandbox__/kubernetes/{cluster['id']}/review"
    for body in ({}, {"spec": {}}, {"spec": {"token": "x"}}, {"spec": {"token": 7}}, [], HALF):
        answer = httpx.post(planes.url + path, content=json.dumps(body)).json()
        assert answer["status"] == {"authenticated": False}, body


def _names_or_none(api, path):
    try:
        return api.names(path)
    except httpx.TransportError:
        return None


@pytest.fixture(scope="module")
def pair(tmp_path_factory, small_programs):
    """A sandbox of its own, behind a proxy, with two clusters that only keep objects."""
    with pytest.MonkeyPatch.context() as patch:
        # Where nobody listens.
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        server = with_planes(tmp_path_factory.mktemp("pair") / "data", small_programs)
    both = [server.cluster(name, region="nyc2") for name in ("one", "two")]
    for cluster in both:
        until_state(server, cluster, "running")
    yield server, *both
    server.stop()
    assert not programs_of(server)


def until_state(server, cluster, state):
    """Wait until a cluster says so of itself, and return it."""

    def is_so(answer):
        return answer.json()["kubernetes_cluster"]["status"]["state"] == state

    return server.until(f"{CLUSTERS}/{cluster['id']}", is_so, 60)["kubernetes_cluster"]


def process_of(server, cluster, name):
    """Return a program of one control plane."""
    at = str(server.data / "kubernetes" / cluster["id"])
    for one in psutil.process_iter(["cmdline"]):
        command = one.info["cmdline"] or [""]
        if command[0].endswith(name) and any(at in part for part in command):
            return one
    return None


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(pair):
    server, *both = pair
    assert psutil.Process(server.process.pid).environ()["HTTPS_PROXY"]
    for cluster in both:
        until_state(server, cluster, "running")


def test_two_control_planes_of_a_sandbox_are_apart(pair, reach):
    server, *both = pair
    one, two = (reach(server, cluster) for cluster in both)
    one.make(MAPS, {"metadata": {"name": "mine"}})
    assert "mine" not in two.names(MAPS)
    token = two.http.headers["Authorization"]
    assert one.http.get(MAPS, headers={"Authorization": token}).status_code == 401


def test_a_control_plane_whose_guard_is_killed_leaves_no_program_and_is_back(pair, reach):
    server, _, cluster = pair
    api = reach(server, cluster)
    api.make(MAPS, {"metadata": {"name": "kept"}})
    before = process_of(server, cluster, "etcd")
    before.parent().kill()
    eventually(lambda: not before.is_running())
    assert "kept" in eventually(lambda: _names_or_none(api, MAPS), 60)
    assert process_of(server, cluster, "etcd") is not None


def test_a_control_plane_that_cannot_come_back_is_an_error_and_says_so(pair, small_programs, reach):
    server, cluster, _ = pair
    broken = small_programs / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    broken.replace(small_programs / "etcd")
    process_of(server, cluster, "etcd").kill()
    assert "did not start" in until_state(server, cluster, "error")["status"]["message"]
    server.get(f"{CLUSTERS}/{cluster['id']}/kubeconfig", 404)


def test_a_killed_sandbox_takes_them_with_it_and_the_next_brings_them_back(
    pair, small_programs, reach
):
    server, *both = pair
    url = reach(server, both[1]).url
    (small_programs / "etcd").unlink()
    (small_programs / "etcd").symlink_to(PROGRAMS / "etcd")
    # What nobody made, and what was being deleted: neither keeps the next one from starting.
    (server.data / "kubernetes" / "stray").touch()
    (server.data / "kubernetes" / "deleted").mkdir()
    server.stop(signal.SIGKILL)
    eventually(lambda: not programs_of(server))
    server.start()
    # That one failed before does not keep it from being tried again.
    assert until_state(server, both[0], "running")["status"]["message"] == ""
    one, two = (reach(server, cluster) for cluster in both)
    assert two.url == url
    assert "mine" in eventually(lambda: _names_or_none(one, MAPS), 60)
    assert "kept" in eventually(lambda: _names_or_none(two, MAPS), 60)
    left = {path.name for path in (server.data / "kubernetes").iterdir()}
    assert left == {cluster["id"] for cluster in both}


def test_of_a_deleted_cluster_and_after_a_reset_neither_process_nor_file_is_left(pair):
    server, one, two = pair
    server("DELETE", f"{CLUSTERS}/{one['id']}", status=204)
    eventually(lambda: [two["id"]] == [p.name for p in (server.data / "kubernetes").iterdir()])
    assert process_of(server, one, "etcd") is None
    server("POST", "/__sandbox__/reset", status=204)
    eventually(lambda: not programs_of(server))
    eventually(lambda: not list((server.data / "kubernetes").iterdir()))


def test_what_fails_around_a_control_plane_is_an_error_of_its_cluster(fresh, small_programs):
    in_the_way = fresh.data / "kubernetes"
    in_the_way.touch()
    fresh("POST", "/__sandbox__/settings", {"kubernetes": str(small_programs)}, 200)
    try:
        found = until_state(fresh, fresh.cluster("blocked", region="nyc2"), "error")
    finally:
        fresh("POST", "/__sandbox__/settings", {"kubernetes": ""}, 200)
        in_the_way.unlink()
    assert str(in_the_way) in found["status"]["message"]


@pytest.mark.parametrize("programs", ["/nonexistent", 7])
def test_programs_that_are_not_there_are_refused(fresh, programs):
    refusal = fresh("POST", "/__sandbox__/settings", {"kubernetes": programs}, 422)
    assert "kubernetes" in refusal["message"]


def test_secrets_of_a_control_plane_are_its_owners_only(planes, cluster):
    directory = planes.data / "kubernetes" / cluster["id"]
    assert directory.stat().st_mode & 0o777 == 0o700
    for path in directory.iterdir():
        if path.name not in {"etcd", "pods.log"}:
            assert path.stat().st_mode & 0o077 == 0, path.name

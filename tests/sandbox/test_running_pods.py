"""The Pods of jobs, which a sandbox really runs, as processes of this machine."""

from __future__ import annotations

import contextlib
import signal
import ssl
import struct
import threading
import time

import httpx
import httpx_ws
import psutil
import pytest

from dotrain.sandbox.kubernetes import authority
from dotrain.sandbox.kubernetes.programs import free_ports

from .test_control_plane import CLUSTERS, NODES, Api, eventually, made, with_planes

pytestmark = pytest.mark.long(30)

SPACE = "/api/v1/namespaces/default"
PODS = f"{SPACE}/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
POOL = {"name": "train", "size": "s-2vcpu-4gb", "count": 2}
SPARE = {**POOL, "name": "spare"}
INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
RANK = {"name": "RANK", "valueFrom": {"fieldRef": {"fieldPath": INDEX}}}
NOT_DISRUPTED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    running = with_planes(tmp_path_factory.mktemp("planes") / "data")
    running("POST", "/__sandbox__/settings", {"delay": 0.2}, 200)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def cluster(planes):
    return made(planes, "jobs", [POOL, SPARE])


@pytest.fixture(scope="module")
def api(planes, cluster):
    reached = Api(planes, cluster)
    # The Job controller makes a new Pod 10 seconds after one has failed: the last test looks.
    job(reached, "again", "raise SystemExit(1)", backoffLimit=1)
    yield reached
    reached.close()


def job(api, name, script, *, nodes=1, env=(), container=None, pod=None, **spec):
    """Make an Indexed Job that runs Python, and return how to look at its Pods."""
    main = {
        "name": "main",
        "image": "python:3.13",
        "command": ["python", "-c", script],
        "env": [RANK, *env],
        **(container or {}),
    }
    template = {
        "metadata": {"labels": {"dotrain/job": name}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"doks.digitalocean.com/node-pool": "train"},
            "subdomain": name,
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "containers": [main],
            **(pod or {}),
        },
    }
    wanted = {
        "completionMode": "Indexed",
        "parallelism": nodes,
        "completions": nodes,
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        **spec,
        "template": template,
    }
    api.make(JOBS, {"metadata": {"name": name}, "spec": wanted})
    return name


def pods(api, name):
    found = api.items(f"{PODS}?labelSelector=dotrain/job={name}")
    return sorted(found, key=lambda pod: pod["metadata"]["name"])


def log(api, pod, **query):
    answer = api.http.get(f"{PODS}/{pod['metadata']['name']}/log", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


def until_phase(api, name, phase, count=1):
    def reached():
        found = [one for one in pods(api, name) if one["status"].get("phase") == phase]
        return found if len(found) >= count else None

    return eventually(reached)


def condition(api, name):
    status = api.http.get(f"{JOBS}/{name}").json()["status"]
    return {one["type"] for one in status.get("conditions", ()) if one["status"] == "True"}


STUBBORN = """
import signal, sys, time
def last(*_):
    print("last line", flush=True)
    sys.exit(9)
signal.signal(signal.SIGTERM, last)
print("ready", flush=True)
time.sleep(60)
"""


def until_said(api, name, text, rank=0, **query):
    """Return a Pod once its log has a text."""

    def said():
        found = [one for one in pods(api, name) if one["status"].get("phase") == "Running"]
        if len(found) <= rank:
            return None
        path = f"{PODS}/{found[rank]['metadata']['name']}/log"
        answer = api.http.get(path, params=query)
        return found[rank] if answer.status_code == 200 and text in answer.text else None

    return eventually(said)


def alive(pod):
    """Return the main process of a Pod, if it runs."""
    pid = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("process://")
    return psutil.pid_exists(int(pid))


@pytest.fixture(scope="module")
def nodes_apart(planes, cluster, api):
    """A job on two nodes of which one has gone: the Pods that were on the lost and the kept one."""
    spread = {"labelSelector": {"matchLabels": {"dotrain/job": "lost"}}}
    spread["topologyKey"] = "kubernetes.io/hostname"
    apart = {
        "nodeSelector": {"doks.digitalocean.com/node-pool": "spare"},
        "affinity": {
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [spread]}
        },
    }
    rules = {"rules": [NOT_DISRUPTED]}
    job(api, "lost", STUBBORN, nodes=2, podFailurePolicy=rules, pod=apart)
    running = {one["spec"]["nodeName"]: one for one in until_phase(api, "lost", "Running", 2)}
    (pool,) = (one for one in cluster["node_pools"] if one["name"] == "spare")
    path = f"{CLUSTERS}/{cluster['id']}/node_pools/{pool['id']}"
    planes("PUT", path, {"name": "spare", "count": 1}, 202)
    eventually(lambda: "spare-1" not in api.names(NODES))
    planes("PUT", path, {"name": "spare", "count": 2}, 202)
    return running["spare-1"], running["spare-0"]


def test_a_node_that_goes_takes_its_processes_and_costs_the_job_no_retry(api, nodes_apart):
    lost, kept = nodes_apart
    eventually(lambda: not alive(lost))
    uid = lost["metadata"]["uid"]
    eventually(lambda: uid not in {one["metadata"]["uid"] for one in pods(api, "lost")})
    assert alive(kept)
    assert api.http.get(f"{JOBS}/lost").json()["status"].get("failed", 0) == 0


def test_each_node_of_a_job_is_a_process_that_knows_its_rank(api):
    script = "import os; print('rank', os.environ['RANK'], 'at', os.environ['MASTER'])"
    name = job(api, "ranks", script, nodes=2, env=[{"name": "MASTER", "value": "ranks-0.ranks"}])
    eventually(lambda: "Complete" in condition(api, name))
    assert [log(api, one) for one in pods(api, name)] == [
        "rank 0 at 127.0.0.1\n",
        "rank 1 at 127.0.0.1\n",
    ]


def test_an_image_that_does_not_exist_is_said_as_a_kubelet_does(api):
    name = job(api, "no-image", "", container={"image": "example.com/does-not-exist:1"})

    def waits(why):
        found = pods(api, name)
        states = [one["status"].get("containerStatuses", [{}])[0].get("state", {}) for one in found]
        return found if any(s.get("waiting", {}).get("reason") == why for s in states) else None

    eventually(lambda: waits("ErrImagePull"))
    (pod,) = eventually(lambda: waits("ImagePullBackOff"))
    assert pod["status"]["phase"] == "Pending"
    reasons = {
        one["reason"]
        for one in api.items(f"{SPACE}/events")
        if one["involvedObject"].get("uid") == pod["metadata"]["uid"]
    }
    assert reasons >= {"Scheduled", "Failed", "BackOff"}
    answer = api.http.get(f"{PODS}/{pod['metadata']['name']}/log")
    assert (answer.status_code, "failing to pull image" in answer.text) == (400, True)
    api.http.delete(f"{JOBS}/{name}?propagationPolicy=Background")
    eventually(lambda: not pods(api, name))


DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def test_an_evicted_pod_has_its_grace_and_says_a_last_word(api):
    job(api, "evicted", STUBBORN, podFailurePolicy={"rules": [NOT_DISRUPTED]})
    pod = until_said(api, "evicted", "ready")
    said = []

    def follow():
        path = f"{PODS}/{pod['metadata']['name']}/log?follow=true"
        with api.http.stream("GET", path) as answer:
            said.extend(answer.iter_lines())

    thread = threading.Thread(target=follow)
    thread.start()
    eventually(lambda: said)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": pod["metadata"]}
    api.make(f"{PODS}/{pod['metadata']['name']}/eviction", eviction)
    thread.join(15)
    # Who follows a log hears it all, and then its end.
    assert said == ["ready", "last line"]
    assert not alive(pod)


def test_who_does_not_hear_is_killed_after_the_grace(api):
    job(api, "deaf", DEAF, pod={"terminationGracePeriodSeconds": 1})
    pod = until_said(api, "deaf", "ready")
    began = time.monotonic()
    api.http.delete(f"{JOBS}/deaf?propagationPolicy=Background").raise_for_status()
    eventually(lambda: not pods(api, "deaf"))
    # By itself it would sleep for a minute, and a grace of 30 seconds is the default.
    assert 0.9 < time.monotonic() - began < 20
    assert not alive(pod)


SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"loss 0.5")
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print("port", server.server_port, flush=True)
server.serve_forever()
"""


def test_a_port_of_a_process_is_reached_through_the_api(api):
    pod = until_said(api, job(api, "board", SERVER), "port")
    port = int(log(api, pod).split()[1])
    path = f"{PODS}/{pod['metadata']['name']}/portforward"

    def forwarded(port, words):
        with httpx_ws.connect_ws(
            path, api.http, params={"ports": str(port)}, subprotocols=["v4.channel.k8s.io"]
        ) as socket:
            begun = [socket.receive_bytes(5) for _ in range(2)]
            assert begun == [bytes([channel]) + struct.pack("<H", port) for channel in (0, 1)]
            if words:
                socket.send_bytes(b"\0" + words)
            said = b""
            with contextlib.suppress(httpx_ws.WebSocketDisconnect):
                while True:
                    said += socket.receive_bytes(5)
            return said

    answer = forwarded(port, b"GET / HTTP/1.0\r\n\r\n")
    assert answer[0] == 0
    assert answer.endswith(b"loss 0.5")
    (unused,) = free_ports(1)
    assert forwarded(unused, b"")[:1] == b"\1"
    api.http.delete(f"{JOBS}/board?propagationPolicy=Background")


def test_a_token_of_a_service_account_is_good_for_what_it_may_do(api):
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    subject = {"kind": "ServiceAccount", "name": "worker", "namespace": "default"}
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["patch"]}]
    rules[0]["resourceNames"] = ["result"]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "worker"}
    api.make(f"{SPACE}/secrets", {"metadata": {"name": "result"}})
    api.make(f"{SPACE}/serviceaccounts", {"metadata": {"name": "worker"}})
    api.make(f"{rbac}/roles", {"metadata": {"name": "worker"}, "rules": rules})
    api.make(
        f"{rbac}/rolebindings",
        {"metadata": {"name": "worker"}, "roleRef": role, "subjects": [subject]},
    )
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
        {"configMap": {"name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"path": "me", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    name = job(
        api,
        "token",
        TOKEN,
        env=[{"name": "API", "value": "/dotrain/api"}],
        container={"volumeMounts": [{"name": "api", "mountPath": "/dotrain/api"}]},
        pod={
            "serviceAccountName": "worker",
            "volumes": [{"name": "api", "projected": {"sources": sources}}],
        },
    )
    (pod,) = until_phase(api, name, "Succeeded")
    *said, seconds = log(api, pod).split()
    assert said == ["200", "403", pod["metadata"]["name"]]
    # It is not renewed, as a kubelet would do it: it has to last as long as a job.
    assert int(seconds) >= 7 * 24 * 3600
    data = api.http.get(f"{SPACE}/secrets/result").json()["data"]
    assert data == {"loss": "MC41"}


TOKEN = """
import base64, json, os, pathlib, ssl, urllib.error, urllib.request
at = pathlib.Path(os.environ["API"])
url = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format(**os.environ)
trusted = ssl.create_default_context(cafile=at / "ca.crt")
def ask(method, name, body=None):
    kind = {"Content-Type": "application/merge-patch+json"}
    token = {"Authorization": "Bearer " + (at / "token").read_text()}
    where = url + "/api/v1/namespaces/default/secrets/" + name
    wanted = urllib.request.Request(where, body, headers=kind | token, method=method)
    try:
        return urllib.request.urlopen(wanted, context=trusted).status
    except urllib.error.HTTPError as error:
        return error.code
print(ask("PATCH", "result", b'{"data": {"loss": "MC41"}}'), ask("GET", "result"))
print((at / "me").read_text())
claims = (at / "token").read_text().split(".")[1]
claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
print(claims["exp"] - claims["iat"])
"""


def test_a_log_is_given_as_it_is_asked_for(api):
    script = "import sys; [print('line', i) for i in range(3)]; print('bad', file=sys.stderr)"
    (pod,) = until_phase(api, job(api, "lines", script), "Succeeded")
    whole = log(api, pod).splitlines()
    assert sorted(whole) == ["bad", "line 0", "line 1", "line 2"]
    assert log(api, pod, tailLines=2).splitlines() == whole[-2:]
    assert log(api, pod, tailLines=0) == ""
    assert log(api, pod, sinceSeconds=60).splitlines() == whole
    assert log(api, pod, sinceTime="2099-01-01T00:00:00Z") == ""
    assert log(api, pod, limitBytes=3) == whole[0][:3]
    times = [line.partition(" ")[0] for line in log(api, pod, timestamps=True).splitlines()]
    assert times == sorted(times)
    assert times[0].endswith("Z")


def test_logs_are_given_to_the_api_server_alone(api, planes, cluster):
    node = api.items(NODES)[0]
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    keys = planes.data / "kubernetes" / cluster["id"]
    url = f"https://127.0.0.1:{port}/containerLogs/default/x/main"
    as_api_server = ssl.create_default_context(cadata=api.authority)
    as_api_server.load_cert_chain(keys / authority.CERTIFICATE, keys / authority.KEY)
    assert httpx.get(url, verify=as_api_server).status_code >= 400
    trusted = ssl.create_default_context(cadata=api.authority)
    with pytest.raises(httpx.TransportError):
        httpx.get(url, verify=trusted)


def test_of_a_deleted_pod_no_file_is_left(api, planes, cluster):
    name = job(api, "leaves-files", "print('x')")
    (pod,) = until_phase(api, name, "Succeeded")
    at = planes.data / "kubernetes" / cluster["id"] / "pods" / pod["metadata"]["uid"]
    assert at.stat().st_mode & 0o777 == 0o700
    api.http.delete(f"{JOBS}/{name}?propagationPolicy=Background").raise_for_status()
    eventually(lambda: not at.exists())


TWICE = """
import os, pathlib
been = pathlib.Path(os.environ["WORK"], "been")
if been.exists():
    print("again")
else:
    been.touch()
    print("first")
    raise SystemExit(1)
"""


def test_a_container_is_started_again_where_its_pod_says_so(api):
    container = {"volumeMounts": [{"name": "work", "mountPath": "/workspace"}]}
    pod = {"restartPolicy": "OnFailure", "volumes": [{"name": "work", "emptyDir": {}}]}
    env = [{"name": "WORK", "value": "/workspace"}]
    (pod,) = until_phase(
        api, job(api, "twice", TWICE, env=env, container=container, pod=pod), "Succeeded"
    )
    (status,) = pod["status"]["containerStatuses"]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert log(api, pod) == "again\n"
    assert log(api, pod, previous="true") == "first\n"
    # Failed in between, the Job controller would have counted it, and made another Pod.
    eventually(lambda: "Complete" in condition(api, "twice"))
    assert api.http.get(f"{JOBS}/twice").json()["status"].get("failed", 0) == 0


def test_a_pod_waits_for_a_secret_that_comes_later(api):
    files = {"name": "keys", "secret": {"secretName": "late", "items": [ITEM]}}
    container = {
        "command": [
            "sh",
            "-c",
            'stat -c %a "$AT"; cat "$AT"; cat "$NONE" 2>/dev/null || echo none',
        ],
        "env": [
            {"name": "AT", "value": "/keys/deep/key"},
            {"name": "NONE", "value": "/no-keys/key"},
        ],
        "volumeMounts": [
            {"name": "keys", "mountPath": "/keys"},
            {"name": "no-keys", "mountPath": "/no-keys"},
        ],
    }
    optional = {"name": "no-keys", "secret": {"secretName": "never", "optional": True}}
    name = job(api, "late", "", container=container, pod={"volumes": [files, optional]})

    def complaints():
        uids = {one["metadata"]["uid"] for one in pods(api, name)}
        events = api.items(f"{SPACE}/events")
        events = [one for one in events if one["involvedObject"].get("uid") in uids]
        return [one["message"] for one in events if one["reason"] == "FailedMount"]

    assert eventually(complaints) == ['secret "late" not found']
    api.make(f"{SPACE}/secrets", {"metadata": {"name": "late"}, "stringData": {"key": "s3cret\n"}})
    (pod,) = until_phase(api, name, "Succeeded")
    assert log(api, pod).split() == ["400", "s3cret", "none"]


ITEM = {"key": "key", "path": "deep/key", "mode": 0o400}


def test_a_pod_of_which_one_container_cannot_start_is_deleted_like_any_other(api):
    stuck = {"name": "stuck", "image": "does-not-exist", "command": ["true"]}
    main = {"name": "main", "image": "x", "command": ["python", "-c", STUBBORN]}
    job(api, "half", "", pod={"containers": [main, stuck]})
    pod = until_said(api, "half", "ready", container="main")
    api.http.delete(f"{JOBS}/half?propagationPolicy=Background").raise_for_status()
    eventually(lambda: not pods(api, "half"))
    assert not alive(pod)


def test_a_job_goes_on_as_often_as_it_says_and_after_what_is_not_its_fault(api, nodes_apart):
    eventually(lambda: "Failed" in condition(api, "again"))
    assert len(pods(api, "again")) == 2
    until_phase(api, "lost", "Running", 2)


def test_no_process_outlives_a_killed_sandbox_and_the_next_says_what_was_lost(planes, api):
    (ended,) = until_phase(api, job(api, "said", "print('said')"), "Succeeded")
    running = until_said(api, job(api, "cut", STUBBORN), "ready")
    planes.stop(signal.SIGKILL)
    eventually(lambda: not alive(running))
    planes.start()
    eventually(lambda: reachable(api))
    (failed,) = until_phase(api, "cut", "Failed")
    assert failed["metadata"]["uid"] == running["metadata"]["uid"]
    addresses = ("hostIPs", "podIPs")
    assert [failed["status"][key] for key in addresses] == [
        running["status"][key] for key in addresses
    ]
    state = failed["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (137, "ContainerStatusUnknown")
    # What has ended before can still be read, once its node says where its kubelet is now.
    path = f"{PODS}/{ended['metadata']['name']}/log"
    eventually(lambda: api.http.get(path).text == "said\n")


def reachable(api):
    try:
        return api.http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False

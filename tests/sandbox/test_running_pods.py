"""The Pods of jobs, which a sandbox really runs, as processes of this machine."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from .test_control_plane import Api, eventually, made, with_planes

SPACE = "/api/v1/namespaces/default"
PODS = f"{SPACE}/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
POOL = {"name": "train", "size": "s-2vcpu-4gb", "count": 2}
INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
RANK = {"name": "RANK", "valueFrom": {"fieldRef": {"fieldPath": INDEX}}}
ONLY_CODES = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
NOT_DISRUPTED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    running = with_planes(tmp_path_factory.mktemp("planes") / "data")
    running("POST", "/__sandbox__/settings", {"delay": 0.2}, 200)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def cluster(planes):
    return made(planes, "jobs", [POOL])


@pytest.fixture(scope="module")
def api(planes, cluster):
    reached = Api(planes, cluster)
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


def test_each_node_of_a_job_is_a_process_that_knows_its_rank(api):
    script = "import os; print('rank', os.environ['RANK'], 'at', os.environ['MASTER'])"
    name = job(api, "ranks", script, nodes=2, env=[{"name": "MASTER", "value": "ranks-0.ranks"}])
    eventually(lambda: "Complete" in condition(api, name))
    assert [log(api, one) for one in pods(api, name)] == [
        "rank 0 at 127.0.0.1\n",
        "rank 1 at 127.0.0.1\n",
    ]


def test_the_environment_holds_what_the_pod_says_and_nothing_else(api, planes):
    api.make(f"{SPACE}/secrets", {"metadata": {"name": "keys"}, "stringData": {"WANDB": "s3cret"}})
    api.make(f"{SPACE}/configmaps", {"metadata": {"name": "sizes"}, "data": {"width": "128"}})
    env = [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "WANDB"}}},
        {"name": "OUT", "value": "/workspace/out-$(RANK)"},
        {"name": "ODD", "value": "$(NOBODY) $$(RANK) /workspaces"},
        {"name": "OWN", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]
    container = {
        "command": [
            "python",
            "-c",
            "import os, json, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))",
        ],
        "args": ["--out=$(OUT)", "envy-1.envy:29500 other.envy"],
        "envFrom": [{"configMapRef": {"name": "sizes"}, "prefix": "SIZE_"}],
        "volumeMounts": [{"name": "work", "mountPath": "/workspace"}],
    }
    volumes = [{"name": "work", "emptyDir": {}}]
    name = job(api, "envy", "", env=env, container=container, pod={"volumes": volumes})
    (pod,) = until_phase(api, name, "Succeeded")
    found, arguments = json.loads(log(api, pod))
    path = found.pop("PATH").split(":")
    port = found.pop("KUBERNETES_SERVICE_PORT")
    out = found["OUT"]
    assert path[0] == str(Path(sys.executable).parent)
    assert "/usr/bin" in path
    assert out.startswith(str(planes.data))
    assert out.endswith("/work/out-0")
    assert int(port)
    # Python itself sets this one where there is no locale.
    found.pop("LC_CTYPE", None)
    assert found == {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        # The Job controller adds this one.
        "JOB_COMPLETION_INDEX": "0",
        "RANK": "0",
        "KEY": "s3cret",
        "SIZE_width": "128",
        "OUT": out,
        "ODD": "$(NOBODY) $(RANK) /workspaces",
        "OWN": "127.0.0.1",
    }
    assert arguments == [f"--out={out}", "127.0.0.1:29500 other.envy"]


def test_init_containers_come_first_and_leave_files_for_the_others(api):
    api.make(
        f"{SPACE}/configmaps",
        {"metadata": {"name": "files"}, "binaryData": {"a.py": "cHJpbnQoNDIp"}},
    )
    mounts = [{"name": "work", "mountPath": "/workspace"}]
    init = {
        "name": "files",
        "image": "python:3.13",
        "command": ["sh", "-c", "cp /files/a.py /workspace/b.py; stat -c %a /files/a.py; pwd"],
        "workingDir": "/workspace",
        "volumeMounts": [*mounts, {"name": "files", "mountPath": "/files"}],
    }
    volumes = [
        {"name": "work", "emptyDir": {}},
        {"name": "files", "configMap": {"name": "files", "defaultMode": 0o440}},
    ]
    name = job(
        api,
        "files",
        "",
        container={
            "command": ["python", "b.py"],
            "workingDir": "/workspace",
            "volumeMounts": mounts,
        },
        pod={"initContainers": [init], "volumes": volumes},
    )
    (pod,) = until_phase(api, name, "Succeeded")
    assert log(api, pod) == "42\n"
    mode, where = log(api, pod, container="files").split()
    assert (mode, where.rpartition("/")[2]) == ("440", "work")
    (status,) = pod["status"]["initContainerStatuses"]
    assert status["state"]["terminated"]["reason"] == "Completed"


def test_a_failed_init_container_fails_its_pod_and_nothing_else_starts(api):
    init = {"name": "files", "image": "x", "command": ["sh", "-c", "exit 7"]}
    name = job(api, "no-files", "print('never')", pod={"initContainers": [init]})
    (pod,) = until_phase(api, name, "Failed")
    assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 7
    (main,) = pod["status"]["containerStatuses"]
    assert main["state"] == {"waiting": {"reason": "PodInitializing"}}


@pytest.mark.parametrize(
    ("name", "script", "code"),
    [
        ("exits", "raise SystemExit(3)", 3),
        ("killed", "import os; os.kill(os.getpid(), 9)", 137),
        ("terminated", "import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_a_process_that_fails_is_a_pod_that_fails_with_its_code(api, name, script, code):
    (pod,) = until_phase(api, job(api, name, script), "Failed")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, "Error")
    conditions = {
        one["type"]: (one["status"], one.get("reason")) for one in pod["status"]["conditions"]
    }
    assert conditions["Ready"] == ("False", "PodFailed")
    assert conditions["PodScheduled"][0] == "True"
    eventually(lambda: "Failed" in condition(api, name))


def test_a_program_that_is_not_there_is_a_start_error(api):
    name = job(api, "nothing", "", container={"command": ["no-such-program"]})
    (pod,) = until_phase(api, name, "Failed")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "no-such-program" in ended["message"]


def test_a_job_is_retried_as_often_as_it_says(api):
    name = job(api, "again", "raise SystemExit(1)", backoffLimit=1)
    eventually(lambda: "Failed" in condition(api, name), 30)
    assert len(pods(api, name)) == 2


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


STUBBORN = """
import signal, sys, time
def last(*_):
    print("last line", flush=True)
    sys.exit(9)
signal.signal(signal.SIGTERM, last)
print("ready", flush=True)
time.sleep(60)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def until_said(api, name, text, rank=0):
    """Return a Pod once its log has a text."""

    def said():
        found = [one for one in pods(api, name) if one["status"].get("phase") == "Running"]
        if len(found) <= rank:
            return None
        answer = api.http.get(f"{PODS}/{found[rank]['metadata']['name']}/log")
        return found[rank] if answer.status_code == 200 and text in answer.text else None

    return eventually(said)


def alive(pod):
    """Return the main process of a Pod, if it runs."""
    pid = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("process://")
    return psutil.pid_exists(int(pid))


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
    thread.join(5)
    # Who follows a log hears it all, and then its end.
    assert said == ["ready", "last line"]
    assert not alive(pod)


def test_who_does_not_hear_is_killed_after_the_grace(api):
    job(api, "deaf", DEAF, pod={"terminationGracePeriodSeconds": 1})
    pod = until_said(api, "deaf", "ready")
    began = time.monotonic()
    api.http.delete(f"{JOBS}/deaf?propagationPolicy=Background").raise_for_status()
    eventually(lambda: not pods(api, "deaf"))
    assert 0.9 < time.monotonic() - began < 3
    assert not alive(pod)

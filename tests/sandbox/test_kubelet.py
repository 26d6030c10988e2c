"""How the sandbox's kubelet looks after Pods, without a cluster."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from dotrain.sandbox.kubernetes.kubelet import containers, environment, supervise
from dotrain.sandbox.kubernetes.kubelet.api import Api as RealApi
from dotrain.sandbox.kubernetes.kubelet.directories import Cleaners, remove
from dotrain.sandbox.kubernetes.kubelet.statuses import Known, Status

from .kubelets import SLEEPS, Api, ended, kubelet, lives, over, pod_of, ran, until


def answers(*codes, uid="u"):
    """Return an API that gives these answers to changes, and what is asked of it."""
    asked, left = [], iter(codes)

    def handle(request):
        if request.method == "GET":
            return httpx.Response(200, json={"metadata": {"uid": uid}})
        asked.append(request.method)
        return httpx.Response(next(left), text="no")

    client = httpx.AsyncClient(base_url="http://api", transport=httpx.MockTransport(handle))
    return RealApi(client), asked


@pytest.mark.parametrize("change", ["report", "remove"])
def test_a_change_of_a_pod_is_asked_for_until_the_api_takes_it(change, monkeypatch):
    monkeypatch.setattr("dotrain.sandbox.kubernetes.kubelet.api._PAUSE", 0.01)
    api, asked = answers(409, 429, 500, 503, 200)
    pod = {"metadata": {"name": "a", "namespace": "d", "uid": "u"}}
    arguments = [pod, {}] if change == "report" else [pod]
    asyncio.run(getattr(api, change)(*arguments))
    assert len(asked) == 5


@pytest.mark.parametrize(("code", "uid"), [(409, "another"), (404, "u"), (422, "u")])
def test_what_the_api_will_never_take_is_asked_for_once(code, uid):
    api, asked = answers(code, uid=uid)
    asyncio.run(api.report({"metadata": {"name": "a", "namespace": "d", "uid": "u"}}, {}))
    assert asked == ["PATCH"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_a_process_that_fails_is_a_pod_that_fails_with_its_code(tmp_path, script, code):
    status, _ = ran(pod_of(script), tmp_path)
    assert status["phase"] == "Failed"
    assert (ended(status)["exitCode"], ended(status)["reason"]) == (code, "Error")
    conditions = {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}
    assert conditions["Ready"] == ("False", "PodFailed")


def test_a_program_that_is_not_there_is_a_start_error(tmp_path):
    status, _ = ran(pod_of(container={"command": ["no-such-program"]}), tmp_path)
    assert (ended(status)["exitCode"], ended(status)["reason"]) == (128, "StartError")
    assert "no-such-program" in ended(status)["message"]


def test_a_failed_init_container_fails_its_pod_and_nothing_else_starts(tmp_path):
    init = {"name": "files", "image": "x", "command": ["sh", "-c", "exit 7"]}
    status, _ = ran(pod_of("print('never')", initContainers=[init]), tmp_path)
    assert status["phase"] == "Failed"
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 7
    (main,) = status["containerStatuses"]
    assert main["state"] == {"waiting": {"reason": "PodInitializing"}}


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [
        ("Never", 1, "Failed"),
        ("Never", 0, "Succeeded"),
        ("OnFailure", 1, "Running"),
        ("OnFailure", 0, "Succeeded"),
        ("Always", 0, "Running"),
    ],
)
def test_a_pod_that_starts_again_runs_in_between(policy, code, phase):
    known = Known({"name": "main", "image": "x"}, started=1.0, finished=2.0, code=code)
    status = Status([], [known], 0.0, "a", "h", policy)
    assert status.manifest(3.0, {})["phase"] == phase
    if known.again(policy):
        known.restart()
        assert status.manifest(3.0, {})["phase"] == "Running"
        assert status.manifest(3.0, {}, over=True)["phase"] == "Failed"


def test_a_machine_without_room_for_a_process_is_a_start_error(tmp_path, monkeypatch):
    async def full(*_):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(containers, "start", full)
    status, _ = ran(pod_of(), tmp_path)
    assert ended(status)["reason"] == "StartError"
    assert "temporarily unavailable" in ended(status)["message"]


def test_volumes_that_cannot_be_made_are_told_and_tried_again(tmp_path):
    api, path = Api(), {"fieldRef": {"fieldPath": "metadata.name"}}
    items = [{"path": name, **path} for name in ("a", "a/b")]
    pod = pod_of(volumes=[{"name": "v", "downwardAPI": {"items": items}}])

    async def run():
        async with lives(api, pod, tmp_path) as running:
            await until(lambda: api.events)
            assert api.events[0][0] == "FailedMount"
            assert api.last["phase"] == "Pending"
            running.stop(0)
            await until(lambda: api.removed)

    asyncio.run(run())


def test_a_pod_that_cannot_be_run_fails_and_is_removed_once_deleted(tmp_path, caplog):
    api, pod = Api(), pod_of(SLEEPS)
    pod["spec"]["containers"].append({"name": "odd", "image": "x", "command": 5})

    async def run():
        async with lives(api, pod, tmp_path) as running:
            await until(lambda: over(api))
            assert api.last["phase"] == "Failed"
            assert "TypeError" in api.last["message"]
            children = [" ".join(one.cmdline()) for one in psutil.Process().children()]
            assert not [one for one in children if supervise.__file__ in one]
            assert not api.removed
            running.stop(30)
            await until(lambda: api.removed)

    asyncio.run(run())
    assert "could not be run" in caplog.text


def test_one_event_that_cannot_be_followed_does_not_end_the_kubelet(tmp_path, caplog):
    async def run():
        async with kubelet(tmp_path) as (api, one):
            good = pod_of("print(1)")
            one._see_pod("SYNC", {"items": [{"metadata": {"uid": "x"}}, good]})
            await until(lambda: over(api))

    asyncio.run(run())
    assert "could not be followed" in caplog.text


def test_a_pod_waits_for_its_node(tmp_path):
    async def run():
        async with kubelet(tmp_path, node=False) as (api, one):
            one._see_pod("ADDED", pod_of("print(1)"))
            await asyncio.sleep(0.1)
            assert not api.statuses
            address = {"type": "InternalIP", "address": "10.0.0.9"}
            node = {"metadata": {"name": "n"}, "status": {"addresses": [address]}}
            one._see_node("ADDED", node)
            await until(lambda: over(api))
            assert api.last["hostIP"] == "10.0.0.9"

    asyncio.run(run())


def test_a_pod_whose_node_is_gone_before_it_began_is_collected(tmp_path):
    async def run():
        async with kubelet(tmp_path, node=False) as (api, one):
            pod = pod_of("print(1)")
            one._see_pod("ADDED", pod)
            one._see_node("SYNC", {"items": []})
            await until(lambda: api.removed)
            assert api.last["conditions"][0]["type"] == "DisruptionTarget"

    asyncio.run(run())


def test_of_a_pod_that_is_gone_nothing_is_left_though_it_wrote_to_the_last(tmp_path):
    script = """
import os, time
while True:
    os.makedirs("a/b/c", exist_ok=True)
    open("a/b/c/x", "w").close()
"""

    async def run():
        async with kubelet(tmp_path) as (_, one):
            pod = pod_of(script)
            one._see_pod("ADDED", pod)
            at = tmp_path / pod["metadata"]["uid"]
            await until((at / "root" / "a").exists)
            one._see_pod("SYNC", {"items": []})
            await one._cleaners.wait()
            assert not list(tmp_path.iterdir())

    asyncio.run(run())


def test_two_may_remove_one_directory(tmp_path):
    for number in range(200):
        (tmp_path / "pods" / "u" / str(number) / "x").mkdir(parents=True)

    async def run():
        cleaners = Cleaners(remove)
        cleaners.begin(tmp_path / "pods" / "u")
        cleaners.begin(tmp_path / "pods" / "u")
        assert len(cleaners._tasks) == 1
        await asyncio.gather(cleaners.wait(), asyncio.to_thread(remove, tmp_path / "pods"))

    asyncio.run(run())
    assert not (tmp_path / "pods" / "u").exists()


SINCE = "2026-01-01T00:00:00Z"


def test_only_what_ran_is_lost_when_the_sandbox_was_ended(tmp_path):
    state = {"running": {"startedAt": "2026-01-02T00:00:00Z"}}
    said = {"name": "main", "restartCount": 2, "state": state, "containerID": "process://7"}
    first = {"exitCode": 0, "reason": "Completed", "startedAt": SINCE, "finishedAt": SINCE}
    before = {"name": "files", "state": {"terminated": first}}
    status = {
        "phase": "Running",
        "startTime": SINCE,
        "initContainerStatuses": [before],
        "containerStatuses": [said],
    }
    init = {"name": "files", "image": "x", "command": ["true"]}
    found, _ = ran(pod_of(SLEEPS, status=status, initContainers=[init]), tmp_path)
    assert (found["phase"], found["startTime"]) == ("Failed", SINCE)
    assert found["initContainerStatuses"][0]["state"]["terminated"] == first
    assert ended(found)["startedAt"] == "2026-01-02T00:00:00Z"
    assert (ended(found)["exitCode"], ended(found)["reason"]) == (137, "ContainerStatusUnknown")
    assert found["containerStatuses"][0]["restartCount"] == 2


def test_a_pod_that_had_not_begun_begins_when_the_sandbox_is_started_again(tmp_path):
    waits = {"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}
    status = {"phase": "Pending", "startTime": SINCE, "containerStatuses": [waits]}
    found, said = ran(pod_of("print('at last')", status=status), tmp_path)
    assert (found["phase"], found["startTime"], said) == ("Succeeded", SINCE, "at last\n")


GRANDCHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(98765)"],
                         start_new_session=True)
print(child.pid, flush=True)
while not pathlib.Path("enough").exists():
    time.sleep(0.01)
"""


def started(script, directory, log, act):
    async def run():
        known = {"PATH": environment.path()}
        one = await containers.start([sys.executable, "-c", script], known, directory, log)
        await act(one)
        return await one.wait()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("killed", "code"),
    [
        ("nobody", 0),
        ("the one above", 137),
        ("the one above that", 0),
    ],
)
def test_nothing_of_a_container_outlives_its_first_process(tmp_path, killed, code):
    log, children = tmp_path / "log", []

    async def act(one):
        await until(lambda: log.exists() and log.read_text().endswith("\n"))
        children.append(int(log.read_text().split()[-1]))
        assert psutil.pid_exists(children[0])
        above = psutil.Process(one.pid).parent()
        if killed == "the one above":
            above.kill()
            return
        if killed == "the one above that":
            above.parent().kill()
        (tmp_path / "enough").touch()

    assert started(GRANDCHILD, tmp_path, log, act).code == code
    assert not psutil.pid_exists(children[0])


def test_a_log_on_a_full_disk_ends_nothing(tmp_path):
    async def nothing(_):
        pass

    script = "print('x' * 100000, flush=True); raise SystemExit(4)"
    assert started(script, tmp_path, Path("/dev/full"), nothing).code == 4

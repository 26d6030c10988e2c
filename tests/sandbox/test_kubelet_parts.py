"""What a Pod of a job finds: its environment, its files, its paths; and what its log tells."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path

import pytest

from dotrain.sandbox.kubernetes.kubelet import containers, logs, places, server
from dotrain.sandbox.kubernetes.kubelet.local import Local

from .kubelets import SERVICES, Api, lives, over, pod_of, ran, until


def secret(**values):
    return {"data": {key: base64.b64encode(one.encode()).decode() for key, one in values.items()}}


INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
TELLS = """
import json, os, sys
os.environ.pop("LC_CTYPE", None)
print(json.dumps([dict(os.environ), sys.argv[1:], os.getcwd()]))
"""
WORK = {"volumes": [{"name": "room", "emptyDir": {}}]}


def at_work(path="/workspace", **more):
    return {"volumeMounts": [{"name": "room", "mountPath": path, **more}]}


def told(directory, api=None, annotations=None, container=None, **spec):
    pod = pod_of(TELLS, container=container, **{**WORK, **spec})
    pod["metadata"]["annotations"] = annotations or {}
    _, log = ran(pod, directory, api)
    return json.loads(log), directory / pod["metadata"]["uid"]


def key_of(name, key):
    return {"secretKeyRef": {"name": name, "key": key}}


def test_the_environment_holds_what_the_pod_says_and_nothing_else(tmp_path):
    env = [
        {"name": "RANK", "valueFrom": {"fieldRef": {"fieldPath": INDEX}}},
        {"name": "KEY", "valueFrom": key_of("keys", "WANDB")},
        {"name": "OUT", "value": "/workspace/out-$(RANK)"},
        {"name": "ODD", "value": "$(NOBODY) $$(RANK) $(PATH) $(SIZE_width) /workspaces"},
        {"name": "OWN", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "API", "value": "$(KUBERNETES_SERVICE_HOST)"},
    ]
    container = {
        "args": ["--out=$(OUT)", "envy-1.envy:29500 other.envy", "$(SIZE_width)"],
        "envFrom": [{"configMapRef": {"name": "sizes"}, "prefix": "SIZE_"}],
        "env": env,
        **at_work(),
    }
    api = Api(keys=secret(WANDB="s3cret"), sizes={"data": {"width": "128"}})
    (found, arguments, _), at = told(
        tmp_path, api, {INDEX.split("'")[1]: "0"}, container, hostname="envy-0", subdomain="envy"
    )
    path = found.pop("PATH").split(":")
    assert path[0] == str(Path(sys.executable).parent)
    assert "/usr/bin" in path
    assert found == {
        **SERVICES,
        "RANK": "0",
        "KEY": "s3cret",
        "SIZE_width": "128",
        "OUT": f"{at}/volumes/room/out-0",
        # A kubelet takes what stands before, and neither the image's nor `envFrom`.
        "ODD": "$(NOBODY) $(RANK) $(PATH) $(SIZE_width) /workspaces",
        "OWN": "127.0.0.1",
        "API": "127.0.0.1",
    }
    assert arguments == [f"--out={at}/volumes/room/out-0", "127.0.0.1:29500 other.envy", "128"]


def test_init_containers_come_first_and_leave_files_for_the_others(tmp_path):
    mounts = at_work()["volumeMounts"]
    init = {
        "name": "files",
        "image": "x",
        "command": ["sh", "-c", "cp /files/a.py /workspace/b.py; stat -c %a /files/a.py; pwd"],
        "workingDir": "/workspace",
        "volumeMounts": [*mounts, {"name": "files", "mountPath": "/files"}],
    }
    files = {"name": "files", "configMap": {"name": "files", "defaultMode": 0o440}}
    container = {"command": ["python", "b.py"], "workingDir": "/workspace", **at_work()}
    volumes = [*WORK["volumes"], files]
    pod = pod_of(container=container, initContainers=[init], volumes=volumes)
    api = Api(files={"binaryData": {"a.py": "cHJpbnQoNDIp"}})
    status, said = ran(pod, tmp_path, api)
    assert said == "42\n"
    (first,) = status["initContainerStatuses"]
    assert first["state"]["terminated"]["reason"] == "Completed"
    log = tmp_path / pod["metadata"]["uid"] / "logs" / "files.log"
    mode, where = (line.split()[-1] for line in log.read_text().splitlines())
    assert (mode, where.rpartition("/")[2]) == ("440", "room")


def test_what_comes_out_of_a_secret_is_never_rewritten(tmp_path):
    url = "https://x/workspace?at=/workspace/0.0.0.0"
    env = [
        {"name": "URL", "valueFrom": key_of("keys", "url")},
        {"name": "BOTH", "value": "/workspace:$(URL)"},
        {"name": "AGAIN", "value": "$(BOTH)"},
        {"name": "SITE", "valueFrom": key_of("keys", "site")},
        {"name": "UNDER", "value": "$(SITE)/workspace"},
    ]
    container = {
        "env": env,
        "args": ["$(URL)", "/workspace"],
        "envFrom": [{"secretRef": {"name": "keys"}}],
        **at_work(),
    }
    api = Api(keys=secret(url=url, site="https://host"))
    (found, arguments, _), at = told(tmp_path, api, container=container)
    here = f"{at}/volumes/room"
    assert found["URL"] == found["url"] == url
    assert found["BOTH"] == found["AGAIN"] == f"{here}:{url}"
    assert found["UNDER"] == "https://host/workspace"
    assert arguments == [url, here]


@pytest.mark.parametrize(
    ("directory", "here"),
    [
        ("/workspace/../workspace//", "volumes/room"),
        ("/workspace/deep", "volumes/room/deep"),
        ("/srv/../../app/", "root/app"),
        ("app", "root/app"),
        ("/", "root"),
    ],
)
def test_a_working_directory_is_the_one_that_is_meant(tmp_path, directory, here):
    container = {"workingDir": directory, **at_work()}
    (_, _, where), at = told(tmp_path, container=container)
    assert where == f"{at}/{here}"


def test_a_directory_with_a_space_does_not_reach_scripts(tmp_path):
    script = "cd /workspace && touch $AT/x && pwd"
    env = [{"name": "AT", "value": "/workspace"}]
    container = {"command": ["sh", "-c", script], "env": env, **at_work()}
    spaced = tmp_path / "with space"
    spaced.mkdir()
    pod = pod_of(container=container, **WORK)
    at = places.files(spaced / pod["metadata"]["uid"])

    async def run():
        api = Api()
        async with lives(api, pod, spaced) as running:
            await until(lambda: over(api))
            assert at.stat().st_mode & 0o777 == 0o700
            assert (at / "volumes" / "room" / "x").exists()
            return running.log("main").read_text()

    assert asyncio.run(run()).endswith(f" {at}/volumes/room\n")
    assert " " not in str(at)
    assert not at.exists()


def test_a_pods_memory_is_its_own_and_goes_with_it(tmp_path):
    volume = {"name": "room", "emptyDir": {"medium": "Memory"}}
    container = {"command": ["sh", "-c", "touch /dev/shm/x; ls /dev/shm"], **at_work("/dev/shm")}
    pod = pod_of(container=container, volumes=[volume])
    _, listed = ran(pod, tmp_path)
    assert listed == "x\n"
    assert not Path("/dev/shm/x").exists()
    assert not places.memory(tmp_path / pod["metadata"]["uid"]).exists()


def test_somebody_elses_directory_is_not_used(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("open", "link"):
        with pytest.raises(PermissionError, match="alone"):
            places.private(tmp_path / name)


def test_a_part_of_a_volume_is_made_and_one_by_an_expression_refused(tmp_path):
    command = ["sh", "-c", "touch /out/x && echo made"]
    pod = pod_of(container={"command": command, **at_work("/out", subPath="a/b")}, **WORK)
    assert ran(pod, tmp_path)[1] == "made\n"
    api = Api()

    async def run():
        pod = pod_of(container=at_work(subPathExpr="$(RANK)"), **WORK)
        async with lives(api, pod, tmp_path):
            await until(lambda: api.events)

    asyncio.run(run())
    assert api.events == [("Failed", "Error: the sandbox has no subPathExpr")]


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("/data", "/here"),
        ("--in=/data/x:/data", "--in=/here/x:/here"),
        ("file:///data/x", "file:///here/x"),
        ("/data/deep/x", "/there/x"),
        ("/database /mnt/data https://host/data /data.csv -I/data", None),
        ("/dev/shm/x", "/memory/x"),
        ("job-11.job:1 job-1.job.space.svc.cluster.local", "127.0.0.1:1 127.0.0.1"),
        ("myjob-1.job job-x.job train.job job-1.jobs", None),
        ("10.244.0.7 110.244.0.7", "127.0.0.1 110.244.0.7"),
    ],
)
def test_only_a_pods_own_paths_and_names_are_replaced(text, here):
    metadata = {"name": "job-0-abc", "namespace": "space"}
    pod = {"metadata": metadata, "spec": {"hostname": "job-0", "subdomain": "job"}}
    mounts = {"/data/": "/here", "/data/deep": "/there", "/dev/shm": "/memory", "/": "/root"}
    assert Local(pod, mounts, "10.244.0.7")(text) == (here or text)


class Ears:
    """Where an answer is written."""

    def __init__(self):
        self.said = b""

    def write(self, said):
        self.said += said

    async def drain(self):
        pass


async def answer(running, **query):
    ears = Ears()
    await server._send_log(ears, running, "main", query)
    return ears.said


def test_who_follows_a_log_from_the_start_hears_it_all(tmp_path, monkeypatch):
    start, heard = containers.start, asyncio.Event()

    async def slowly(*arguments):
        process = await start(*arguments)
        await heard.wait()
        return process

    monkeypatch.setattr(containers, "start", slowly)

    async def run():
        api, pod = Api(), pod_of("import time; time.sleep(0.3); print('late')")
        async with lives(api, pod, tmp_path) as running:
            await until(running.log("main").exists)
            early = await answer(running, follow="true")
            assert b"is waiting to start: ContainerCreating" in early
            heard.set()
            await until(lambda: running.known("main").runs)
            assert b"late\n" in await answer(running, follow="true")

    asyncio.run(run())


TWICE = """
import pathlib
if pathlib.Path("been").exists():
    raise SystemExit("again")
pathlib.Path("been").touch()
raise SystemExit("first")
"""


def test_the_log_of_the_run_before_is_kept(tmp_path):
    async def run():
        api = Api()
        async with lives(api, pod_of(TWICE, restartPolicy="OnFailure"), tmp_path) as running:
            await until(lambda: running.known("main").started)
            assert b"400 Bad Request" in await answer(running, previous="true")
            await until(lambda: running.known("main").restarts and running.known("main").started)
            assert b"first\n" in await answer(running, previous="true", follow="true")
            assert {one["phase"] for one in api.statuses} == {"Running"}

    asyncio.run(run())


def test_a_long_log_comes_in_large_pieces(tmp_path):
    line = b"2026-01-01T00:00:00.000000000Z stdout F " + b"x" * 20 + b"\n"
    path = tmp_path / "log"
    path.write_bytes(line * 20000)

    async def run():
        found = logs.read(path, logs.Options(since=1.0), lambda: True)
        return [len(part) async for part in found]

    sizes = asyncio.run(run())
    assert sum(sizes) == 20000 * 21
    assert len(sizes) < 20


def test_one_who_goes_away_is_no_longer_told():
    async def run():
        reader, told = asyncio.StreamReader(), []

        async def tells():
            try:
                await asyncio.sleep(60)
            finally:
                told.append("over")

        task = asyncio.create_task(server._while_there(reader, tells()))
        await asyncio.sleep(0)
        reader.feed_eof()
        await asyncio.wait_for(task, 5)
        assert told == ["over"]

    asyncio.run(run())

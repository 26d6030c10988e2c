"""Pods run without a cluster: the processes are real, and the API keeps what it is told."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from contextlib import asynccontextmanager

from dotrain.sandbox.kubernetes.kubelet import logs
from dotrain.sandbox.kubernetes.kubelet.running import Running
from dotrain.sandbox.kubernetes.kubelet.watching import Kubelet

SERVICES = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
SLEEPS = "import time; print('ready', flush=True); time.sleep(60)"
UIDS = (f"uid-{os.getpid()}-{number}" for number in itertools.count())


class Api:
    """Keeps what a kubelet says."""

    def __init__(self, **objects):
        self.objects = objects
        self.statuses, self.events, self.removed = [], [], []

    async def get(self, kind, namespace, name):  # noqa: ARG002 (as the API is asked)
        return self.objects.get(name)

    async def report(self, pod, status):  # noqa: ARG002 (as the API is asked)
        self.statuses.append(status)

    async def remove(self, pod):
        self.removed.append(pod["metadata"]["uid"])

    def tell(self, pod, kind, reason, message):  # noqa: ARG002 (as the API is asked)
        self.events.append((reason, message))

    async def close(self):
        pass

    @property
    def last(self):
        return self.statuses[-1] if self.statuses else {}


def pod_of(script="", *, status=None, container=None, **spec):
    main = {"name": "main", "image": "x", "command": ["python", "-c", script], **(container or {})}
    return {
        "metadata": {"name": "job-0", "namespace": "space", "uid": next(UIDS)},
        "spec": {"nodeName": "n", "restartPolicy": "Never", "containers": [main], **spec},
        "status": status or {},
    }


async def until(look):
    deadline = time.monotonic() + 15
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def lives(api, pod, directory):
    running = Running(api, pod, directory / pod["metadata"]["uid"], ("10.0.0.2", "h"), SERVICES)
    task = asyncio.create_task(running.live())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.wait({task})


def over(api):
    return api.last.get("phase") in {"Succeeded", "Failed"}


def ran(pod, directory, api=None):
    """Run a Pod to its end, and return its last status and its log."""
    api = api or Api()

    async def run():
        async with lives(api, pod, directory) as running:
            await until(lambda: over(api))
            log = running.log("main")
            read = logs.read(log, logs.Options(), lambda: True) if log.exists() else None
            return b"".join([part async for part in read]).decode() if read else ""

    said = asyncio.run(run())
    return api.last, said


def ended(status):
    return status["containerStatuses"][0]["state"]["terminated"]


@asynccontextmanager
async def kubelet(directory, *, node=True):
    api = Api()
    one = Kubelet(api, 6443, directory, lambda: 0.05)
    if node:
        one._see_node("SYNC", {"items": [{"metadata": {"name": "n"}}]})
    try:
        yield api, one
    finally:
        for uid in list(one._pods):
            one._drop(uid)
        await one._cleaners.wait()

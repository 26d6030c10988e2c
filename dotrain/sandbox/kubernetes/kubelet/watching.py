"""The kubelet of all nodes of a control plane: it follows the API, and runs the Pods of jobs."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from dotrain.sandbox.kubernetes.kubelet import environment, statuses
from dotrain.sandbox.kubernetes.kubelet.directories import remove
from dotrain.sandbox.kubernetes.kubelet.local import LOOPBACK
from dotrain.sandbox.kubernetes.kubelet.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.kubelet.api import Api

LABEL = "dotrain/job"
"""Pods with this label are run; kwok's stages leave them alone."""

_LOG = logging.getLogger(__name__)
_PAUSE = 0.5
_GRACE = 30
# What DOKS gives Pods by default. Nobody is there: they are all on 127.0.0.1.
_PODS = ipaddress.ip_network("10.244.0.0/16")


@dataclass
class _Entry:
    running: Running
    task: asyncio.Task[None]
    directory: Path
    cut: bool = False

    def cut_off(self) -> None:
        """Kill what runs. Once: cut off again, it would not wait for that."""
        if not self.cut:
            self.cut = True
            self.task.cancel()


class Kubelet:
    """Runs the Pods of jobs of one control plane.

    Parameters
    ----------
    api : Api
        Its API.
    port : int
        Where the API is, on 127.0.0.1.
    directory : pathlib.Path
        Where each Pod gets a directory of its own.
    delay : callable
        Returns how many seconds a Pod stays whose node is gone.
    """

    def __init__(self, api: Api, port: int, directory: Path, delay: Callable[[], float]) -> None:
        self._api = api
        self._delay = delay
        self._directory = directory
        self._always = {
            "PATH": environment.path(),
            "KUBERNETES_SERVICE_HOST": LOOPBACK,
            "KUBERNETES_SERVICE_PORT": str(port),
        }
        self._pods: dict[str, _Entry] = {}
        self._hosts: dict[str, str] = {}
        self._listed = asyncio.Event()
        self._free = (str(_PODS[number]) for number in itertools.cycle(range(2, 65534)))
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Follow the API until cancelled; all processes end then."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        try:
            await asyncio.gather(self._follow_nodes(), self._follow_pods())
        finally:
            for entry in self._pods.values():
                entry.cut_off()
            for task in self._tasks:
                task.cancel()
            tasks = [entry.task for entry in self._pods.values()]
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
            await self._api.close()

    def find(self, namespace: str, name: str) -> Running | None:
        """Return a Pod of a job by its name, None when it is none of these."""
        for entry in self._pods.values():
            metadata = entry.running.pod["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                return entry.running
        return None

    async def _follow_nodes(self) -> None:
        await self._follow("/api/v1/nodes", {}, self._see_node)

    async def _follow_pods(self) -> None:
        # A Pod has its node's address.
        await self._listed.wait()
        await self._follow("/api/v1/pods", {"labelSelector": LABEL}, self._see_pod)

    async def _follow(
        self, path: str, query: dict[str, str], see: Callable[[str, Doc], None]
    ) -> None:
        while True:
            with suppress(httpx.HTTPError):
                async for kind, what in self._api.follow(path, query):
                    see(kind, what)
            await asyncio.sleep(_PAUSE)

    def _see_node(self, kind: str, what: Doc) -> None:
        if kind == "SYNC":
            self._hosts = {one["metadata"]["name"]: _address(one) for one in what["items"]}
            self._listed.set()
            gone = {
                entry.running.pod["spec"]["nodeName"] for entry in self._pods.values()
            } - self._hosts.keys()
        elif kind == "DELETED":
            gone = {what["metadata"]["name"]}
            self._hosts.pop(what["metadata"]["name"], None)
        else:
            gone = set()
            self._hosts[what["metadata"]["name"]] = _address(what)
        for entry in self._pods.values():
            if entry.running.pod["spec"]["nodeName"] in gone and not entry.cut:
                entry.cut_off()
                self._aside(self._collect(entry))

    def _see_pod(self, kind: str, what: Doc) -> None:
        if kind == "SYNC":
            uids = {one["metadata"]["uid"] for one in what["items"]}
            for uid in self._pods.keys() - uids:
                self._drop(uid)
            self._sweep(uids)
            for one in what["items"]:
                self._see_pod("ADDED", one)
            return
        uid = what["metadata"]["uid"]
        if kind == "DELETED":
            self._drop(uid)
        elif what["spec"].get("nodeName"):
            entry = self._pods.get(uid) or self._begin(uid, what)
            if what["metadata"].get("deletionTimestamp"):
                entry.running.stop(what["metadata"].get("deletionGracePeriodSeconds", _GRACE))

    def _begin(self, uid: str, pod: Doc) -> _Entry:
        directory = self._directory / uid
        directory.mkdir(mode=0o700, exist_ok=True)
        # What it has it keeps: addresses are added to a status, not replaced.
        own = pod["status"].get("podIP") or next(self._free)
        host = pod["status"].get("hostIP") or self._hosts.get(pod["spec"]["nodeName"], LOOPBACK)
        addresses = (own, host)
        running = Running(self._api, pod, directory, addresses, self._always)
        task = asyncio.create_task(running.live())
        task.add_done_callback(_report)
        self._pods[uid] = _Entry(running, task, directory)
        return self._pods[uid]

    async def _collect(self, entry: _Entry) -> None:
        """Do what Pod GC does with a Pod whose node is gone, only sooner.

        Kubernetes' own waits 40 seconds and then up to 20 more, whatever its
        options are.
        """
        await asyncio.sleep(self._delay())
        pod = entry.running.pod
        if pod["metadata"]["uid"] in self._pods:
            if not entry.running.ended:
                await self._api.report(pod, statuses.orphaned(time.time()))
            await self._api.remove(pod)

    def _drop(self, uid: str) -> None:
        """Forget a Pod that is gone, with all that was its own."""
        if (entry := self._pods.pop(uid, None)) is not None:
            entry.cut_off()
            self._clean(entry.directory, entry.task)

    def _sweep(self, uids: set[str]) -> None:
        """Remove the directories of Pods that are gone."""
        for left in self._directory.iterdir():
            if left.name not in uids and left.name not in self._pods:
                self._clean(left)

    def _clean(self, directory: Path, after: asyncio.Task[None] | None = None) -> None:
        async def clean() -> None:
            if after is not None:
                await asyncio.wait({after})
            await asyncio.to_thread(remove, directory)

        self._aside(clean())

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something while the API is followed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_report)


def _address(node: Doc) -> str:
    """Return the internal address of a node."""
    addresses = node.get("status", {}).get("addresses") or ()
    internal = [one["address"] for one in addresses if one["type"] == "InternalIP"]
    return internal[0] if internal else LOOPBACK


def _report(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _LOG.error("What looks after a Pod has failed.", exc_info=error)

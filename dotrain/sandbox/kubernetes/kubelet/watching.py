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

from dotrain.sandbox.kubernetes.kubelet import places, statuses
from dotrain.sandbox.kubernetes.kubelet.directories import Cleaners
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
        self._services = {
            "KUBERNETES_SERVICE_HOST": LOOPBACK,
            "KUBERNETES_SERVICE_PORT": str(port),
        }
        self._pods: dict[str, _Entry] = {}
        # Those whose node has not been seen, by uid.
        self._waiting: dict[str, Doc] = {}
        self._hosts: dict[str, str] = {}
        self._listed = asyncio.Event()
        self._free = (str(_PODS[number]) for number in itertools.cycle(range(2, 65534)))
        self._tasks: set[asyncio.Task[None]] = set()
        self._cleaners = Cleaners(places.remove_pod)

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
            await self._cleaners.wait()
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
                    _try(see, kind, what)
            await asyncio.sleep(_PAUSE)

    def _see_node(self, kind: str, what: Doc) -> None:
        gone: set[str] = set()
        if kind == "SYNC":
            self._hosts = {one["metadata"]["name"]: _address(one) for one in what["items"]}
            self._listed.set()
            gone = {pod["spec"]["nodeName"] for pod in self._known()} - self._hosts.keys()
        elif kind == "DELETED":
            gone = {what["metadata"]["name"]}
            self._hosts.pop(what["metadata"]["name"], None)
        else:
            self._hosts[what["metadata"]["name"]] = _address(what)
        for entry in self._pods.values():
            if entry.running.pod["spec"]["nodeName"] in gone and not entry.cut:
                entry.cut_off()
                self._aside(self._collect(entry.running.pod))
        for pod in list(self._waiting.values()):
            if pod["spec"]["nodeName"] in gone:
                self._aside(self._collect(pod))
            else:
                _try(self._see_pod, "ADDED", pod)

    def _known(self) -> list[Doc]:
        return [*(entry.running.pod for entry in self._pods.values()), *self._waiting.values()]

    def _see_pod(self, kind: str, what: Doc) -> None:
        if kind == "SYNC":
            uids = {one["metadata"]["uid"] for one in what["items"]}
            for uid in (self._pods.keys() | self._waiting.keys()) - uids:
                self._drop(uid)
            self._sweep(uids)
            for one in what["items"]:
                _try(self._see_pod, "ADDED", one)
            return
        uid = what["metadata"]["uid"]
        node = what["spec"].get("nodeName")
        if kind == "DELETED":
            self._drop(uid)
        elif node and node not in self._hosts and uid not in self._pods:
            # It has its node's address. What is said of the node is there soon, or Pod GC comes.
            self._waiting[uid] = what
        elif node:
            self._waiting.pop(uid, None)
            entry = self._pods.get(uid) or self._begin(uid, what)
            if what["metadata"].get("deletionTimestamp"):
                entry.running.stop(what["metadata"].get("deletionGracePeriodSeconds", _GRACE))

    def _begin(self, uid: str, pod: Doc) -> _Entry:
        directory = self._directory / uid
        # What it has it keeps: addresses are added to a status, not replaced.
        own = pod["status"].get("podIP") or next(self._free)
        host = pod["status"].get("hostIP") or self._hosts[pod["spec"]["nodeName"]]
        addresses = (own, host)
        running = Running(self._api, pod, directory, addresses, self._services)
        task = asyncio.create_task(running.live())
        task.add_done_callback(_report)
        self._pods[uid] = _Entry(running, task, directory)
        return self._pods[uid]

    async def _collect(self, pod: Doc) -> None:
        """Do what Pod GC does with a Pod whose node is gone, only sooner.

        Kubernetes' own waits 40 seconds and then up to 20 more, whatever its
        options are.
        """
        await asyncio.sleep(self._delay())
        entry = self._pods.get(pod["metadata"]["uid"])
        if entry is not None or self._waiting.pop(pod["metadata"]["uid"], {}):
            if entry is None or not entry.running.ended:
                await self._api.report(pod, statuses.orphaned(time.time()))
            await self._api.remove(pod)

    def _drop(self, uid: str) -> None:
        """Forget a Pod that is gone, with all that was its own."""
        self._waiting.pop(uid, None)
        if (entry := self._pods.pop(uid, None)) is not None:
            entry.cut_off()
            self._cleaners.begin(entry.directory, entry.task)

    def _sweep(self, uids: set[str]) -> None:
        """Remove the directories of Pods that are gone."""
        for left in self._directory.iterdir():
            if left.name not in uids and left.name not in self._pods:
                self._cleaners.begin(left)

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


def _try(see: Callable[[str, Doc], None], kind: str, what: Doc) -> None:
    """Look at what the API says; what cannot be understood does not end everything else."""
    try:
        see(kind, what)
    except Exception as error:  # noqa: BLE001
        _LOG.error("What the API says could not be followed.", exc_info=error)


def _report(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _LOG.error("What looks after a Pod has failed.", exc_info=error)

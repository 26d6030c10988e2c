"""All control planes of a sandbox: one for each cluster that should have one."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain.sandbox.kubernetes import authority, nodes, programs, tokens
from dotrain.sandbox.kubernetes.door import Door
from dotrain.sandbox.kubernetes.kubelet.directories import Cleaners
from dotrain.sandbox.kubernetes.kubelet.places import remove_plane
from dotrain.sandbox.kubernetes.pods import Pods

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.core import Sandbox
    from dotrain.sandbox.kubernetes.plane import Plane

_LOG = logging.getLogger(__name__)
_LOOK = 0.05
_ATTEMPTS = 3
# Before one that has ended by itself is started again: whatever ended it may still be there.
_PAUSE = 1.0


class Planes:
    """The control planes of a sandbox.

    Each cluster has a task of its own here, which follows what the store says
    of the cluster, and writes into it what has come true: where the API
    answers, that it is ready, and which nodes have joined.

    Parameters
    ----------
    sandbox : Sandbox
        The sandbox.
    directory : pathlib.Path
        Where each control plane gets a directory of its own.
    url : str
        Where the sandbox answers: an API server asks it whose a token is.
    """

    def __init__(self, sandbox: Sandbox, directory: Path, url: str) -> None:
        self._sandbox = sandbox
        self._directory = directory
        self._url = url
        self._pods = Pods()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._cleaners = Cleaners(remove_plane)

    async def start(self) -> None:
        """Begin to follow the store; a control plane that failed before is tried again."""
        for cluster in self._sandbox.store.all("cluster"):
            if (cluster.get("kubernetes") or {}).get("failure"):
                self._note(cluster["id"], failure="")
        # Of clusters that were deleted while the sandbox was being killed.
        self._sweep()
        await self._pods.open()
        self._watch = asyncio.create_task(self._follow())
        self._watch.add_done_callback(_report)

    async def stop(self) -> None:
        """End all control planes; what is in them is kept."""
        tasks = [task for task in (self._watch, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._cleaners.wait()
        await self._pods.close()

    async def _follow(self) -> None:
        seen = -1
        while True:
            if seen != self._sandbox.store.changes:
                seen = self._sandbox.store.changes
                for cluster in self._sandbox.store.all("cluster"):
                    self._begin(cluster)
                self._sweep()
            await asyncio.sleep(_LOOK)

    def _begin(self, cluster: Doc) -> None:
        key, asked = cluster["id"], cluster.get("kubernetes")
        over = cluster["deleted"] is not None or not asked or asked.get("failure")
        if not over and key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._serve(key))
            self._tasks[key].add_done_callback(lambda task: self._end(key, task))

    def _end(self, key: str, task: asyncio.Task[None]) -> None:
        """Put away what the task of a cluster leaves."""
        del self._tasks[key]
        if error := _report(task):
            self._fail(key, f"{type(error).__name__}: {error}")
        self._sweep()

    def _sweep(self) -> None:
        """Remove the directories of clusters that are gone."""
        for left in self._directory.iterdir() if self._directory.is_dir() else ():
            if left.name in self._tasks or self._cluster(left.name) is not None:
                continue
            if left.is_dir() and not left.is_symlink():
                self._cleaners.begin(left)
            else:
                left.unlink(missing_ok=True)

    async def _serve(self, key: str) -> None:
        """Give a cluster its control plane until it is deleted."""
        directory = self._directory / key
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        running: Plane | None = None
        door = Door(
            lambda: (self._cluster(key) or _CLOSED)["control_plane_firewall"],
            lambda: running.layout.api if running and running.alive else None,
            self._sandbox.source,
        )
        try:
            if (cluster := self._cluster(key)) is not None:
                await door.open(cluster["kubernetes"]["port"])
            while (cluster := self._cluster(key)) is not None:
                running = await self._start(cluster, directory, door.port)
                if running is None:
                    return
                await self._keep(key, running)
                ended, running = running, None
                await ended.stop()
                if self._cluster(key) is not None:
                    _LOG.warning("The control plane in %s has ended: it is restarted.", directory)
                    await asyncio.sleep(_PAUSE)
        finally:
            if running is not None:
                await running.stop()
            await door.close()

    async def _start(self, cluster: Doc, directory: Path, port: int) -> Plane | None:
        """Return the control plane of a cluster, None when it cannot be had."""
        # Imported late: a sandbox without control planes starts twice as fast.
        from dotrain.sandbox.kubernetes import plane

        asked = cluster["kubernetes"]
        for attempt in range(_ATTEMPTS):
            # Somebody else may take a port that was free a moment ago.
            etcd, peer, api, kubelet, kwok = programs.free_ports(5)
            layout = programs.Layout(
                programs=Path(asked["programs"]),
                directory=directory,
                services=cluster["service_subnet"],
                review=self._url + tokens.review_path(cluster["id"]),
                etcd=etcd,
                peer=peer,
                api=api,
                kubelet=kubelet,
                kwok=kwok,
                pods=self._pods.port,
                whole=asked["whole"],
            )
            try:
                running = await plane.start(layout, lambda: self._sandbox.delay)
            except (plane.NotStarted, OSError) as error:
                _LOG.warning("attempt %s: %s", attempt + 1, error)
                failure = str(error)
                continue
            certificate = (directory / authority.CA).read_bytes()
            self._note(
                cluster["id"],
                port=port,
                authority=base64.b64encode(certificate).decode(),
                ready=True,
            )
            return running
        self._fail(cluster["id"], failure)
        return None

    async def _keep(self, key: str, running: Plane) -> None:
        """Keep the nodes of a control plane what they should be, as long as it runs."""
        seen: tuple[int, set[str]] | None = None
        manifests: dict[str, Doc] = {}
        settled = False
        store, kubelet = self._sandbox.store, running.layout.kubelet
        while running.alive and (cluster := self._cluster(key)) is not None:
            wanted = nodes.wanted(cluster, time.time(), self._sandbox.delay)
            if seen != (store.changes, set(wanted)):
                seen, before = (store.changes, set(wanted)), manifests
                manifests = {
                    name: nodes.manifest(store, cluster, pool, node, kubelet)
                    for name, (pool, node) in wanted.items()
                }
                settled = settled and manifests == before
            if not settled:
                usable, settled = await running.sync(manifests)
                self._join(key, usable)
            await asyncio.sleep(_LOOK)

    def _cluster(self, key: str) -> Doc | None:
        """Return a cluster, unless it is gone or being deleted."""
        cluster = self._sandbox.store.get("cluster", key)
        return None if cluster is None or cluster["deleted"] is not None else cluster

    def _fail(self, key: str, why: str) -> None:
        """Write down that a cluster has no control plane, which is an error until a restart."""
        self._note(key, ready=False, failure=why)

    def _note(self, key: str, **values: object) -> None:
        """Write down what has come true of a cluster's control plane."""
        store = self._sandbox.store
        with store.transaction():
            if cluster := store.get("cluster", key):
                noted = {**cluster["kubernetes"], **values}
                store.put("cluster", {**cluster, "kubernetes": noted})

    def _join(self, key: str, names: set[str]) -> None:
        """Write down which nodes have joined; they do so once."""
        store = self._sandbox.store
        with store.transaction():
            cluster = store.get("cluster", key)
            pools = cluster["pools"] if cluster else ()
            new = [one for pool in pools for one in pool["nodes"] if one["name"] in names]
            new = [one for one in new if not one.get("joined")]
            for node in new:
                node["joined"] = True
            if cluster and new:
                store.put("cluster", cluster)


def _report(task: asyncio.Task[None]) -> BaseException | None:
    """Log what a task ended with, if that was an error, and return it."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _LOG.error("What looks after control planes has failed.", exc_info=error)
    return error


_CLOSED: Doc = {"control_plane_firewall": {"enabled": True, "allowed_addresses": []}}

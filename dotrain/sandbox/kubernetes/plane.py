"""One control plane: its programs, and its nodes kept what the store says."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import ssl
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx

from dotrain.sandbox.kubernetes import authority, guard, nodes, programs, system
from dotrain.sandbox.kubernetes.kubelet import places
from dotrain.sandbox.kubernetes.kubelet.api import Api
from dotrain.sandbox.kubernetes.kubelet.server import Server
from dotrain.sandbox.kubernetes.kubelet.watching import Kubelet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.programs import Layout

_LOG = logging.getLogger(__name__)
_START_SECONDS = 90
_CONFLICT = 409
# What may be otherwise in a moment: gone or changed meanwhile, or too busy.
_PASSING = (404, _CONFLICT, 429)
_NODES = "/api/v1/nodes"


class NotStarted(Exception):
    """The programs did not come up."""


class Plane:
    """A control plane that runs.

    Parameters
    ----------
    layout : Layout
        Where it is.
    process : asyncio.subprocess.Process
        Its guard.
    token : str
        The sandbox's own token.
    """

    def __init__(self, layout: Layout, process: asyncio.subprocess.Process, token: str) -> None:
        self.layout = layout
        self._process = process
        self._server: Server | None = None
        self._kubelet: asyncio.Task[None] | None = None
        # Nodes that the API does not take, by name.
        self._refused: dict[str, Doc] = {}
        self._client = httpx.AsyncClient(
            base_url=layout.url,
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=str(layout.directory / authority.CA)),
            timeout=30,
            # It is on this machine, whatever proxy the rest of the world is behind.
            trust_env=False,
        )

    @property
    def alive(self) -> bool:
        """Whether all its programs run."""
        return self._process.returncode is None

    async def sync(self, wanted: Mapping[str, Doc]) -> tuple[set[str], bool]:
        """Make, change and delete Nodes towards those in `wanted`.

        Parameters
        ----------
        wanted : mapping of str to Doc
            The Nodes that there should be, by name.

        Returns
        -------
        set of str
            Those that are as wanted, and can be used.
        bool
            Whether there is nothing left to do.
        """
        try:
            found = {one["metadata"]["name"]: one for one in await self._list(_NODES)}
        except httpx.HTTPError:
            # It may be ending; if not, it is asked again in a moment.
            return set(), False
        usable: set[str] = set()
        surplus = sorted(found.keys() - wanted.keys())
        for name in surplus:
            await self._change("DELETE", f"{_NODES}/{name}")
        self._refused = {
            name: one for name, one in self._refused.items() if wanted.get(name) == one
        }
        for name in sorted(wanted.keys() - self._refused.keys()):
            if name not in found:
                good = await self._change("POST", _NODES, wanted[name])
            elif status := nodes.moved(found[name], wanted[name]):
                good = await self._change("PATCH", f"{_NODES}/{name}/status", status)
            elif patch := nodes.change(found[name], wanted[name]):
                good = await self._change("PATCH", f"{_NODES}/{name}", patch)
            else:
                good = True
                if not _is_new(found[name]):
                    usable.add(name)
            if not good:
                self._refused[name] = wanted[name]
        return usable, not surplus and usable | self._refused.keys() == wanted.keys()

    async def furnish(self) -> None:
        """Make what runs in every cluster."""
        for path, manifest in system.manifests():
            answer = await self._client.post(path, json=manifest)
            if answer.status_code != _CONFLICT:
                answer.raise_for_status()

    async def run_pods(self, delay: Callable[[], float]) -> None:
        """Begin to run the Pods of jobs, where there is what gives Pods a node.

        Parameters
        ----------
        delay : callable
            Returns how many seconds a Pod stays whose node is gone.

        Raises
        ------
        OSError
            When somebody has the kubelet's port.
        """
        if not self.layout.whole:
            return
        directory = self.layout.directory
        kubelet = Kubelet(Api(self._client), self.layout.api, directory / places.PODS, delay)
        self._server = Server(kubelet, directory, self.layout.kwok)
        await self._server.open(self.layout.kubelet)
        self._kubelet = asyncio.create_task(kubelet.run())
        self._kubelet.add_done_callback(_report)

    async def stop(self) -> None:
        """End the Pods of jobs, and its programs."""
        if self._server is not None:
            await self._server.close()
        if self._kubelet is not None:
            self._kubelet.cancel()
            await asyncio.wait({self._kubelet})
        await self._client.aclose()
        await _end(self._process)

    async def _list(self, path: str) -> list[Doc]:
        answer = (await self._client.get(path)).raise_for_status()
        items: list[Doc] = answer.json()["items"]
        return items

    async def _change(self, method: str, path: str, body: Doc | None = None) -> bool:
        """Ask for a change; return whether it may come true, and log it when it is refused."""
        headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else None
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError:
            return True
        refused = answer.is_client_error and answer.status_code not in _PASSING
        if refused:
            _LOG.warning("%s %s is refused: %s", method, path, answer.text)
        return not refused


def _is_new(node: Doc) -> bool:
    """Return whether a Node is too new for Pods: the controllers have not looked at it yet."""
    taints = node["spec"].get("taints") or ()
    return any(taint["key"] == "node.kubernetes.io/not-ready" for taint in taints)


async def start(layout: Layout, delay: Callable[[], float]) -> Plane:
    """Start a control plane and return it once its API is ready.

    Parameters
    ----------
    layout : Layout
        Where it is.
    delay : callable
        Returns how many seconds what takes its time takes in this sandbox.

    Raises
    ------
    NotStarted
        When it does not come up; it says where its programs tell why.
    """
    token = programs.prepare(layout)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", guard.__name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # An interrupt at the terminal is for the sandbox.
        start_new_session=True,
    )
    asked = {
        "directory": str(layout.directory),
        "first": programs.first(layout),
        "then": programs.then(layout),
        "url": layout.url,
        "ca": str(layout.directory / authority.CA),
        "token": token,
    }
    said = b""
    try:
        if process.stdin is not None and process.stdout is not None:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            said = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
    except (TimeoutError, asyncio.TimeoutError):
        pass
    except BaseException:
        await _end(process)
        raise
    if said != guard.READY:
        await _end(process)
        raise NotStarted(f"A control plane did not start; see the logs in {layout.directory}.")
    plane = Plane(layout, process, token)
    try:
        await plane.run_pods(delay)
        await plane.furnish()
    except BaseException as error:
        await plane.stop()
        if isinstance(error, httpx.HTTPError):
            raise NotStarted(f"A control plane does not do what it is told: {error}.") from error
        raise
    return plane


def _report(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _LOG.error("What runs the Pods of jobs has failed.", exc_info=error)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        # The guard ends its programs, and itself, when this pipe does.
        process.stdin.close()
    await process.wait()
    # Killed, it could end nothing; it led a group, and its programs are still in that.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

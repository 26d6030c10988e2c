"""The life of one Pod, from when it has a node until it is deleted."""

from __future__ import annotations

import asyncio
import logging
import posixpath
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx

from dotrain.sandbox.kubernetes.kubelet import containers, places, statuses, supervise, volumes
from dotrain.sandbox.kubernetes.kubelet.environment import Environment, Lacking
from dotrain.sandbox.kubernetes.kubelet.local import Local
from dotrain.sandbox.kubernetes.kubelet.statuses import Known, Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.kubelet.api import Api

_LOG = logging.getLogger(__name__)
# An image with this in its name is in no registry.
_NO_IMAGE = "does-not-exist"
_PAUSE = 1.0
_ENDED = ("Succeeded", "Failed")
_NOT_STARTED = 128
_T = TypeVar("_T")


class _Stopped(Exception):
    """The Pod is being deleted."""


class Running:
    """A Pod whose containers are processes of this machine.

    Parameters
    ----------
    api : Api
        Where its status is written.
    pod : Doc
        The Pod as it was found.
    directory : pathlib.Path
        Its own directory.
    addresses : tuple of str
        Its IP address, and that of its node.
    services : mapping of str to str
        What the environment of each container says of services.
    """

    def __init__(
        self,
        api: Api,
        pod: Doc,
        directory: Path,
        addresses: tuple[str, str],
        services: Mapping[str, str],
    ) -> None:
        self.pod = pod
        self.over = False
        self._api = api
        self._directory = directory
        self._services = services
        self._status = _status(pod, addresses)
        self._written: Doc = pod["status"]
        self._writing = asyncio.Lock()
        self._volumes: dict[str, Path] = {}
        self._processes: dict[str, containers.Container] = {}
        self._stopping = asyncio.Event()
        self._deadline = 0.0

    @property
    def ended(self) -> bool:
        """Whether it has succeeded or failed."""
        return self._written.get("phase") in _ENDED

    def stop(self, seconds: float) -> None:
        """End it, as its deletion asks for, within so many seconds from now."""
        deadline = time.monotonic() + seconds
        self._deadline = min(self._deadline, deadline) if self._stopping.is_set() else deadline
        self._stopping.set()

    async def live(self) -> None:
        """Run it, keep its status what is so, and let it go once it is deleted.

        Cancelled, it kills what runs and says nothing: so goes a node.
        """
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            await (work if work.done() else self._end(work))
            await stop
            await self._api.remove(self.pod)
        finally:
            stop.cancel()
            work.cancel()
            await asyncio.gather(stop, work, return_exceptions=True)
            await self._kill()
            self.over = True
            # Nothing that runs can read it any more.
            await asyncio.to_thread(places.release, self._directory)

    async def _work(self) -> None:
        """Run its containers until all have ended."""
        # A sandbox that was killed has left it.
        await asyncio.to_thread(places.release, self._directory)
        if self.ended:
            return
        try:
            if any(one.started is not None for one in self._containers):
                # It ran when this sandbox was ended.
                self._lose()
            else:
                with suppress(_Stopped):
                    await self._make_volumes()
                    await self._run_all()
        # A Pod that nobody looks after would never end, nor go.
        except Exception as error:  # noqa: BLE001
            _LOG.error("A Pod could not be run.", exc_info=error)
            why = f"The sandbox could not run it ({type(error).__name__}): see the sandbox's log."
            self._status.failure = why
            await self._kill()
            self._lose()
        await self._report(over=True)

    async def _run_all(self) -> None:
        """Run the init containers one after the other, and then the others."""
        policy = self._status.policy
        for one in self._status.init:
            await self._keep(one, "Never" if policy == "Never" else "OnFailure")
            if not one.succeeded or self._stopping.is_set():
                return
        for one in self._status.main:
            one.waiting = statuses.CREATING
        tasks = [asyncio.create_task(self._keep(one, policy)) for one in self._status.main]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _kill(self) -> None:
        """End all that runs at once."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            await process.wait()

    async def _end(self, work: asyncio.Task[None]) -> None:
        """Ask what runs to end, and kill it when it does not."""
        for name, process in self._processes.items():
            self._api.tell(self.pod, "Normal", "Killing", f"Stopping container {name}")
            process.terminate()
        while not work.done() and (left := self._deadline - time.monotonic()) > 0:
            # The deadline may have come nearer meanwhile.
            await asyncio.wait({work}, timeout=min(left, _PAUSE))
        for process in self._processes.values():
            process.kill()
        await work

    async def _pause(self, seconds: float | None) -> None:
        """Wait so long, but not longer than the Pod is wanted."""
        with suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        if self._stopping.is_set():
            raise _Stopped

    def _lose(self) -> None:
        """Note that nothing of it runs any more."""
        for one in self._containers:
            if one.runs:
                one.lose(time.time())

    async def _make_volumes(self) -> None:
        async def make() -> dict[str, Path]:
            for needed in (self._directory, places.files(self._directory)):
                places.private(needed)
            return await volumes.make(self._api, self.pod, self._directory, self._addresses())

        self._volumes = await self._patiently(
            make,
            lambda why: self._api.tell(self.pod, "Warning", "FailedMount", why),
        )
        self._status.prepared = True

    async def _patiently(
        self, attempt: Callable[[], Awaitable[_T]], complain: Callable[[str], None]
    ) -> _T:
        """Return what an attempt returns once nothing that the Pod asks for is lacking."""
        said = ""
        while True:
            try:
                return await attempt()
            except (Lacking, httpx.HTTPError, OSError) as error:
                why = str(error)
            if why != said:
                said = why
                complain(why)
                await self._report()
            await self._pause(_PAUSE)

    async def _keep(self, one: Known, policy: str) -> None:
        """Run a container, and again as its Pod's policy says."""
        with suppress(_Stopped):
            while True:
                await self._run(one)
                if not one.again(policy):
                    return
                await self._pause(_PAUSE)
                one.restart()
                name = one.spec["name"]
                with suppress(FileNotFoundError):
                    self.log(name).replace(self.log(name, previous=True))

    async def _run(self, one: Known) -> None:
        """Run a container once."""
        name = one.spec["name"]
        if _NO_IMAGE in one.spec["image"]:
            await self._pull(one)
        command, known, where = await self._asked(one)
        log = self.log(name)
        try:
            for needed in (log.parent, where):
                needed.mkdir(mode=0o700, parents=True, exist_ok=True)
            process = await containers.start(command, known, where, log)
        except (supervise.NotStarted, OSError) as error:
            one.started = one.finished = time.time()
            one.code, one.reason, one.message = _NOT_STARTED, "StartError", str(error)
            self._api.tell(self.pod, "Warning", "Failed", f"Error: {error}")
            await self._report()
            return
        self._processes[name] = process
        one.started, one.pid, one.message = process.started, process.pid, ""
        if self._stopping.is_set():
            # It came too late to be asked with the others.
            process.kill()
        self._api.tell(self.pod, "Normal", "Started", f"Started container {name}")
        await self._report()
        ended = await process.wait()
        del self._processes[name]
        one.code, one.finished = ended.code, ended.at
        await self._report()

    async def _pull(self, one: Known) -> None:
        """Say, as a kubelet does, that there is no such image, until the Pod is deleted."""
        image = one.spec["image"]
        one.waiting = "ErrImagePull"
        one.message = f'failed to pull image "{image}": failed to resolve reference: not found'
        self._api.tell(self.pod, "Warning", "Failed", f'Failed to pull image "{image}": not found')
        self._api.tell(self.pod, "Warning", "Failed", "Error: ErrImagePull")
        await self._report()
        await self._pause(_PAUSE)
        one.waiting, one.message = "ImagePullBackOff", f'Back-off pulling image "{image}"'
        self._api.tell(self.pod, "Normal", "BackOff", one.message)
        self._api.tell(self.pod, "Warning", "Failed", "Error: ImagePullBackOff")
        await self._report()
        await self._pause(None)

    async def _asked(self, one: Known) -> tuple[list[str], dict[str, str], Path]:
        """Return the command, the environment and the working directory of a container."""
        spec, addresses = one.spec, self._addresses()

        async def ask() -> tuple[Environment, Local]:
            found = Environment(self._services)
            await found.read(self._api, self.pod, spec, addresses)
            mounts = volumes.mounts(spec, self._volumes)
            return found, Local(self.pod, mounts, self._status.address)

        def complain(why: str) -> None:
            one.waiting, one.message = "CreateContainerConfigError", why
            self._api.tell(self.pod, "Warning", "Failed", f"Error: {why}")

        known, local = await self._patiently(ask, complain)
        # Alone, arguments are for the image's own program, which is not here.
        words = [*spec["command"], *(spec.get("args") or ())] if spec.get("command") else []
        there = posixpath.normpath(f"/{(spec.get('workingDir') or '').lstrip('/')}")
        here = local(there)
        # One that is no volume is the image's, which is not here.
        root = places.files(self._directory) / "root"
        where = root / there.strip("/") if here == there else Path(here)
        return [known.word(word, local) for word in words], known.values(local), where

    def log(self, container: str, *, previous: bool = False) -> Path:
        """Return where the log of a container is, if it has started; or that of its last run."""
        return self._directory / "logs" / f"{container}{'.previous' if previous else ''}.log"

    def known(self, container: str) -> Known | None:
        """Return what is known of a container, None if there is none of that name."""
        return next((one for one in self._containers if one.spec["name"] == container), None)

    @property
    def _containers(self) -> list[Known]:
        return [*self._status.init, *self._status.main]

    def _addresses(self) -> Doc:
        own, host = self._status.address, self._status.host
        return {"podIP": own, "podIPs": own, "hostIP": host, "hostIPs": host}

    async def _report(self, *, over: bool = False) -> None:
        """Write its status, one after the other."""
        async with self._writing:
            status = self._status.manifest(time.time(), self._written, over=over)
            if status != self._written:
                self._written = status
                await self._api.report(self.pod, status)


def _status(pod: Doc, addresses: tuple[str, str]) -> Status:
    """Return what is known of a Pod when it is found."""
    spec, status = pod["spec"], pod["status"]
    lists = ("initContainerStatuses", "containerStatuses")
    said = {one["name"]: one for key in lists for one in status.get(key) or ()}
    waits = statuses.INITIALIZING if spec.get("initContainers") else statuses.CREATING

    def known(kind: str, waits: str) -> list[Known]:
        every = spec.get(kind) or ()
        return [Known.found(one, waits, said.get(one["name"], {})) for one in every]

    return Status(
        known("initContainers", statuses.CREATING),
        known("containers", waits),
        statuses.moment(status.get("startTime")) or time.time(),
        *addresses,
        policy=spec.get("restartPolicy", "Always"),
        prepared=bool(status.get("podIP")),
    )

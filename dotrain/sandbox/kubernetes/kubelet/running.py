"""The life of one Pod, from when it has a node until it is deleted."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx

from dotrain.sandbox.kubernetes.kubelet import (
    containers,
    environment,
    statuses,
    supervise,
    volumes,
)
from dotrain.sandbox.kubernetes.kubelet.environment import Lacking
from dotrain.sandbox.kubernetes.kubelet.local import Local, expand
from dotrain.sandbox.kubernetes.kubelet.statuses import Known, Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.kubelet.api import Api

# An image with this in its name is in no registry.
_NO_IMAGE = "does-not-exist"
_PAUSE = 1.0
_ENDED = ("Succeeded", "Failed")
_NOT_STARTED = 128
_KILLED = 137
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
    always : mapping of str to str
        What the environment of each container has.
    """

    def __init__(
        self,
        api: Api,
        pod: Doc,
        directory: Path,
        addresses: tuple[str, str],
        always: Mapping[str, str],
    ) -> None:
        self.pod = pod
        self.over = False
        self._api = api
        self._directory = directory
        self._always = always
        spec = pod["spec"]
        init = [Known(one) for one in spec.get("initContainers") or ()]
        waits = statuses.INITIALIZING if init else statuses.CREATING
        main = [Known(one, waits) for one in spec["containers"]]
        self._status = Status(init, main, time.time(), *addresses)
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
            for process in self._processes.values():
                process.kill()
            for process in self._processes.values():
                await process.wait()
            self.over = True

    async def _work(self) -> None:
        """Run its containers until all have ended."""
        if self.ended:
            return
        if self.pod["status"].get("startTime"):
            await self._lose()
            return
        with suppress(_Stopped):
            await self._make_volumes()
            await self._run_all()
        await self._report(over=True)

    async def _run_all(self) -> None:
        """Run the init containers one after the other, and then the others."""
        policy = self.pod["spec"].get("restartPolicy", "Always")
        for one in self._status.init:
            await self._keep(one, "Never" if policy == "Never" else "OnFailure")
            if not one.succeeded or self._stopping.is_set():
                return
        for one in self._status.main:
            one.waiting = statuses.CREATING
        await asyncio.gather(*(self._keep(one, policy) for one in self._status.main))

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

    async def _lose(self) -> None:
        """Say that it does not run any more: it did when this sandbox was ended."""
        now = time.time()
        for one in (*self._status.init, *self._status.main):
            one.started, one.finished, one.code = now, now, _KILLED
            one.reason = "ContainerStatusUnknown"
            one.message = "The container could not be located when the pod was terminated"
        await self._report(over=True)

    async def _make_volumes(self) -> None:
        directory, addresses = self._directory / "volumes", self._addresses()
        self._volumes = await self._patiently(
            lambda: volumes.make(self._api, self.pod, directory, addresses),
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
            except (Lacking, httpx.HTTPError) as error:
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
                again = policy == "Always" or (policy == "OnFailure" and one.failed)
                if not again:
                    return
                await self._pause(_PAUSE)
                one.before, one.restarts = one.state(), one.restarts + 1
                one.started = one.finished = one.code = None
                self.log(one.spec["name"]).unlink(missing_ok=True)

    async def _run(self, one: Known) -> None:
        """Run a container once."""
        name = one.spec["name"]
        if _NO_IMAGE in one.spec["image"]:
            await self._pull(one)
        command, known, where = await self._asked(one)
        log = self.log(name)
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            process = await containers.start(command, known, where, log)
        except supervise.NotStarted as error:
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
        spec, addresses, always = one.spec, self._addresses(), self._always

        def complain(why: str) -> None:
            one.waiting, one.message = "CreateContainerConfigError", why
            self._api.tell(self.pod, "Warning", "Failed", f"Error: {why}")

        known = await self._patiently(
            lambda: environment.of_container(self._api, self.pod, spec, always, addresses),
            complain,
        )
        local = self._local(spec)
        # Alone, arguments are for the image's own program, which is not here.
        words = [*spec["command"], *(spec.get("args") or ())] if spec.get("command") else []
        own = {
            name: value if always.get(name) == value else local(value)
            for name, value in known.items()
        }
        where = self._directory / "root"
        if spec.get("workingDir"):
            there = spec["workingDir"]
            here = local(there)
            # One that is no volume is the image's, which is not here.
            where = where / there.strip("/") if here == there else Path(here)
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [local(expand(word, known)) for word in words], own, where

    def _local(self, spec: Doc) -> Local:
        mounts = {
            one["mountPath"]: str(self._volumes[one["name"]] / one.get("subPath", ""))
            for one in spec.get("volumeMounts") or ()
        }
        return Local(self.pod, mounts, self._status.address)

    def log(self, container: str) -> Path:
        """Return where the log of a container is, if it has started."""
        return self._directory / "logs" / f"{container}.log"

    def known(self, container: str) -> Known | None:
        """Return what is known of a container, None if there is none of that name."""
        every = (*self._status.init, *self._status.main)
        return next((one for one in every if one.spec["name"] == container), None)

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

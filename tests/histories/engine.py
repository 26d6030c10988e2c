"""Pulumi's part in this process: dotrain's own program and the stand-in provider, and no CLI.

The program is `dotrain.program`'s, run by Pulumi's SDK. What it registers is
checked, compared, made, changed and deleted by the stand-in provider's service,
as the engine would have it do, and the state is a checkpoint that `dotrain.engine.state`
reads. One thing is done at a time, so that a history is the same each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime as dt
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, NoReturn

from google.protobuf import empty_pb2
from pulumi.runtime import mocks, run_in_stack, settings
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import resource_pb2

from dotrain.engine import progress as shown
from dotrain.engine import settled, state, workspace
from dotrain.engine.preview import Planned
from dotrain.engine.progress import Progress
from dotrain.errors import OperationFailed
from dotrain.sandbox.provider import service, wire
from dotrain.sandbox.provider.api import Api
from dotrain.sandbox.provider.settings import Settings
from dotrain.target import Target

_Entry = dict[str, Any]
_PATIENCE = 0.05
_PROTECTED = "it has the `protect` flag"


class Failed(Exception):
    """What the provider refused, in its words."""


class _Context:
    """What a call of the provider's service ends with when it fails."""

    def abort(self, _code: object, message: str) -> NoReturn:
        raise Failed(message)


class _Provider:
    """The provider's service: what it has not foreseen fails, as over gRPC."""

    def __init__(self) -> None:
        self.service = service.Service()

    def __call__(self, verb: str, **asked: Any) -> Any:
        """Have it do something, such as ``"Create"``."""
        try:
            return getattr(self.service, verb)(getattr(pb, f"{verb}Request")(**asked), _Context())
        except Failed:
            raise
        except Exception as error:
            raise Failed(f"{type(error).__name__}: {error}") from error


class _Inline(ThreadPoolExecutor):
    """Does everything at once, in the thread that asks for it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            done.set_exception(error)
        return done


class Engine:
    """A stack; what of `dotrain.engine.driver.Driver` an operation asks for.

    Parameters
    ----------
    target : Target
        The account.
    stack : str
        The stack's name.
    """

    def __init__(self, target: Target, stack: str) -> None:
        self._backend = workspace.backend(target)
        self._directory = workspace.directory(target, stack)
        self._stack = stack
        self._provider = _Provider()
        self._provider.service._client = Api(
            Settings(
                target.url,
                target.token,
                poll_seconds=0.0,
                database_poll_seconds=0.0,
                retry_wait_min=0.0,
            )
        )

    def read(self) -> state.State | None:
        """Return what the stack remembers."""
        return state.read(self._backend, self._stack)

    def interrupt(self) -> None:
        """Nobody interrupts a history."""

    def up(self, program: Callable[[], None], progress: Progress, *, refresh: bool = False) -> None:
        """Make the stack what `program` says."""
        known, _ = self._load()
        self._save(known)
        with self._told(progress):
            if refresh:
                known = self._refreshed(known)
                self._save(known)
            run = _Run(self._provider, self._stack, known, self._save)
            run.program(program)
            run.delete_the_rest()

    def preview(
        self, program: Callable[[], None], progress: Progress, *, unprotected: bool = False
    ) -> list[Planned]:
        """Return what `up` would do."""
        known, _ = self._load()
        if unprotected:
            known = {urn: {**one, "protect": False} for urn, one in known.items()}
        run = _Run(self._provider, self._stack, known, lambda *_: None, preview=True)
        with self._told(progress):
            run.program(program)
            run.delete_the_rest()
        return run.steps

    def unprotect(self, _: Progress) -> None:
        """Let the next `up` delete what the program protects."""
        known, outputs = self._load()
        self._save({urn: {**one, "protect": False} for urn, one in known.items()}, outputs)

    def destroy(self, progress: Progress, *, only: str | None = None) -> None:
        """Delete everything, or `only` that with what depends on it."""
        self.unprotect(progress)
        known, _ = self._load()
        goes = set(known)
        if only is not None:
            goes = {urn for urn in known if urn.endswith(f"::{only}")}
            # What was made later depends on what was made sooner.
            for urn, one in known.items():
                if goes & set(one.get("dependencies", ())):
                    goes.add(urn)
        run = _Run(self._provider, self._stack, known, self._save)
        with self._told(progress):
            run.delete(goes)
        if only is None:
            self._backend.checkpoint(self._stack).unlink(missing_ok=True)

    def forget_pending(self, _: Progress) -> None:
        """Nothing is ever pending here."""

    def mark_settled(self) -> None:
        """Note that the stack is as its spec says."""
        settled.mark(self._directory, self._backend, self._stack)

    def is_settled(self) -> bool:
        """Return whether the last operation has ended well."""
        return settled.holds(self._directory, self._backend, self._stack)

    def _refreshed(self, known: dict[str, _Entry]) -> dict[str, _Entry]:
        found = {}
        for urn, one in known.items():
            if not one["custom"]:
                found[urn] = one
                continue
            answer = self._provider(
                "Read",
                id=one["id"],
                urn=urn,
                properties=wire.dump(one["outputs"]),
                inputs=wire.dump(one["inputs"]),
            )
            if answer.id:
                read = {"inputs": wire.load(answer.inputs), "outputs": wire.load(answer.properties)}
                found[urn] = {**one, **read}
        return found

    @contextlib.contextmanager
    def _told(self, progress: Progress) -> Iterator[None]:
        try:
            yield
        except Failed as error:
            raise OperationFailed(
                f"{progress.title} stopped half-way.",
                str(error),
                "What was made until then is in the state: run the same call again.",
                failures=(str(error),),
            ) from error

    def _load(self) -> tuple[dict[str, _Entry], dict[str, Any]]:
        try:
            text = self._backend.checkpoint(self._stack).read_text("utf-8")
        except FileNotFoundError:
            return {}, {}
        kept = json.loads(text)["checkpoint"]["latest"]["resources"]
        outputs = next((one["outputs"] for one in kept if one["type"] == _STACK), {})
        return {one["urn"]: one for one in kept if one["type"] != _STACK}, outputs

    def _save(self, known: dict[str, _Entry], outputs: dict[str, Any] | None = None) -> None:
        path = self._backend.checkpoint(self._stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        root = {"urn": _urn(self._stack, "", _STACK, self._stack), "type": _STACK}
        if outputs is None:
            outputs = self._load()[1]
        latest = {
            "manifest": {"time": dt.datetime.now(dt.timezone.utc).isoformat()},
            "resources": [{**root, "custom": False, "outputs": outputs}, *known.values()],
        }
        path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}), "utf-8")


_STACK = "pulumi:pulumi:Stack"


def _urn(stack: str, parent: str, kind: str, name: str) -> str:
    if parent:
        kind = f"{parent.split('::')[2]}${kind}"
    return f"urn:pulumi:{stack}::{workspace.PROJECT}::{kind}::{name}"


class _Run(mocks.MockMonitor):
    """One run of a program: what it registers is brought about at once."""

    def __init__(
        self,
        provider: _Provider,
        stack: str,
        known: dict[str, _Entry],
        save: Callable[..., None],
        *,
        preview: bool = False,
    ) -> None:
        super().__init__(None)
        self._provider, self._stack, self._known = provider, stack, dict(known)
        self._save, self._preview = save, preview
        self._terms = {"preview": preview, "timeout": _PATIENCE}
        self._registered: dict[str, bool] = {}
        self._failure: Failed | None = None
        self._outputs: dict[str, Any] = {}
        self.steps: list[Planned] = []

    def program(self, program: Callable[[], None]) -> None:
        """Run a program to its end; raise Failed for the first that was refused."""
        contextvars.copy_context().run(self._program, program)
        self._save(self._known, None if self._failure else self._outputs)
        if self._failure:
            raise self._failure

    def _program(self, program: Callable[[], None]) -> None:
        features = self.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures
        settings.configure(
            mocks.MockSettings(
                monitor=self,
                monitor_features=set(features),
                engine=mocks.MockEngine(None),
                project=workspace.PROJECT,
                stack=self._stack,
                dry_run=self._preview,
                organization="organization",
                callbacks=None,
            )
        )
        # What a program that failed has left undone is nothing to wait for.
        settings.SETTINGS.outputs.clear()
        loop = asyncio.new_event_loop()
        loop.set_default_executor(_Inline())
        loop.set_exception_handler(lambda *_: None)
        try:
            loop.run_until_complete(run_in_stack(program))
        except Exception:
            if self._failure is None:
                raise
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    loop.run_until_complete(task)
            loop.close()

    def RegisterResource(self, request: Any) -> Any:
        """Bring about what the program registers."""
        urn = _urn(self._stack, request.parent, request.type, request.name)
        if request.type == _STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if self._failure:
            raise self._failure
        try:
            entry = self._brought_about(urn, request)
        except Failed as error:
            self._failure = error
            raise
        self._registered[urn] = True
        self._known[urn] = entry
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=entry["id"], object=wire.dump(entry["outputs"])
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep what the stack puts out."""
        if f"::{_STACK}::" in request.urn:
            self._outputs = wire.load(request.outputs)
        return empty_pb2.Empty()

    def _brought_about(self, urn: str, request: Any) -> _Entry:
        old, inputs = self._known.get(urn), wire.load(request.object)
        entry = {
            "urn": urn,
            "type": request.type,
            "custom": request.custom,
            "protect": request.protect,
            "retainOnDelete": request.retainOnDelete,
            "dependencies": list(request.dependencies),
            "id": old["id"] if old else "",
        }
        if not request.custom:
            return {**entry, "inputs": inputs, "outputs": inputs}
        if request.importId and entry["id"] != request.importId:
            return {**entry, **self._adopted(urn, request)}
        if old:
            inputs = _ignoring(inputs, old["inputs"], request.ignoreChanges)
        inputs = self._checked(urn, old, inputs)
        if old is None:
            return {**entry, **self._created(urn, request, inputs)}
        return {**entry, **self._changed(urn, request, old, inputs)}

    def _checked(self, urn: str, old: _Entry | None, inputs: wire.Props) -> wire.Props:
        olds = wire.dump(old["inputs"] if old else {})
        answer = self._provider("Check", urn=urn, olds=olds, news=wire.dump(inputs))
        if answer.failures:
            raise Failed("; ".join(one.reason for one in answer.failures))
        return wire.load(answer.inputs)

    def _adopted(self, urn: str, request: Any) -> _Entry:
        self._step("adopt", request, urn)
        answer = self._provider("Read", id=request.importId, urn=urn)
        if not answer.id:
            raise Failed(f"{request.name}: {request.importId} is not there to be imported")
        inputs, outputs = wire.load(answer.inputs), wire.load(answer.properties)
        return {"id": answer.id, "inputs": inputs, "outputs": outputs}

    def _created(self, urn: str, request: Any, inputs: wire.Props) -> _Entry:
        self._step("create", request, urn)
        properties = wire.dump(inputs)
        answer = self._provider("Create", urn=urn, properties=properties, **self._terms)
        outputs = wire.load(answer.properties)
        return {"id": answer.id, "inputs": inputs, "outputs": outputs}

    def _changed(self, urn: str, request: Any, old: _Entry, inputs: wire.Props) -> _Entry:
        olds, news = wire.dump(old["outputs"]), wire.dump(inputs)
        old_inputs = wire.dump(old["inputs"])
        states = {"urn": urn, "id": old["id"], "olds": olds, "news": news}
        differs = self._provider("Diff", **states, old_inputs=old_inputs)
        if differs.replaces:
            if old["protect"]:
                raise Failed(f"{request.name} would be replaced: {_PROTECTED}")
            assert self._preview, "no history replaces a cluster"
            self._step("replace", request, urn)
        elif differs.diffs:
            self._step("update", request, urn)
            outputs = wire.load(self._provider("Update", **states, **self._terms).properties)
            return {"inputs": inputs, "outputs": outputs}
        return {"inputs": inputs, "outputs": old["outputs"]}

    def delete_the_rest(self) -> None:
        """Delete what the program has not registered."""
        self.delete(self._known.keys() - self._registered.keys())

    def delete(self, goes: Any) -> None:
        """Delete some of what is known, the newest first; raise Failed for what is refused."""
        failures = []
        for urn, one in reversed(list(self._known.items())):
            if urn not in goes:
                continue
            kept = one["custom"] and one["protect"]
            try:
                if kept:
                    raise Failed(f"{urn} would be deleted: {_PROTECTED}")
                if one["custom"] and not one["retainOnDelete"]:
                    self._step("delete", SimpleNamespace(type=one["type"]), urn)
                    self._deleted(urn, one)
            except Failed as error:
                failures.append(str(error))
                continue
            del self._known[urn]
        self._save(self._known)
        if failures:
            raise Failed("; ".join(failures))

    def _deleted(self, urn: str, one: _Entry) -> None:
        if not self._preview:
            properties = wire.dump(one["outputs"])
            self._provider(
                "Delete", id=one["id"], urn=urn, properties=properties, timeout=_PATIENCE
            )

    def _step(self, verb: str, metadata: Any, urn: str) -> None:
        self.steps.append(Planned(verb, shown.kind_of(metadata), urn.rpartition("::")[2]))


def _ignoring(inputs: wire.Props, before: wire.Props, ignored: Any) -> wire.Props:
    """Return the inputs with those as they were before that are not to change."""
    if "*" in ignored:
        return dict(before)
    kept = {name: before[name] for name in ignored if name in before}
    return {**{name: one for name, one in inputs.items() if name not in ignored}, **kept}

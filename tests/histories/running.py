"""One run of dotrain's program in this process: what it registers the provider brings about."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, NoReturn

from google.protobuf import empty_pb2
from pulumi.runtime import mocks, run_in_stack, settings
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import resource_pb2

from dotrain.engine import progress as shown
from dotrain.engine import workspace
from dotrain.engine.preview import Planned
from dotrain.sandbox.provider import service, wire

Entry = dict[str, Any]
STACK = "pulumi:pulumi:Stack"
_PATIENCE = 0.05
_PROTECTED = "it has the `protect` flag"


class Failed(Exception):
    """What the provider refused, in its words."""


class _Context:
    """What a call of the provider's service ends with when it fails."""

    def abort(self, _code: object, message: str) -> NoReturn:
        raise Failed(message)


class Provider:
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


def urn_of(stack: str, parent: str, kind: str, name: str) -> str:
    if parent:
        kind = f"{parent.split('::')[2]}${kind}"
    return f"urn:pulumi:{stack}::{workspace.PROJECT}::{kind}::{name}"


class Run(mocks.MockMonitor):
    """One run of a program: what it registers is brought about at once."""

    def __init__(
        self,
        provider: Provider,
        stack: str,
        known: dict[str, Entry],
        save: Callable[..., None],
        *,
        preview: bool = False,
    ) -> None:
        super().__init__(None)
        self._provider, self._stack, self._known = provider, stack, dict(known)
        self._save, self._preview = save, preview
        self._terms = {"preview": preview, "timeout": _PATIENCE}
        self._registered: set[str] = set()
        self._anew: set[str] = set()
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

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the monitor's own names
        """Bring about what the program registers."""
        urn = urn_of(self._stack, request.parent, request.type, request.name)
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if self._failure:
            raise self._failure
        try:
            entry = self._brought_about(urn, request)
        except Failed as error:
            self._failure = error
            raise
        self._registered.add(urn)
        self._known[urn] = entry
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=entry["id"], object=wire.dump(entry["outputs"])
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep what the stack puts out."""
        if f"::{STACK}::" in request.urn:
            self._outputs = wire.load(request.outputs)
        return empty_pb2.Empty()

    def _brought_about(self, urn: str, request: Any) -> Entry:
        old, inputs = self._known.get(urn), wire.load(request.object)
        entry = {
            "urn": urn,
            "type": request.type,
            "custom": request.custom,
            "protect": request.protect,
            "retainOnDelete": request.retainOnDelete,
            "dependencies": list(request.dependencies),
            "propertyDependencies": {
                key: list(one.urns) for key, one in request.propertyDependencies.items()
            },
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

    def _checked(self, urn: str, old: Entry | None, inputs: wire.Props) -> wire.Props:
        olds = wire.dump(old["inputs"] if old else {})
        answer = self._provider("Check", urn=urn, olds=olds, news=wire.dump(inputs))
        if answer.failures:
            raise Failed("; ".join(one.reason for one in answer.failures))
        return wire.load(answer.inputs)

    def _adopted(self, urn: str, request: Any) -> Entry:
        self._step("adopt", request, urn)
        answer = self._provider("Read", id=request.importId, urn=urn)
        if not answer.id:
            raise Failed(f"{request.name}: {request.importId} is not there to be imported")
        inputs, outputs = wire.load(answer.inputs), wire.load(answer.properties)
        return {"id": answer.id, "inputs": inputs, "outputs": outputs}

    def _created(self, urn: str, request: Any, inputs: wire.Props) -> Entry:
        self._step("replace" if urn in self._anew else "create", request, urn)
        properties = wire.dump(inputs)
        answer = self._provider("Create", urn=urn, properties=properties, **self._terms)
        outputs = wire.load(answer.properties)
        return {"id": answer.id, "inputs": inputs, "outputs": outputs}

    def _changed(self, urn: str, request: Any, old: Entry, inputs: wire.Props) -> Entry:
        olds, news = wire.dump(old["outputs"]), wire.dump(inputs)
        old_inputs = wire.dump(old["inputs"])
        states = {"urn": urn, "id": old["id"], "olds": olds, "news": news}
        differs = self._provider("Diff", **states, old_inputs=old_inputs)
        if differs.replaces:
            assert differs.deleteBeforeReplace, f"two of {urn} would be there at once"
            self._make_room(urn)
            return self._created(urn, request, inputs)
        if differs.diffs:
            self._step("update", request, urn)
            outputs = wire.load(self._provider("Update", **states, **self._terms).properties)
            return {"inputs": inputs, "outputs": outputs}
        return {"inputs": inputs, "outputs": old["outputs"]}

    def _make_room(self, urn: str) -> None:
        """Delete what is to be made anew, and before it what cannot stay without it."""
        falls = self._falling_with(urn)
        for one in falls:
            if self._known[one]["protect"]:
                raise Failed(f"{one} would be replaced: {_PROTECTED}")
        self._anew |= set(falls)
        for one in reversed(falls):
            if not self._known[one]["retainOnDelete"]:
                self._deleted(one, self._known[one])
            del self._known[one]
            self._save(self._known)

    def _falling_with(self, urn: str) -> list[str]:
        """Return what falls when one falls: it, and what its going would replace, oldest first."""
        falls = [urn]
        for one, entry in self._known.items():
            new = {
                key: wire.UNKNOWN if set(falls) & set(urns) else entry["inputs"].get(key)
                for key, urns in entry.get("propertyDependencies", {}).items()
            }
            if entry["custom"] and one != urn and wire.UNKNOWN in new.values():
                differs = self._provider(
                    "Diff",
                    urn=one,
                    id=entry["id"],
                    olds=wire.dump(entry["outputs"]),
                    old_inputs=wire.dump(entry["inputs"]),
                    news=wire.dump({**entry["inputs"], **new}),
                )
                if differs.replaces:
                    falls.append(one)
        return falls

    def delete_the_rest(self) -> None:
        """Delete what the program has not registered."""
        self.delete(self._known.keys() - self._registered)

    def delete(self, goes: Any) -> None:
        """Delete some of what is known, the newest first; raise Failed for what is refused."""
        failures = []
        for urn, one in reversed(list(self._known.items())):
            if urn not in goes:
                continue
            if one["custom"] and one["protect"]:
                failures.append(f"{urn} would be deleted: {_PROTECTED}")
                continue
            try:
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

    def _deleted(self, urn: str, one: Entry) -> None:
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

"""Pulumi's part in this process: dotrain's own program and the stand-in provider, and no CLI.

The program is `dotrain.program`'s, run by Pulumi's SDK. What it registers is
checked, compared, made, changed and deleted by the stand-in provider's service,
as the engine would have it do, and the state is a checkpoint that `dotrain.engine.state`
reads. One thing is done at a time, so that a history is the same each time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

from dotrain.engine import settled, state, workspace
from dotrain.engine.preview import Planned
from dotrain.engine.progress import Progress
from dotrain.errors import OperationFailed
from dotrain.sandbox.provider import wire
from dotrain.sandbox.provider.api import Api
from dotrain.sandbox.provider.settings import Settings
from dotrain.target import Target
from tests.histories.running import STACK, Entry, Failed, Provider, Run, urn_of


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
        self._provider = Provider()
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
            run = Run(self._provider, self._stack, known, self._save)
            run.program(program)
            run.delete_the_rest()

    def preview(
        self, program: Callable[[], None], progress: Progress, *, unprotected: bool = False
    ) -> list[Planned]:
        """Return what `up` would do."""
        known, _ = self._load()
        if unprotected:
            known = {urn: {**one, "protect": False} for urn, one in known.items()}
        run = Run(self._provider, self._stack, known, lambda *_: None, preview=True)
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
        run = Run(self._provider, self._stack, known, self._save)
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

    def _refreshed(self, known: dict[str, Entry]) -> dict[str, Entry]:
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

    def _load(self) -> tuple[dict[str, Entry], dict[str, Any]]:
        try:
            text = self._backend.checkpoint(self._stack).read_text("utf-8")
        except FileNotFoundError:
            return {}, {}
        kept = json.loads(text)["checkpoint"]["latest"]["resources"]
        outputs = next((one["outputs"] for one in kept if one["type"] == STACK), {})
        return {one["urn"]: one for one in kept if one["type"] != STACK}, outputs

    def _save(self, known: dict[str, Entry], outputs: dict[str, Any] | None = None) -> None:
        path = self._backend.checkpoint(self._stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        root = {"urn": urn_of(self._stack, "", STACK, self._stack), "type": STACK}
        if outputs is None:
            outputs = self._load()[1]
        latest = {
            "manifest": {"time": dt.datetime.now(dt.timezone.utc).isoformat()},
            "resources": [{**root, "custom": False, "outputs": outputs}, *known.values()],
        }
        path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}), "utf-8")

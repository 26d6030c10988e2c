"""Drive Pulumi through its Automation API: make, change and destroy a stack."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

from pulumi import automation
from pulumi.automation import CommandResult
from pulumi.automation import errors as stock

from dotrain import config, ownfiles
from dotrain.engine import diagnosis, locks, prune, rehearsal, restore, settled, state
from dotrain.engine.command import Command
from dotrain.engine.known import KnownStack
from dotrain.engine.preview import Planned, planned
from dotrain.engine.progress import Progress
from dotrain.engine.workspace import PROJECT, Workspace
from dotrain.errors import EngineError, StackLocked
from dotrain.hidden import bare

if TYPE_CHECKING:
    from pulumi.automation import PulumiFn
    from pulumi.automation.events import EngineEvent

_T = TypeVar("_T")
_LOCKED_SECONDS = 1.0


class Driver:
    """One stack and the CLI that works on it.

    Parameters
    ----------
    workspace : Workspace
        The stack.
    operation : str
        The id of the operation that it is part of.
    patience : float
        Seconds to wait for an operation on another machine.
    """

    def __init__(self, workspace: Workspace, operation: str = "", patience: float = 0.0) -> None:
        self._workspace = workspace
        self._command = Command(workspace.engine, operation)
        self._patience = patience
        self._unprotected = False

    def interrupt(self) -> None:
        """Ask the running operation to stop once its state is safe."""
        self._command.interrupt()

    def read(self) -> state.State | None:
        """Return what the stack remembers, None when there is no such stack.

        Raises
        ------
        StateCorrupt
            When the state cannot be read.
        EngineError
            When the backend does not answer.
        """
        if self._workspace.backend.directory is not None:
            return state.read(self._workspace.backend, self._workspace.stack)
        exported = self._export()
        return None if exported is None else state.exported(exported, self._workspace.stack)

    def stacks(self) -> list[str]:
        """Return the names of dotrain's stacks in the backend.

        Raises
        ------
        EngineError
            When the backend does not answer.
        """
        listing = ["stack", "ls", "--json", "--project", PROJECT]
        local = self._local(None)
        try:
            result = self._command.run(listing, local.work_dir, local.env_vars)
        except stock.CommandError as error:
            raise EngineError(
                f"The stacks in {self._workspace.backend.url} cannot be listed.",
                f"{diagnosis.last_sentence(str(error))}.".replace("..", "."),
                "Check DOTRAIN_BACKEND and the credentials it needs, then try again.",
            ) from error
        # Where the project is another, the CLI names it: organization/project/stack.
        return sorted(one["name"].rpartition("/")[2] for one in json.loads(result.stdout))

    def up(self, program: PulumiFn, progress: Progress, *, refresh: bool = False) -> None:
        """Make the stack what `program` says.

        Parameters
        ----------
        program : callable
            The inline program.
        progress : Progress
            What to report to.
        refresh : bool
            Whether to read from DigitalOcean first what others have changed.

        Raises
        ------
        OperationFailed
            When an object could not be made or changed; the rest is in the state.
        StackLocked, WrongPassphrase, StateCorrupt, OperationInterrupted, EngineError
        """
        backend, stack = self._workspace.backend, self._workspace.stack

        def run() -> None:
            local = self._local(program)
            restored = restore.pending(backend, stack) is not None
            if not self._exists():
                # Two first operations at once: the other one made it.
                with contextlib.suppress(stock.StackAlreadyExistsError):
                    local.create_stack(stack)
            KnownStack(stack, local).up(
                on_event=progress.on_event,
                color="never",
                suppress_outputs=True,
                refresh=refresh or restored or None,
            )
            restore.settle(backend, stack)

        self._guarded(run, progress)

    def preview(
        self, program: PulumiFn, progress: Progress, *, unprotected: bool = False
    ) -> list[Planned]:
        """Return what `up` would do, and change nothing; raises as `up` does.

        Parameters
        ----------
        program : callable
            The inline program.
        progress : Progress
            What to report to.
        unprotected : bool
            Whether to say it as if nothing were protected.
        """
        found: list[Planned] = []
        stack = self._workspace.stack

        def on_event(event: EngineEvent) -> None:
            step = planned(event)
            if step:
                found.append(step)
            if event.diagnostic_event:
                progress.on_event(event)

        def run() -> None:
            exported = self._export() if unprotected else None
            with rehearsal.unprotected(exported, stack) if exported else nullcontext() as copy:
                local = self._local(program, copy)
                KnownStack(stack, local).preview(on_event=on_event, color="never")

        self._guarded(run, progress)
        return found

    def destroy(self, progress: Progress, *, only: str | None = None) -> None:
        """Delete everything the stack holds, and then the stack; raises as `up` does.

        Parameters
        ----------
        progress : Progress
            What to report to.
        only : str, optional
            The name in the program of what alone to delete, with all that
            depends on it; the stack stays then.
        """

        def run() -> None:
            local = self._local(None)
            stack = self._workspace.stack
            if not self._unprotected:
                self._lift(local)
                self._unprotected = True
            KnownStack(stack, local).destroy(
                target=[f"**::{only}"] if only else None,
                target_dependents=only is not None,
                on_event=progress.on_event,
                color="never",
                suppress_outputs=True,
            )
            self._refuse_interrupted(progress)
            if only is None:
                local.remove_stack(stack)
                settings = self._workspace.directory / "Pulumi.yaml"
                prune.forget(self._workspace.backend, stack, config.engine_home(), settings)

        self._guarded(run, progress)

    def unprotect(self, progress: Progress) -> None:
        """Let the next `up` delete what the program protects; raises as `up` does."""
        self._guarded(lambda: self._lift(self._local(None)), progress)

    def _lift(self, local: automation.LocalWorkspace) -> None:
        # The program protects what holds data; what is asked for by name lifts that.
        unprotect = ["state", "unprotect", "--all", "--yes", "--stack", self._workspace.stack]
        self._command.run(unprotect, local.work_dir, local.env_vars)

    def forget_pending(self, progress: Progress) -> None:
        """Forget what was being made when the engine was killed, once it is taken in.

        Pulumi keeps that in the state, and warns of it, until it is told to.
        """

        def run() -> None:
            KnownStack(self._workspace.stack, self._local(None)).refresh(
                # Nothing but the tag is read for it.
                target=["**::tag"],
                clear_pending_creates=True,
                color="never",
                suppress_outputs=True,
            )

        self._guarded(run, progress)

    def mark_settled(self) -> None:
        """Note that the stack is as its spec says, so that the same again has nothing to do."""
        settled.mark(self._workspace.directory, self._workspace.backend, self._workspace.stack)

    def is_settled(self) -> bool:
        """Return whether the last operation ended well, and nothing has touched the state since.

        Where the state is on no disk of this machine nobody knows: False.
        """
        workspace = self._workspace
        return settled.holds(workspace.directory, workspace.backend, workspace.stack)

    def _guarded(self, run: Callable[[], _T], progress: Progress) -> _T:
        deadline = time.monotonic() + self._patience
        told = ""
        workspace = self._workspace
        restored = restore.pending(workspace.backend, workspace.stack)
        if restored:
            progress.note(restored)
        while True:
            self._release_dead(progress)
            self._refuse_interrupted(progress)
            try:
                diagnosis.check_room(workspace.backend.directory or workspace.target.directory)
                return run()
            except OSError as error:
                raise diagnosis.of_system(error, workspace) from bare(error)
            except stock.CommandError as error:
                # Chained without the pages the CLI printed.
                brief = type(error)(CommandResult("", diagnosis.last_sentence(str(error)), -1))
                failure = self._diagnose(error, progress)
                if not isinstance(failure, StackLocked) or time.monotonic() > deadline:
                    raise failure from brief
            finally:
                prune.prune(workspace.backend, workspace.stack, config.engine_home())
            # Nobody else on this machine is at it: whoever has the stack
            # locked is elsewhere, and works on it or has died.
            if failure.why != told:
                told = failure.why
                progress.note(f"Waiting: {failure.what} {told}")
            time.sleep(_LOCKED_SECONDS)

    def _release_dead(self, progress: Progress) -> None:
        backend, stack = self._workspace.backend, self._workspace.stack
        if backend.directory is not None:
            if not backend.shared:
                locks.drop_half_written(backend.half_written(stack))
            for lock in locks.release_dead(backend.locks(stack)):
                progress.note(f"Released the lock of {lock}, which is gone.")

    def _refuse_interrupted(self, progress: Progress) -> None:
        """Raise between two steps when somebody has asked to stop."""
        if self._command.interrupted:
            raise diagnosis.was_interrupted(progress)

    def _export(self) -> str | None:
        """Return the state as the CLI prints it, None when there is no such stack."""
        local = self._local(None)
        try:
            # Without --show-secrets: what is secret stays encrypted.
            result = self._command.run(
                ["stack", "export", "--stack", self._workspace.stack],
                cwd=local.work_dir,
                additional_env=local.env_vars,
            )
        except stock.StackNotFoundError:
            return None
        except stock.CommandError as error:
            raise self._diagnose(error, Progress("read")) from error
        return result.stdout

    def _exists(self) -> bool:
        backend = self._workspace.backend
        if backend.directory is not None:
            return backend.checkpoint(self._workspace.stack).exists()
        return self.read() is not None

    def _local(
        self, program: PulumiFn | None, backend: str | None = None
    ) -> automation.LocalWorkspace:
        # Written here and whole, not by the workspace: two operations at once
        # must not read half a file of each other.
        settings = self._workspace.directory / "Pulumi.yaml"
        elsewhere = {"PULUMI_BACKEND_URL": backend} if backend else {}
        if not settings.exists():
            ownfiles.write_private(settings, f"name: {PROJECT}\nruntime: python\n")
        return automation.LocalWorkspace(
            work_dir=str(self._workspace.directory),
            program=program,
            env_vars=self._workspace.environment() | elsewhere,
            secrets_provider="passphrase",
            pulumi_command=self._command,
        )

    def _diagnose(self, error: stock.CommandError, progress: Progress) -> EngineError:
        interrupted = self._command.interrupted
        return diagnosis.of_command(error, self._workspace, progress, interrupted=interrupted)

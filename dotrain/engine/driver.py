"""Drive Pulumi through its Automation API: make, change and destroy a stack."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from pulumi import automation
from pulumi.automation import CommandResult
from pulumi.automation import errors as stock

from dotrain import config
from dotrain.engine import diagnosis, locks, prune, restore, settled, state
from dotrain.engine.command import Command
from dotrain.engine.preview import Planned, planned
from dotrain.engine.progress import Progress
from dotrain.engine.workspace import PROJECT, Workspace
from dotrain.errors import (
    EngineError,
    OperationFailed,
    OperationInterrupted,
    StackLocked,
)
from dotrain.hidden import bare

if TYPE_CHECKING:
    from pulumi.automation import OutputMap, PulumiFn, UpdateSummary
    from pulumi.automation.events import EngineEvent

_T = TypeVar("_T")
_LOCKED_SECONDS = 1.0


class _Stack(automation.Stack):
    """A stack known to exist, so that nothing is asked twice.

    The stock class selects the stack before an operation and reads its outputs
    and its history after it: three more CLI processes, for what dotrain reads
    from the state. (0.45 s instead of 1.21 s for an `up` that changes nothing.)
    """

    def __init__(self, name: str, workspace: automation.LocalWorkspace) -> None:
        self.name = name
        self.workspace = workspace

    def __repr__(self) -> str:
        # The stock one prints the environment.
        return f"_Stack({self.name!r})"

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: ARG002 - the stock signature
        return automation.UpdateSummary(
            kind="update",
            start_time=datetime.now(timezone.utc),
            message="",
            environment={},
            config={},
            result="succeeded",
        )


class Driver:
    """One stack and the CLI that works on it.

    Parameters
    ----------
    workspace : Workspace
        The stack.
    operation : str
        The id of the operation that it is part of.
    """

    def __init__(self, workspace: Workspace, operation: str = "") -> None:
        self._workspace = workspace
        self._command = Command(workspace.engine, operation)

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
            raise self._translate(error, Progress("read")) from error
        return state.exported(result.stdout, self._workspace.stack)

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
            _Stack(stack, local).up(
                on_event=progress.on_event,
                color="never",
                suppress_outputs=True,
                refresh=refresh or restored or None,
            )
            restore.settle(backend, stack)

        self._guarded(run, progress)

    def preview(self, program: PulumiFn, progress: Progress) -> list[Planned]:
        """Return what `up` would do, and change nothing; raises as `up` does."""
        found: list[Planned] = []

        def on_event(event: EngineEvent) -> None:
            step = planned(event)
            if step:
                found.append(step)
            if event.diagnostic_event:
                progress.on_event(event)

        def run() -> None:
            local = self._local(program)
            _Stack(self._workspace.stack, local).preview(on_event=on_event, color="never")

        self._guarded(run, progress)
        return found

    def destroy(self, progress: Progress) -> None:
        """Delete everything the stack holds, and then the stack; raises as `up` does."""

        def run() -> None:
            local = self._local(None)
            stack = self._workspace.stack
            # The program protects what holds data; a teardown is what lifts that.
            unprotect = ["state", "unprotect", "--all", "--yes", "--stack", stack]
            self._command.run(unprotect, local.work_dir, local.env_vars)
            _Stack(stack, local).destroy(
                on_event=progress.on_event, color="never", suppress_outputs=True
            )
            self._refuse_interrupted(progress)
            local.remove_stack(stack)
            settings = self._workspace.directory / "Pulumi.yaml"
            prune.forget(self._workspace.backend, stack, config.engine_home(), settings)

        self._guarded(run, progress)

    def mark_settled(self) -> None:
        """Note that the stack is as its spec says, so that the same again has nothing to do."""
        settled.mark(self._workspace.directory, self._workspace.backend, self._workspace.stack)

    def _guarded(self, run: Callable[[], _T], progress: Progress) -> _T:
        deadline = time.monotonic() + config.patience()
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
                brief = type(error)(CommandResult("", _last_sentence(str(error)), -1))
                failure = self._translate(error, progress)
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
        backend = self._workspace.backend
        if backend.directory is not None:
            directory = backend.locks(self._workspace.stack)
            if not backend.shared:
                locks.remove_partial(directory)
            for lock in locks.release_dead(directory):
                progress.note(f"Released the lock of {lock}, which is gone.")

    def _refuse_interrupted(self, progress: Progress) -> None:
        """Raise between two steps when somebody has asked to stop."""
        if self._command.interrupted:
            raise _interrupted(progress)

    def _exists(self) -> bool:
        backend = self._workspace.backend
        if backend.directory is not None:
            return backend.checkpoint(self._workspace.stack).exists()
        return self.read() is not None

    def _local(self, program: PulumiFn | None) -> automation.LocalWorkspace:
        # Written here and whole, not by the workspace: two operations at once
        # must not read half a file of each other.
        settings = self._workspace.directory / "Pulumi.yaml"
        if not settings.exists():
            config.write_private(settings, f"name: {PROJECT}\nruntime: python\n")
        return automation.LocalWorkspace(
            work_dir=str(self._workspace.directory),
            program=program,
            env_vars=self._workspace.environment(),
            secrets_provider="passphrase",
            pulumi_command=self._command,
        )

    def _translate(self, error: stock.CommandError, progress: Progress) -> EngineError:
        """Say in dotrain's words why the CLI failed."""
        said = str(error)
        name = self._workspace.stack
        if isinstance(error, stock.ConcurrentUpdateError):
            holders = self._lock_holders()
            return StackLocked(
                f"Another operation is changing {name!r}.",
                f"It is {holders}." if holders else "The backend has it locked.",
                "Wait until it has ended, then run the same call again; if that machine is gone, "
                "`pulumi cancel` on its backend releases the lock.",
            )
        known = diagnosis.of_engine(
            said, _last_sentence(said), self._workspace, progress.title, progress.failures
        )
        if known is not None:
            return known
        if self._command.interrupted or "update canceled" in said:
            return _interrupted(progress)
        failures = progress.failures or [_last_sentence(said)]
        return OperationFailed(
            f"{progress.title} stopped half-way.",
            f"{'; '.join(failures)}.".replace("..", "."),
            "What was made until then is saved: run the same call again to finish it, or down() "
            "to remove it.",
            failures=failures,
        )

    def _lock_holders(self) -> str:
        if self._workspace.backend.directory is None:
            return ""
        held = locks.find(self._workspace.backend.locks(self._workspace.stack))
        return " and ".join(map(str, held))


def _interrupted(progress: Progress) -> OperationInterrupted:
    return OperationInterrupted(
        f"{progress.title} was interrupted.",
        "What was made until then is saved in the state.",
        "Run the same call again to finish it, or down() to remove it.",
    )


def _last_sentence(said: str) -> str:
    """Return the last line of the CLI's words that says what went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines or ["the Pulumi CLI gave no reason"])[-1].rpartition("error: ")[2]

"""Run a case: begin the operation, let the event happen at its moment, go on, and look."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.crash import verdict
from tests.crash.account import Account, copy
from tests.crash.cases import DELAY, HERE, NAME, OPERATIONS, Case, Operation
from tests.crash.kernel import Kernel
from tests.crash.watch import MARK, Watch, processes

_SETUP = """
import os
os.environ.update(DOTRAIN_HOME={home!r}, DOTRAIN_SANDBOX_DELAY={delay!r})
import dotrain
sandbox = dotrain.use_sandbox(address={address!r})
"""
_UP, _UP_AFTER_READING = f"dotrain.up({NAME!r})", f"dotrain.get({NAME!r}).up()"
_ALLOW_ME = f"dotrain.get({NAME!r}).allow_me()"
_FAIR = {
    "kill-cli": {"OperationFailed"},
    "interrupt": {"OperationInterrupted", "KeyboardInterrupt"},
    "double-interrupt": {"OperationInterrupted", "KeyboardInterrupt"},
}
_AGAIN = 0.2
_PATIENCE = 10.0
_LONGEST = 60.0


@dataclass(frozen=True)
class Outcome:
    """How a case went.

    Parameters
    ----------
    phase : str
        How far the operation was when the event happened.
    wrong : list of str
        What was found wrong.
    """

    phase: str
    wrong: list[str]


class Bench:
    """Where cases run, one after the other: its kernel stays when a case lets it live.

    Parameters
    ----------
    directory : pathlib.Path
        For the data of the cases.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._mark = uuid.uuid4().hex
        self._kernel = self._start()

    def close(self) -> None:
        """End the kernel, and what is left of the cases."""
        self._kernel.close()
        for process in processes(self._mark).all:
            _kill(process)

    def prepare(self, home: Path) -> None:
        """Make the starting point `home`: a cluster that is up."""
        unready = self._directory / "point"
        with closing(Account(copy(None, unready), delay=_AGAIN)) as account:
            self._set_up(account, HERE, delay=_AGAIN)
            said = self._kernel.run(_UP)
            assert not said.error, said.message
        unready.rename(home)

    def run(self, case: Case, point: Path) -> Outcome:
        """Run a case from the starting point `point`."""
        operation = OPERATIONS[case.operation]
        home = copy(point if operation.exists else None, self._directory / str(case))
        try:
            with closing(Account(home, delay=DELAY)) as account:
                outcome = self._run(case, account, operation)
        except BaseException:
            # The next case gets a kernel that nothing is wrong with.
            self._kernel.kill()
            self._kernel = self._start()
            raise
        if not outcome.wrong:
            # What is ending may still write there.
            shutil.rmtree(home, ignore_errors=True)
        return outcome

    def _run(self, case: Case, account: Account, operation: Operation) -> Outcome:
        before = account.objects()
        if case.moment == "begun":
            self._kernel.close()
            self._kernel = self._start()
        self._set_up(account, operation.address, delay=DELAY)
        phase, wrong = self._crash(case, account, operation)
        account.delay(_AGAIN)
        self._set_up(account, operation.address, delay=_AGAIN)
        wrong += self._go_on(case, account, operation)
        wrong += verdict.intact(account)
        wrong += verdict.guarded(account, before)
        wrong += self._strays()
        return Outcome(phase, wrong)

    def _crash(self, case: Case, account: Account, operation: Operation) -> tuple[str, list[str]]:
        kernel = self._kernel
        watch = Watch(account, operation, self._mark)
        cell = kernel.begin(operation.code)
        watch.until(case.moment)
        engine = watch.engine() if case.event == "kill-cli" else None
        phase = watch.phase()
        match case.event:
            case "kill-cli" if engine is not None:
                _kill(engine)
            case "interrupt":
                kernel.interrupt()
            case "double-interrupt":
                kernel.interrupt()
                kernel.until(
                    lambda: cell.output.ended or "Interrupt again" in cell.output.shown, _PATIENCE
                )
                kernel.interrupt()
            case "restart":
                kernel.restart()
                return phase, []
            case "kill-kernel":
                kernel.kill()
                self._kernel = self._start()
                return phase, []
        said = kernel.end(cell)
        # What the cell does before its operation, and after it, is Python's to interrupt.
        fair = {"OperationInterrupted"} if watch.running() else {*_FAIR[case.event], ""}
        if said.error not in fair or "\n" in said.message:
            return phase, [f"the cell ended with {said.error}: {said.message}"]
        return phase, []

    def _go_on(self, case: Case, account: Account, operation: Operation) -> Iterator[str]:
        """Make the next call, and yield what is wrong with what it does and leaves."""
        if case.operation == "down":
            said = self._kernel.run(operation.code)
            if said.error not in ("", "ClusterNotFound"):
                yield f"down failed: {said.error}: {said.message}"
            yield from verdict.gone(account)
            return
        if operation.names_it:
            yield from self._spared(account)
        said = self._kernel.run(operation.code if operation.names_it else _UP)
        if said.error:
            yield f"up failed: {said.error}: {said.message}"
        yield from verdict.complete(account, operation.address)
        so_far = len(account.log())
        said = self._kernel.run(_UP_AFTER_READING)
        if said.error:
            yield f"a further up failed: {said.error}: {said.message}"
        changes = account.changes(so_far)
        if changes:
            yield f"a further up still changes something: {changes}"

    def _spared(self, account: Account) -> Iterator[str]:
        """Make a call that does not name the cluster, and yield it when that destroys one."""
        # An operation outlives its kernel, and does what it was asked for.
        self._strays(_LONGEST)
        before = verdict.living(account)
        said = self._kernel.run(_ALLOW_ME)
        if said.error not in ("", "ReplacementRefused"):
            yield f"allow_me failed: {said.error}: {said.message}"
        if before - verdict.living(account):
            yield "allow_me destroyed the cluster"

    def _strays(self, patience: float = _PATIENCE) -> list[str]:
        """Return the processes that should have ended, in words."""
        deadline = time.monotonic() + patience
        while found := processes(self._mark).beside(self._kernel.pid):
            if time.monotonic() > deadline:
                return [f"a process is left: {one}" for one in found]
            time.sleep(0.05)
        return []

    def _set_up(self, account: Account, address: str, delay: float) -> None:
        code = _SETUP.format(home=str(account.home), delay=str(delay), address=address)
        said = self._kernel.run(code)
        assert not said.error, said.message

    def _start(self) -> Kernel:
        return Kernel({**os.environ, "DOTRAIN_HOME": str(self._directory), MARK: self._mark})


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()

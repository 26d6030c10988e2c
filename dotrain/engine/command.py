"""Run the Pulumi CLI so that a notebook's interrupt cannot break its state.

The Automation API starts the CLI in the kernel's own process group with pipes.
An interrupt then hits both: Python drops the pipes, and the CLI dies before it
has saved what it made. Here the CLI has a session of its own, its output goes
to unnamed files, and only `interrupt` tells it to stop.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from dotrain import config
from dotrain.engine import locate, processes
from dotrain.engine.locate import Engine
from dotrain.hidden import without_passwords


class Command(PulumiCommand):
    """The Pulumi CLI as the Automation API calls it.

    Parameters
    ----------
    engine : Engine
        The CLI, its version already known: no process is spent on asking.
    operation : str
        The id that it and its plugins carry, to be found by.
    """

    def __init__(self, engine: Engine, operation: str = "") -> None:
        self.command = str(engine.path)
        self._path = engine.path
        self.version = VersionInfo.parse(engine.version)
        self.interrupted = False
        self._operation = operation
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run the CLI to its end, as `PulumiCommand.run` does, and return what it said.

        Raises
        ------
        pulumi.automation.errors.CommandError
            When it ends with another status than 0.
        EngineNotFound
            When it was removed or replaced since it was found.
        """
        locate.confirm(self._path)
        environment = {
            **config.environment(),
            **additional_env,
            "PULUMI_AUTOMATION_API": "true",
            processes.OPERATION: self._operation,
        }
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as out,
            tempfile.TemporaryFile("w+", encoding="utf-8") as err,
        ):
            self._process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env=environment,
                text=True,
                start_new_session=True,
                # State, settings and logs are nobody else's business.
                umask=0o077,
            )
            if self.interrupted:
                # Asked for while it was being started.
                self.interrupt()
            code = self._process.wait()
            # A CLI that was killed leaves its plugins behind.
            processes.end_session(self._process.pid)
            # When a team's backend does not answer, its whole URL is in what is said.
            said = without_passwords(_said(err, on_error))
            result = CommandResult(_said(out, on_output), said, code)
        if code != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Ask the running CLI to finish what it does and stop; its state is saved."""
        self.interrupted = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)


def _said(file: IO[Any], callback: OnOutput | None) -> str:
    file.seek(0)
    text = str(file.read())
    if callback:
        for line in text.splitlines():
            callback(line)
    return text

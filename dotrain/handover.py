"""Processes of their own, and what a kernel hands to them: through a pipe, and nowhere else.

Neither the arguments of a process nor a file ever hold the token.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from dotrain import config
from dotrain.target import Target, sandbox_address, set_sandbox_address


def start(module: str, said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one, and that takes requests from its standard input.

    Parameters
    ----------
    module : str
        What it runs, such as ``"dotrain.host"``.
    said : file
        Takes what it says on standard error.
    """
    package = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [package, os.getenv("PYTHONPATH")]))
    config.home()
    # Not in the notebook's directory, where a "grpc.py" would be taken for
    # the library; in a session of its own, where no interrupt or end of the
    # kernel reaches it.
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        cwd=os.sep,
        env={**config.environment(), "PYTHONPATH": path},
        start_new_session=True,
        umask=0o077,
    )


def request(target: Target, **asked: Any) -> dict[str, Any]:
    """Return a request to such a process: what is asked, the account, and the environment."""
    return {
        **asked,
        "target": {**asdict(target), "directory": str(target.directory)},
        "sandbox_address": sandbox_address(),
        "environment": config.environment(),
    }


def send(process: subprocess.Popen[bytes], asked: Mapping[str, Any]) -> None:
    """Hand a request to a process, as a line of JSON; raises OSError when it is gone."""
    assert process.stdin is not None  # noqa: S101 - it was started with a pipe
    process.stdin.write(f"{json.dumps(asked)}\n".encode())
    process.stdin.flush()


def close(process: subprocess.Popen[bytes]) -> None:
    """Ask nothing more of a process, whether it is there or not."""
    assert process.stdin is not None  # noqa: S101 - it was started with a pipe
    with suppress(OSError):
        process.stdin.close()


def take(asked: Mapping[str, Any]) -> Target:
    """Become what a request says, in the process that got it, and return the account."""
    # The kernel's environment as it is now, not as it was when this began.
    os.environ.clear()
    os.environ.update(asked["environment"])
    set_sandbox_address(asked["sandbox_address"])
    return Target(**{**asked["target"], "directory": Path(asked["target"]["directory"])})

"""Keep what a stack leaves behind small: the newest of what is of use, and nothing else.

Each operation leaves two files of history and a log, for ever. Kept are the
newest few, among them the copies that a broken state is restored from. A
team's backend is the team's: nothing is removed there.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dotrain.engine import processes, restore
from dotrain.engine.restore import BROKEN
from dotrain.engine.workspace import PROJECT, Backend

COPIES = 2
"""How many operations' copies of a state are kept, and how many files that could not be read."""

LOGS = 1
"""How many of the engine's logs of a stack are kept: that of the last operation."""

# Pulumi writes a file under a name of its own and renames it; killed in
# between, it leaves that. Nothing takes an hour to be written.
_PARTIAL = "*.tmp"
_PARTIAL_SECONDS = 3600

_NUMBER = re.compile(r"[.-](\d{12,})\.")
_LOG = re.compile(
    r"(?:pulumi-\d{8}T\d{6}-(?P<pid>\d+)|organization\+(?P<stack>.+)-\d{8}T\d{6})\b.*"
)


def prune(backend: Backend, stack: str, home: Path) -> None:
    """Remove what is old of a stack; what cannot be removed stays.

    Parameters
    ----------
    backend : Backend
        Where the stack is.
    stack : str
        Its name.
    home : pathlib.Path
        The home that dotrain gives to Pulumi, with its logs.
    """
    if backend.directory is None:
        return
    _remove(_old_logs(home, stack))
    if backend.shared:
        return
    for directory in (backend.history(stack), backend.backups(stack)):
        _remove(_old_copies(directory))
    stacks = backend.checkpoint(stack).parent
    _remove(sorted(stacks.glob(f"{stack}.json*.{BROKEN}-*"))[:-COPIES])
    _remove(_partial(stacks, backend.history(stack), backend.backups(stack)))


def forget(backend: Backend, stack: str, home: Path, settings: Path) -> None:
    """Remove what is left of a stack that was removed: its copies would bring back the dead.

    Parameters
    ----------
    backend : Backend
        Where the stack was.
    stack : str
        Its name.
    home : pathlib.Path
        The home that dotrain gives to Pulumi.
    settings : pathlib.Path
        The project's file, by which Pulumi remembers what it has worked on.
    """
    if backend.directory is None:
        return
    known = hashlib.sha1(str(settings).encode(), usedforsecurity=False).hexdigest()
    _remove([home / "workspaces" / f"{PROJECT}-{known}-workspace.json", settings])
    if backend.shared:
        return
    restore.settle(backend, stack)
    _remove(backend.copies(stack))
    checkpoint = backend.checkpoint(stack)
    _remove(checkpoint.parent.glob(f"{stack}.json*.{BROKEN}-*"))
    for directory in (backend.history(stack), backend.backups(stack), backend.locks(stack)):
        with suppress(OSError):
            directory.rmdir()


def _old_copies(directory: Path) -> Iterator[Path]:
    """Yield the files of all operations but the newest; those of one have a number in common."""
    numbered = [
        (match[1], path) for path in directory.glob("*") if (match := _NUMBER.search(path.name))
    ]
    kept = sorted({number for number, _ in numbered}, key=int)[-COPIES:]
    return (path for number, path in numbered if number not in kept)


def _old_logs(home: Path, stack: str) -> Iterator[Path]:
    """Yield the logs of a stack, and of commands that have ended, but the newest of each."""
    logs = sorted((home / "logs").glob("*.log"), key=lambda path: path.name)
    matched = [(path, match) for path in logs if (match := _LOG.fullmatch(path.name))]
    ours = [path for path, match in matched if match["stack"] == f"{PROJECT}+{stack}"]
    commands = [
        path for path, match in matched if match["pid"] and not processes.alive(int(match["pid"]))
    ]
    yield from ours[:-LOGS]
    yield from commands[:-LOGS]


def _partial(*directories: Path) -> Iterator[Path]:
    oldest = time.time() - _PARTIAL_SECONDS
    for directory in directories:
        for path in directory.glob(_PARTIAL):
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    yield path


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        # Another process may have been faster; a full disk lets go, a read-only one does not.
        with suppress(OSError):
            path.unlink()

"""Why the engine failed: its words and the system's, as dotrain's errors."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pulumi.automation import errors as stock

from dotrain.engine import locate, locks, refusals
from dotrain.engine.progress import Progress
from dotrain.engine.workspace import Backend, Workspace
from dotrain.errors import (
    ConfigError,
    DotrainError,
    EngineError,
    OperationFailed,
    OperationInterrupted,
    StackLocked,
    StateCorrupt,
    StateTooNew,
    WrongPassphrase,
)
from dotrain.hidden import without_passwords

_FULL = re.compile(r"no space left on device|disk quota exceeded|file too large", re.IGNORECASE)
_CLOSED = re.compile(
    r"read-only file system|permission denied|operation not permitted", re.IGNORECASE
)
_NEWER = re.compile(
    r"unsupported checkpoint version|newer than what this version|"
    r"by this version of the Pulumi CLI|needs support for the following features",
)
_BROKEN = re.compile(
    r"could not deserialize|failed to load checkpoint|snapshot integrity|corrupt store|"
    r"place 1: ",
)
_FULL_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED_CODES = (errno.EROFS, errno.EACCES, errno.EPERM)

_FINISH = (
    "What was made until then is saved: run the same call again to finish it, or down() to remove "
    "it."
)
_GO_ON = {"down": "Run down() again for the rest: until that is gone it may be billed."}

# As much as an operation may write: some states, their copies, a log.
_ROOM = 1 << 20


def of_command(
    error: stock.CommandError, workspace: Workspace, progress: Progress, *, interrupted: bool
) -> EngineError:
    """Return the error that a CLI which failed stands for.

    Parameters
    ----------
    error : pulumi.automation.errors.CommandError
        What it ended with.
    workspace : Workspace
        What it worked on.
    progress : Progress
        What it had done.
    interrupted : bool
        Whether it had been asked to stop.
    """
    if isinstance(error, stock.ConcurrentUpdateError):
        return _locked(workspace)
    said = str(error)
    sentence = last_sentence(said)
    known = of_engine(said, sentence, workspace, progress.title, progress.failures)
    if known is not None:
        return known
    if interrupted or "update canceled" in said:
        return was_interrupted(progress)
    found = refusals.read(progress.failures or [sentence])
    failures = [one.sentence for one in found]
    fixes = dict.fromkeys([*(one.fix for one in found), _GO_ON.get(progress.verb, _FINISH)])
    return OperationFailed(
        f"{progress.title} stopped half-way.",
        f"{'; '.join(failures)}.".replace("..", "."),
        " ".join(filter(None, fixes)),
        failures=failures,
    )


def was_interrupted(progress: Progress) -> OperationInterrupted:
    """Return the error of an operation that somebody asked to stop."""
    return OperationInterrupted(
        f"{progress.title} was interrupted.",
        "What was made until then is saved in the state.",
        "Run the same call again to finish it, or down() to remove it.",
    )


def last_sentence(said: str) -> str:
    """Return the last line of the CLI's words that says what went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines or ["the Pulumi CLI gave no reason"])[-1].rpartition("error: ")[2]


def _locked(workspace: Workspace) -> StackLocked:
    backend, name = workspace.backend, workspace.stack
    held = locks.find(backend.locks(name)) if backend.directory is not None else []
    holders = " and ".join(map(str, held))
    return StackLocked(
        f"Another operation is changing {name!r}.",
        f"It is {holders}." if holders else "The backend has it locked.",
        "Wait until it has ended, then run the same call again; if that machine is gone, "
        "`pulumi cancel` on its backend releases the lock.",
    )


def of_engine(
    said: str, sentence: str, workspace: Workspace, title: str, failures: Sequence[str]
) -> EngineError | None:
    """Return the error that the engine's words stand for, None when they are about the objects.

    Parameters
    ----------
    said : str
        All that it said.
    sentence : str
        The sentence that says what went wrong.
    workspace : Workspace
        What it worked on.
    title : str
        What it did, such as ``"up bert"``.
    failures : sequence of str
        What the objects' own failures are. They are DigitalOcean's words, in
        which the state is not meant.
    """
    name, place = workspace.stack, workspace.target.directory
    if "incorrect passphrase" in said:
        return WrongPassphrase(
            f"The passphrase does not open the state of {name!r}.",
            "The state was made with another one.",
            f"Restore {place / 'passphrase'} from a backup, or set "
            "PULUMI_CONFIG_PASSPHRASE_FILE to your team's.",
        )
    if failures:
        return None
    if _NEWER.search(said):
        return StateTooNew(
            f"The state of {name!r} was written by a newer Pulumi.",
            f"{sentence}.",
            "Upgrade dotrain (`pip install --upgrade dotrain`) and its CLI (`dotrain engine "
            "install`); nothing was changed.",
        )
    where = str(workspace.backend.directory or place)
    lines = [line.rpartition("error: ")[2].strip(" *\t") for line in said.splitlines()]
    full = next((line for line in lines if _FULL.search(line)), "")
    closed = next((line for line in lines if where in line and _CLOSED.search(line)), "")
    if full or closed:
        return OperationFailed(
            f"{title} stopped half-way.",
            f"{'The disk is full' if full else 'The state may not be written'}: {full or closed}.",
            f"{_remedy(place, full=bool(full))} What was made and could not be noted is found by "
            "its label and taken in.",
            failures=[full or closed],
        )
    if _BROKEN.search(said):
        return StateCorrupt(
            f"Pulumi cannot read the state of {name!r}.",
            f"{sentence}.",
            _put_back(workspace.backend, name, said),
        )
    return None


def _put_back(backend: Backend, stack: str, said: str) -> str:
    if backend.directory is None:
        url = without_passwords(backend.url)
        return f"Put a good copy in its place (in {url}), then run the same call again."
    if "corrupt store" in said:
        path = backend.directory / ".pulumi" / "meta.yaml"
        return f"Delete {path}, which Pulumi makes anew, then run the same call again."
    return (
        f"Put one of the copies in {backend.history(stack)} in the place of "
        f"{backend.checkpoint(stack)}, then run the same call again."
    )


def of_system(error: OSError, workspace: Workspace) -> DotrainError:
    """Return the error that the system's refusal stands for."""
    place, reason = workspace.target.directory, error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    if str(error.filename) == str(workspace.engine.path):
        return locate.changed(workspace.engine.path, reason)
    if error.errno in _FULL_CODES:
        return ConfigError("The disk is full.", f"{reason}{where}.", _remedy(place, full=True))
    if error.errno in _CLOSED_CODES:
        return ConfigError(
            "dotrain's data directory may not be written.",
            f"{reason}{where}.",
            _remedy(place, full=False),
        )
    return EngineError(
        "The Pulumi CLI could not be run.",
        f"{reason}{where}.",
        "Run `dotrain doctor` to see what is wrong, then the same call again.",
    )


def check_room(directory: Path) -> None:
    """Raise OSError unless an operation can write what it has to, before it begins.

    A state that cannot be saved is one whose objects have to be searched for.
    """
    place = next(one for one in (directory, *directory.parents) if one.is_dir())
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(bytes(_ROOM))


def _remedy(place: Path, *, full: bool) -> str:
    if full:
        return f"Free some space where {place} is, then run the same call again."
    return (
        f"Make {place} writable for yourself (or set DOTRAIN_HOME to a directory that is), then "
        "run the same call again."
    )

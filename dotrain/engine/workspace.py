"""Where a stack lives: its directory, its backend, its secrets, its environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from dotrain import config, ownfiles
from dotrain.engine import passphrase
from dotrain.engine.locate import Engine
from dotrain.engine.provider import Provider
from dotrain.target import Target

PROJECT = "dotrain"

# Whatever the user's own Pulumi is told, dotrain's own backend is as it expects:
# not compressed, no file for each step, and one copy for each operation (that
# of its history; a second one would go to the backups).
_OWN = {
    f"PULUMI_{name}": value
    for switch, older, value in (
        ("GZIP", "SELF_MANAGED_STATE_GZIP", "false"),
        ("ZSTD", "SELF_MANAGED_STATE_ZSTD", "false"),
        ("RETAIN_CHECKPOINTS", "RETAIN_CHECKPOINTS", "false"),
        ("DISABLE_CHECKPOINT_BACKUPS", "DISABLE_CHECKPOINT_BACKUPS", "true"),
    )
    for name in (f"DIY_BACKEND_{switch}", older)
}


@dataclass(frozen=True)
class Backend:
    """Where the stacks of one account keep their state.

    Parameters
    ----------
    url : str
        A Pulumi backend URL.
    directory : pathlib.Path or None
        The directory, when it is one on this machine.
    shared : bool
        Whether it is a team's: nothing in it is restored or removed.
    """

    url: str
    directory: Path | None
    shared: bool = False

    def checkpoint(self, stack: str) -> Path:
        """Return the file with the state of `stack`."""
        plain = self._stacks / f"{stack}.json"
        packed = plain.with_name(f"{plain.name}.gz")
        # A team may have told Pulumi to compress.
        return packed if packed.exists() and not plain.exists() else plain

    def stacks(self) -> list[str]:
        """Return the names of the stacks."""
        files = [*self._stacks.glob("*.json"), *self._stacks.glob("*.json.gz")]
        return sorted({path.name.partition(".")[0] for path in files})

    def copies(self, stack: str) -> list[Path]:
        """Return the copies of the state of `stack`: the one before it, and those of operations."""
        found = [
            *self._stacks.glob(f"{stack}.json*.bak"),
            *self.history(stack).glob("*.checkpoint.json*"),
            *self.backups(stack).glob("*.json*"),
        ]
        return [path for path in found if path.suffix != ".attrs"]

    def history(self, stack: str) -> Path:
        """Return the directory with what Pulumi notes of each operation on `stack`."""
        return self._pulumi / "history" / PROJECT / stack

    def backups(self, stack: str) -> Path:
        """Return the directory with the copies that Pulumi makes besides."""
        return self._pulumi / "backups" / PROJECT / stack

    def locks(self, stack: str) -> Path:
        """Return the directory with the locks of `stack`."""
        return self._pulumi / "locks" / "organization" / PROJECT / stack

    def half_written(self, stack: str) -> list[Path]:
        """Return the files of `stack` that are being written, or were when a CLI was killed."""
        locks = list(self.locks(stack).glob("*"))
        others = [*self.history(stack).glob("*"), *self.backups(stack).glob("*")]
        others += self._stacks.glob(f"{stack}.json*")
        return [
            path
            for path in (*locks, *others)
            if path.suffix == ".tmp" or ((path.suffix == ".attrs" or path in locks) and _cut(path))
        ]

    @property
    def _stacks(self) -> Path:
        return self._pulumi / "stacks" / PROJECT

    @property
    def _pulumi(self) -> Path:
        if self.directory is None:
            raise ValueError(self.url)  # a caller's mistake: only local backends have files
        return self.directory / ".pulumi"


def _cut(path: Path) -> bool:
    # A lock, or what older versions noted of a file beside it: Pulumi stops at
    # a broken one, and goes on where there is none.
    try:
        return not json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return True


def backend(target: Target) -> Backend:
    """Return the backend for `target`: ``DOTRAIN_BACKEND``, or files in its directory.

    The sandbox always keeps its state beside itself: a team's backend is no
    place for what exists on one machine only.
    """
    url = config.backend_override()
    if url is None or target.is_sandbox:
        directory = target.directory / "state"
        # Without its notes of each file's content, which nobody reads.
        return Backend(f"file://{directory}?metadata=skip", directory)
    if url.startswith("file://"):
        path = url.removeprefix("file://").partition("?")[0]
        return Backend(url, Path(path).expanduser(), shared=True)
    return Backend(url, None, shared=True)


def directory(target: Target, stack: str) -> Path:
    """Return the directory with what this machine keeps about a stack, besides its state."""
    return ownfiles.private_dir(target.directory / "stacks" / stack)


def kubeconfig(target: Target, stack: str) -> Path:
    """Return where the kubeconfig of a cluster is written."""
    return target.directory / "kube" / f"{stack}.yaml"


class Note:
    """A line that this machine remembers about a stack, in a file beside its settings.

    Parameters
    ----------
    target : Target
        The account.
    stack : str
        The stack's name.
    what : str
        The file's name.
    """

    def __init__(self, target: Target, stack: str, what: str) -> None:
        self._path = directory(target, stack) / what

    def read(self) -> str:
        """Return the line; empty where there is none."""
        try:
            return self._path.read_text("ascii").strip()
        except OSError:
            return ""

    def write(self, line: str) -> None:
        """Remember `line`; forget the old one when it is empty."""
        if line:
            ownfiles.write_private(self._path, line)
        else:
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Workspace:
    """What the Pulumi CLI needs to work on one stack.

    Parameters
    ----------
    target : Target
        The account.
    stack : str
        The stack's name, which is the cluster's.
    engine : Engine
        The CLI.
    provider : Provider
        The DigitalOcean plugin.
    """

    target: Target
    stack: str
    engine: Engine
    provider: Provider

    @property
    def backend(self) -> Backend:
        """Where the stack keeps its state."""
        return backend(self.target)

    @property
    def directory(self) -> Path:
        """The directory with the stack's settings."""
        return directory(self.target, self.stack)

    def environment(self) -> dict[str, str]:
        """Return the variables of the CLI and its plugin; the token is here and in no file."""
        variables = {
            "PULUMI_BACKEND_URL": self.backend.url,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PATH": os.pathsep.join(map(str, [self.provider.directory, *config.search_path()])),
            # The provider reads either name: set both, so that a real token in
            # the kernel's environment never reaches the sandbox's provider.
            "DIGITALOCEAN_TOKEN": self.target.token,
            "DIGITALOCEAN_ACCESS_TOKEN": self.target.token,
            "DIGITALOCEAN_API_URL": self.target.url,
            **config.passphrase_override(),
        }
        if self.backend.directory is not None:
            # Keep clear of the user's own Pulumi: its login and its selected stack.
            variables["PULUMI_HOME"] = str(config.engine_home())
            ownfiles.private_dir(self.backend.directory)
        if not self.backend.shared:
            variables |= _OWN
        if not config.passphrase_override():
            known = self.backend.stacks() if self.backend.directory is not None else None
            path = passphrase.file(self.target.directory, known)
            variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(path)
        if self.target.is_sandbox:
            variables["DOTRAIN_SANDBOX_POLL_SECONDS"] = str(config.sandbox_poll())
        return variables

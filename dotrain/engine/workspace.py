"""Where a stack lives: its directory, its backend, its secrets, its environment."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from dotrain import config
from dotrain.engine.locate import Engine
from dotrain.engine.provider import Provider
from dotrain.errors import WrongPassphrase
from dotrain.target import Target

PROJECT = "dotrain"


@dataclass(frozen=True)
class Backend:
    """Where the stacks of one account keep their state.

    Parameters
    ----------
    url : str
        A Pulumi backend URL.
    directory : pathlib.Path or None
        The directory, when it is one on this machine.
    """

    url: str
    directory: Path | None

    def checkpoint(self, stack: str) -> Path:
        """Return the file with the state of `stack`."""
        return self._pulumi / "stacks" / PROJECT / f"{stack}.json"

    def locks(self, stack: str) -> Path:
        """Return the directory with the locks of `stack`."""
        return self._pulumi / "locks" / "organization" / PROJECT / stack

    def half_written(self, stack: str) -> list[Path]:
        """Return the files of `stack` that are being written, or were when a CLI was killed."""
        kept = (self._pulumi / kind / PROJECT / stack for kind in ("backups", "history"))
        found = [path for directory in (self.locks(stack), *kept) for path in directory.glob("*")]
        found += self.checkpoint(stack).parent.glob(f"{stack}.json*")
        return [path for path in found if path.suffix == ".tmp" or _is_broken_note(path)]

    @property
    def _pulumi(self) -> Path:
        if self.directory is None:
            raise ValueError(self.url)  # a caller's mistake: only local backends have files
        return self.directory / ".pulumi"


def _is_broken_note(path: Path) -> bool:
    # Pulumi writes what it notes of a file beside it, in place, and reads the
    # file no more when the note is broken; without one it does.
    try:
        return path.suffix == ".attrs" and not json.loads(path.read_text("utf-8"))
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
        return Backend(f"file://{directory}", directory)
    if url.startswith("file://"):
        return Backend(url, Path(url.removeprefix("file://")).expanduser())
    return Backend(url, None)


def directory(target: Target, stack: str) -> Path:
    """Return the directory with what this machine keeps about a stack, besides its state."""
    return config.private_dir(target.directory / "stacks" / stack)


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
            variables["PULUMI_HOME"] = str(config.private_dir(config.home() / "pulumi"))
            self.backend.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not config.passphrase_override():
            variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self._passphrase_file())
        if self.target.is_sandbox:
            variables["DOTRAIN_SANDBOX_POLL_SECONDS"] = str(config.sandbox_poll())
        return variables

    def _passphrase_file(self) -> Path:
        """Return the file with this account's passphrase, generated once."""
        path = self.target.directory / "passphrase"
        if path.exists():
            if not path.read_text("utf-8").strip():
                raise WrongPassphrase(
                    f"The passphrase file {path} is empty.",
                    "With an empty passphrase anybody could read the secrets in the state.",
                    "Restore it from a backup; if no cluster exists yet, delete it.",
                )
            return path
        directory = self.backend.directory
        if directory is not None and any(self.backend.checkpoint("*").parent.glob("*.json")):
            raise WrongPassphrase(
                f"The passphrase file {path} is gone.",
                "It decrypts the secrets in the state of the clusters that exist.",
                f"Restore it from a backup; without it, move {directory} away, delete the "
                "clusters in DigitalOcean's control panel and start anew.",
            )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            # Two first operations at once: the other one's passphrase holds.
            return path
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32))
        return path

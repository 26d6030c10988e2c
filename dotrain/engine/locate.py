"""Find a Pulumi CLI on this machine, without installing anything.

The order is ``DOTRAIN_PULUMI``, then ``PATH``, then what dotrain installed.

New enough means `VERSION` or later within the same major. The Automation API's
own minimum lies years lower; but its events, its lock files and its state are
what dotrain reads, and those were checked with `VERSION`.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain import config
from dotrain.engine import versions
from dotrain.errors import EngineNotFound

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "3.259.0"
"""The version that ``build/pulumi/go.mod`` pins; also the oldest one accepted."""

EXECUTABLE = "pulumi.exe" if os.name == "nt" else "pulumi"
NEEDED = f"{VERSION} or a later {VERSION.partition('.')[0]}.x"

# The first start of a new file can take long where a virus scanner reads it.
_PATIENCE = 30.0

# Running `pulumi version` takes about 0.1 s; a file that has not changed since
# answers the same. Failures are asked again: a busy machine is no broken CLI.
_answers: dict[tuple[str, str, int, int], str] = {}


@dataclass(frozen=True)
class Engine:
    """A Pulumi CLI that works.

    Attributes
    ----------
    path : pathlib.Path
        The executable.
    version : str
        Its version, such as ``3.259.0``.
    origin : str
        ``DOTRAIN_PULUMI``, ``PATH``, ``installed``, ``downloaded`` or ``built``.
    """

    path: Path
    version: str
    origin: str


def find() -> Engine | None:
    """Return the Pulumi CLI to use, or None when there is none; never installs one.

    Returns
    -------
    Engine or None
        The first that is new enough: ``DOTRAIN_PULUMI``, ``PATH``, installed by dotrain.

    Raises
    ------
    EngineNotFound
        When ``DOTRAIN_PULUMI`` names something unusable. Whoever names a CLI
        means that one, so it is not skipped over.
    """
    return override() or on_path()[0] or installed()


def override() -> Engine | None:
    """Return the CLI that ``DOTRAIN_PULUMI`` names, or raise when it cannot be used."""
    named = config.pulumi_override()
    if named is None:
        return None
    path = named.absolute()
    version, why = check(path)
    if version is None:
        raise EngineNotFound(
            f"DOTRAIN_PULUMI names {path}, which cannot be used.",
            f"It {why}.",
            f"Point it to a Pulumi CLI of version {NEEDED}, or unset it and run "
            "`dotrain engine install`.",
        )
    return Engine(path, version, "DOTRAIN_PULUMI")


def on_path() -> tuple[Engine | None, tuple[str, ...]]:
    """Return the first CLI on ``PATH`` that is new enough, and why those before it are not."""
    rejected: list[str] = []
    for directory in config.search_path():
        path = (directory / EXECUTABLE).absolute()
        if not runnable(path):
            continue
        version, why = check(path)
        if version is not None:
            return Engine(path, version, "PATH"), tuple(rejected)
        rejected.append(f"{path} {why}")
    return None, tuple(rejected)


def installed() -> Engine | None:
    """Return the CLI that dotrain installed, if it is there and works."""
    path = install_path()
    version, _ = check(path)
    return None if version is None else Engine(path, version, "installed")


def install_path() -> Path:
    """Return where dotrain installs the CLI."""
    return config.home() / "engine" / VERSION / "bin" / EXECUTABLE


def check(path: Path) -> tuple[str | None, str]:
    """Ask an executable for its version.

    Parameters
    ----------
    path : pathlib.Path
        The file to ask.

    Returns
    -------
    tuple of (str or None, str)
        The version when it is new enough; otherwise None and the reason, as
        the rest of a sentence that begins with the path.
    """
    if not runnable(path):
        return None, "is not an executable file" if path.exists() else "does not exist"
    text, why = ask(path, "version")
    if text is not None:
        why = _shortcoming(text)
    return (None, why) if why else ((text or "").removeprefix("v"), "")


def confirm(path: Path) -> None:
    """Raise EngineNotFound unless a CLI that was found is still one; costs a look at its file."""
    version, why = check(path)
    if version is None:
        raise changed(path, f"it {why}")


def changed(path: Path, why: str) -> EngineNotFound:
    """Return the error of a CLI that was removed, or replaced by something else, meanwhile."""
    return EngineNotFound(
        f"The Pulumi CLI {path} was changed while dotrain worked with it.",
        f"{why[:1].upper()}{why[1:]}.",
        f"Put a Pulumi {NEEDED} back, or run `dotrain engine install`, then run the same call "
        "again: what was made is saved, or found by its label.",
    )


def ask(path: Path, argument: str) -> tuple[str | None, str]:
    """Run ``path argument`` and return what it prints, remembered while the file is unchanged.

    Parameters
    ----------
    path : pathlib.Path
        The executable.
    argument : str
        The one argument that makes it print its version.

    Returns
    -------
    tuple of (str or None, str)
        What it printed, or None and the reason, as the rest of a sentence.
    """
    try:
        status = path.stat()
        key = (str(path), argument, status.st_mtime_ns, status.st_size)
        if key in _answers:
            return _answers[key], ""
        done = subprocess.run(
            [str(path), argument],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            env={
                **config.environment_without_secrets(),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "GOTOOLCHAIN": "local",
            },
        )
    except subprocess.TimeoutExpired:
        return None, f"did not answer `{argument}` within {_PATIENCE:.0f} seconds"
    except OSError as error:
        return None, f"does not start ({error.strerror or error})"
    if done.returncode:
        return None, f"fails when asked for its version (exit status {done.returncode})"
    _answers[key] = done.stdout.decode("utf-8", "replace").strip()
    return _answers[key], ""


def runnable(path: Path) -> bool:
    """Return whether a path is a file that this user may execute."""
    return path.is_file() and os.access(path, os.X_OK)


def _shortcoming(text: str) -> str:
    """Return why the version that a CLI printed will not do; empty when it will."""
    if not text:
        return "prints no version: it was built without one, and Pulumi's SDK refuses that"
    version, wanted = versions.parse(text), versions.parse(VERSION)
    if version is None or wanted is None:
        return f"prints {text[:60]!r} instead of a version"
    if not versions.serves(version, wanted):
        return f"is version {text.removeprefix('v')}; dotrain needs {NEEDED}"
    return ""

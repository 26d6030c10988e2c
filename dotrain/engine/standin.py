"""The stand-in for the DigitalOcean provider: for the sandbox, and for nothing else."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import tempfile
from pathlib import Path

from dotrain import config, ownfiles
from dotrain.errors import ProviderNotFound

NAME = "pulumi-resource-digitalocean"

_MODULE = "dotrain.sandbox.provider"
_HEAD = 4096


def write() -> Path:
    """Write the stand-in's executable, unless it is there, and return its directory.

    Raises
    ------
    ProviderNotFound
        On a system that cannot run a shell script.
    """
    if os.name != "posix":
        raise ProviderNotFound(
            "The sandbox has no provider on this system.",
            "The official DigitalOcean provider is not installed, and dotrain's stand-in "
            "for it runs on Linux and macOS only.",
            "Run `pulumi plugin install resource digitalocean`, then try again.",
        )
    text = script()
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    directory = ownfiles.private_dir(config.home() / "standin" / name)
    path = directory / NAME
    if not _complete(path, text):
        _write(path, text)
    return directory


def script() -> str:
    """Return the stand-in's text: this very Python, running this very dotrain."""
    package = shlex.quote(str(Path(__file__).resolve().parents[2]))
    return (
        "#!/bin/sh\n"
        "# dotrain's stand-in for the DigitalOcean provider. It serves the sandbox only.\n"
        f"PYTHONPATH={package}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        "export PYTHONPATH\n"
        f'exec {shlex.quote(sys.executable)} -m {_MODULE} "$@"\n'
    )


def is_standin(path: Path) -> bool:
    """Return whether an executable is a stand-in, of whatever installation of dotrain."""
    try:
        with path.open("rb") as file:
            return _MODULE.encode() in file.read(_HEAD)
    except OSError:
        return False


def _complete(path: Path, text: str) -> bool:
    try:
        return path.read_text("utf-8") == text and os.access(path, os.X_OK)
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".partial-", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        partial.chmod(0o700)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

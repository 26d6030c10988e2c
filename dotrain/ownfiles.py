"""Files and directories that only this user can read, written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dotrain.errors import ConfigError

DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What it raises to read, as what should be in a file, something else or only a part of it."""


def private_dir(path: Path) -> Path:
    """Make a directory only this user can enter, with its parents, and return it."""
    try:
        # Each parent by itself: `parents=True` would leave them open to others.
        for parent in [one for one in path.parents if not one.exists()][::-1]:
            parent.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_mode & 0o077 and os.name == "posix":
            path.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"The directory {path} cannot be used.",
            f"{error.strerror or error}.",
            "Make it writable, or set DOTRAIN_HOME to a directory of yours.",
        ) from error
    return path


def write_private(path: Path, content: str | bytes, *, replace: bool = True) -> None:
    """Write a file only this user can read, in one step: whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    content : str or bytes
        What is to be in it.
    replace : bool
        Whether it takes the place of one that is there, which otherwise stays.

    Raises
    ------
    ConfigError
        When the disk is full, or may not be written.
    """
    with writing_private(path, replace=replace) as file:
        file.write(content if isinstance(content, bytes) else content.encode())


@contextmanager
def writing_private(path: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Open a file to write as `write_private` does, for what is too large for the memory."""
    # Named before it is there, so that whatever cuts this off leaves nothing.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # Made for this user only, and by no two writers at once.
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            # On the disk before it has its name, or a power cut could leave it empty.
            os.fsync(file.fileno())
        if replace or not _name(partial, path):
            partial.replace(path)
    except OSError as error:
        raise ConfigError(
            f"The file {path} cannot be written.",
            f"{error.strerror or error}.",
            "Free some space or make the directory writable, then run the same call again.",
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _name(partial: Path, path: Path) -> bool:
    """Give a file its name unless another has it; return whether one of the two has it now."""
    try:
        os.link(partial, path)
    except FileExistsError:
        return True
    except OSError:
        # Not every file system gives a file two names.
        return path.exists()
    return True

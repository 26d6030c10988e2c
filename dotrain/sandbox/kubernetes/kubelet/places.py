"""Where on this machine the files of a Pod are."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path

from dotrain.sandbox.kubernetes.kubelet.directories import remove

PODS = "pods"
"""What of a control plane's directory has the directories of its Pods."""

_MEMORY = Path("/dev/shm")  # noqa: S108 (a private directory in it)
_PREFIX = "dotrain-pod-"
_PLAIN = re.compile(r"[\w./+-]+")


def files(directory: Path) -> Path:
    """Return where the volumes of a Pod are: in its own directory, if its path is a plain one.

    The path ends up in scripts, which do not quote the paths that a Pod has. One
    with a space, say, is not used: a short one stands for it.

    Parameters
    ----------
    directory : pathlib.Path
        The Pod's own directory, called as the Pod's uid.
    """
    plain = _PLAIN.fullmatch(str(directory))
    return directory if plain else Path(tempfile.gettempdir(), f"{_PREFIX}{directory.name}")


def memory(directory: Path) -> Path:
    """Return where its volumes are that are in memory, where this machine has that."""
    if os.access(_MEMORY, os.W_OK | os.X_OK):
        return _MEMORY / f"{_PREFIX}{directory.name}"
    return files(directory) / "memory"


def private(path: Path) -> Path:
    """Make a directory that is this user's alone, and return it.

    Raises
    ------
    OSError
        When it cannot be, or somebody else has made it.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} is not this user's alone")
    return path


def release(directory: Path) -> None:
    """Remove what a Pod has outside of its own directory."""
    for path in {files(directory), memory(directory)} - {directory}:
        if path.exists():
            remove(path)


def remove_pod(directory: Path) -> None:
    """Remove all directories of a Pod."""
    release(directory)
    remove(directory)


def remove_plane(directory: Path) -> None:
    """Remove the directory of a control plane, with all that its Pods have."""
    for pod in directory.glob(f"{PODS}/*"):
        release(pod)
    remove(directory)

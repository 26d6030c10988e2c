"""The programs of a Kubernetes control plane, for the sandbox: found, or built."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import config, ownfiles
from dotrain.engine import gobuild, scratch
from dotrain.engine.exclusive import exclusive, installer
from dotrain.errors import EngineBuildFailed, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = config.KUBERNETES

_STAMP = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = VERSION.split(".")

RECIPE = gobuild.Recipe(
    what=f"a Kubernetes {VERSION} control plane",
    module="kubernetes",
    packages=(
        "go.etcd.io/etcd/server/v3",
        *(
            f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        "sigs.k8s.io/kwok/cmd/kwok",
    ),
    # Without it the API server takes itself for version 0, and refuses to start.
    linker=f"-s -w -X {_STAMP}.gitVersion=v{VERSION} "
    f"-X {_STAMP}.gitMajor={_MAJOR} -X {_STAMP}.gitMinor={_MINOR}",
    minutes=10,
    command="dotrain sandbox install-kubernetes",
)


def install(progress: Callable[[str], None]) -> Path:
    """Return the directory with the programs, built there when they are not.

    Parameters
    ----------
    progress : callable
        Told in one line each what goes on, at least every ten seconds.

    Raises
    ------
    SandboxError
        When they cannot be built, or put in their place.
    """
    place = config.kubernetes()
    if complete(place):
        return place
    directory = ownfiles.private_dir(config.home() / "kubernetes")

    try:
        with exclusive(directory / "lock", installer(progress)):
            scratch.sweep(directory)
            if not complete(place):
                _refuse_taken(place)
                place.parent.mkdir(parents=True, exist_ok=True)
                # Both before it is built: that takes long, and each may be impossible.
                with scratch.make(directory) as room, scratch.make(place.parent) as beside:
                    made = gobuild.build(RECIPE, directory, Path(room), progress)
                    # Go names it after the last part of its path.
                    (made / "server").rename(made / "etcd")
                    # Onto its file system first, and then into its place at once.
                    Path(shutil.move(made, beside)).rename(place)
                scratch.tidy(directory, progress)
    except EngineBuildFailed as error:
        raise SandboxError(error.what, error.why, error.fix) from error
    except OSError as error:
        raise SandboxError(
            f"The Kubernetes control plane could not be installed in {place}.",
            f"{error.strerror or error} ({error.filename or directory}).",
            "Let this user write there, with 4 GB free, or set DOTRAIN_KUBERNETES or DOTRAIN_HOME "
            "to another directory.",
        ) from error
    progress(f"the Kubernetes {VERSION} control plane is built: {place}")
    return place


def _refuse_taken(place: Path) -> None:
    """Refuse a place where something else is: it is not dotrain's to remove."""
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        missing = [name for name in config.KUBERNETES_PROGRAMS if not _has(place, name)]
        raise SandboxError(
            f"The Kubernetes control plane cannot be installed in {place}.",
            f"Something is there already, and it lacks {', '.join(missing)}.",
            "Remove it, or set DOTRAIN_KUBERNETES to another directory.",
        )


def complete(directory: Path) -> bool:
    """Return whether a directory has all of the programs."""
    return all(_has(directory, name) for name in config.KUBERNETES_PROGRAMS)


def _has(directory: Path, name: str) -> bool:
    return os.access(directory / name, os.X_OK)

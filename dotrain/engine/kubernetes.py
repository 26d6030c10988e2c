"""The programs of a Kubernetes control plane, for the sandbox: found, or built."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import config
from dotrain.engine import gobuild, scratch
from dotrain.engine.exclusive import every, exclusive
from dotrain.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = config.KUBERNETES

_REPEAT = 10.0
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
        When they cannot be built.
    """
    place = config.kubernetes()
    if complete(place):
        return place
    directory = config.private_dir(config.home() / "kubernetes")

    def waiting(holder: str, seconds: float) -> None:
        progress(f"waiting for {holder}, which installs the same, {seconds:.0f}s")

    try:
        with exclusive(directory / "lock", every(_REPEAT, waiting)):
            scratch.sweep(directory)
            if not complete(place):
                with scratch.make(directory) as room:
                    made = gobuild.build(RECIPE, directory, Path(room), progress)
                    # Go names it after the last part of its path.
                    (made / "server").rename(made / "etcd")
                    made.rename(place)
                scratch.tidy(directory, progress)
    except OSError as error:
        raise SandboxError(
            f"The Kubernetes control plane could not be installed in {directory}.",
            f"{error.strerror or error}.",
            "Free some space there, or set DOTRAIN_HOME to another directory.",
        ) from error
    progress(f"the Kubernetes {VERSION} control plane is built: {place}")
    return place


def complete(directory: Path) -> bool:
    """Return whether a directory has all of the programs."""
    return all(os.access(directory / name, os.X_OK) for name in config.KUBERNETES_PROGRAMS)

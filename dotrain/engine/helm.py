"""Helm, which installs operators by their own charts: found, or built.

The order is ``DOTRAIN_HELM``, then ``PATH``, then what dotrain built.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import config
from dotrain.engine import gobuild, scratch
from dotrain.engine.exclusive import every, exclusive
from dotrain.errors import HelmNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "3.22.0"
"""The version that ``build/helm/go.mod`` pins."""

EXECUTABLE = "helm.exe" if os.name == "nt" else "helm"

_REPEAT = 10.0
_GET = (
    "Install it (https://helm.sh/docs/intro/install), or run `dotrain engine install-helm`, which "
    "builds it in about 2 minutes."
)

RECIPE = gobuild.Recipe(
    what=f"Helm {VERSION}",
    module="helm",
    packages=("helm.sh/helm/v3/cmd/helm",),
    linker=f"-s -w -X helm.sh/helm/v3/internal/version.version=v{VERSION}",
    minutes=2,
    command="dotrain engine install-helm",
)


def find() -> Path:
    """Return the Helm to use; never installs one.

    Raises
    ------
    HelmNotFound
        When there is none, or ``DOTRAIN_HELM`` names something that cannot be run.
    """
    named = config.helm_override()
    if named is not None:
        if _runs(named):
            return named
        raise HelmNotFound(
            f"DOTRAIN_HELM names {named}, which cannot be used.",
            "There is no program of that name.",
            "Point it to a Helm of version 3.8 or later, or unset it.",
        )
    for path in (*(one / EXECUTABLE for one in config.search_path()), _place()):
        if _runs(path):
            return path
    raise HelmNotFound(
        "There is no Helm on this machine.",
        "The operator is installed by its own chart, which needs Helm.",
        _GET,
    )


def install(progress: Callable[[str], None]) -> Path:
    """Return the Helm that dotrain built, built now when it was not.

    Parameters
    ----------
    progress : callable
        Told in one line each what goes on, at least every ten seconds.

    Raises
    ------
    EngineBuildFailed
        When it cannot be built.
    HelmNotFound
        When it cannot be put in its place.
    """
    place = _place()
    if _runs(place):
        return place
    directory = config.private_dir(config.home() / "helm")

    def waiting(holder: str, seconds: float) -> None:
        progress(f"waiting for {holder}, which installs the same, {seconds:.0f}s")

    try:
        with exclusive(directory / "lock", every(_REPEAT, waiting)):
            scratch.sweep(directory)
            if not _runs(place):
                with scratch.make(directory) as room:
                    made = gobuild.build(RECIPE, directory, Path(room), progress)
                    (made / EXECUTABLE).replace(place)
                scratch.tidy(directory, progress)
    except OSError as error:
        raise HelmNotFound(
            f"Helm could not be installed in {place.parent}.",
            f"{error.strerror or error}.",
            "Let this user write there, with 2 GB free, or set DOTRAIN_HOME to another directory.",
        ) from error
    return place


def _place() -> Path:
    return config.home() / "helm" / f"helm-{VERSION}"


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)

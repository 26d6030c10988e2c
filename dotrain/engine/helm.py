"""Helm, which installs operators by their own charts: found, or built.

The order is ``DOTRAIN_HELM``, then ``PATH``, then what dotrain built. It has to
be of version 3.13 or later.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import config, ownfiles
from dotrain.engine import child, gobuild, scratch
from dotrain.engine.exclusive import exclusive, installer
from dotrain.errors import HelmNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "3.22.0"
"""The version that ``build/helm/go.mod`` pins."""

EXECUTABLE = "helm.exe" if os.name == "nt" else "helm"

# Of which `helm uninstall` has --ignore-not-found.
_LEAST = (3, 13)
_VERSION = re.compile(r"v(\d+)\.(\d+)\.")
_VERSION_LIMIT = 30.0
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
        When there is none of version 3.13 or later, or ``DOTRAIN_HELM`` names
        something that is none.
    """
    named = config.helm_override()
    if named is not None:
        if not _runs(named):
            why = "There is no program of that name."
        elif why := _unusable(named):
            why = f"{why}."
        else:
            return named
        raise HelmNotFound(
            f"DOTRAIN_HELM names {named}, which cannot be used.",
            why,
            f"Point it to a Helm of version {_written(_LEAST)} or later, or unset it.",
        )
    old = []
    for path in (*(one / EXECUTABLE for one in config.search_path()), _place()):
        if _runs(path):
            why = _unusable(path)
            if not why:
                return path
            old.append(f"{path} cannot be used: {why}.")
    raise HelmNotFound(
        f"There is no Helm {_written(_LEAST)} or later on this machine.",
        "The operator is installed by its own chart, which needs Helm. " + " ".join(old),
        _GET,
    )


def _unusable(path: Path) -> str:
    """Return why a Helm cannot be used; empty when it can."""
    args = [str(path), "version", "--short"]
    env = config.environment_for_helm()
    try:
        with tempfile.TemporaryDirectory(prefix="dotrain-") as room:
            outcome = child.run(args, limit=_VERSION_LIMIT, env=env, cwd=Path(room))
    except OSError as error:
        return f"it cannot be run: {error.strerror or error}"
    if outcome.failure:
        return f"it does not say its version: {outcome.failure}"
    found = next(filter(None, map(_VERSION.match, outcome.tail)), None)
    if found is None:
        return "it says no version of Helm"
    version = int(found[1]), int(found[2])
    return "" if version >= _LEAST else f"its version is {_written(version)}"


def _written(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


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
    directory = ownfiles.private_dir(config.home() / "helm")

    try:
        with exclusive(directory / "lock", installer(progress)):
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

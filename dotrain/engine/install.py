"""Install the Pulumi CLI: downloaded where that works, else built.

Both ways work in a scratch directory beside the place where the CLI ends, and
both end with one rename of one file: an interrupt leaves a scratch directory,
which the next run removes, and never half a CLI.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dotrain import config, ownfiles
from dotrain.engine import locate, scratch
from dotrain.engine.build import build
from dotrain.engine.download import download
from dotrain.engine.exclusive import exclusive, installer
from dotrain.engine.locate import NEEDED, VERSION, Engine
from dotrain.errors import DotrainError, EngineError, EngineNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    Route = Literal["auto", "download", "build"]


def _silent(_: str) -> None:
    """Tell nobody."""


def ensure(progress: Callable[[str], None] = _silent) -> Engine:
    """Return the Pulumi CLI to use, installing it when there is none.

    Parameters
    ----------
    progress : callable
        Told in one line each what goes on, at least every ten seconds.

    Raises
    ------
    EngineNotFound
        When ``DOTRAIN_PULUMI`` names something unusable, or no route worked.
    """
    return locate.find() or install(progress)


def install(
    progress: Callable[[str], None] = _silent, *, route: Route = "auto", force: bool = False
) -> Engine:
    """Install the Pulumi CLI in dotrain's data directory.

    Parameters
    ----------
    progress : callable
        Told in one line each what goes on, at least every ten seconds.
    route : {"auto", "download", "build"}
        The official download, a build from its Go modules, or the first that works.
    force : bool
        Whether to install it again where it is installed already.

    Returns
    -------
    Engine
        The CLI, with how it came here: ``downloaded``, ``built`` or ``installed`` before.

    Raises
    ------
    EngineNotFound
        When every route failed; it names each with its reason.
    EngineBuildFailed
        When the build was asked for and failed.
    """
    if os.name != "posix":
        raise EngineNotFound(
            "dotrain does not install the Pulumi CLI on this system.",
            "It knows how to on Linux and macOS.",
            f"Install Pulumi {NEEDED} from https://www.pulumi.com/docs/install; "
            "dotrain finds it on PATH.",
        )
    directory = ownfiles.private_dir(config.home() / "engine")

    try:
        with exclusive(directory / "lock", installer(progress)) as waited:
            scratch.sweep(directory)
            # Whoever was waited for has just made it anew.
            present = locate.installed() if waited or not force else None
            if present is not None:
                progress(f"the Pulumi CLI {present.version} is installed: {present.path}")
                return present
            return _install(directory, progress, route)
    except OSError as error:
        raise EngineNotFound(
            f"The Pulumi CLI could not be installed in {directory}.",
            f"{error.strerror or error}.",
            "Free some space there, or set DOTRAIN_HOME to another directory.",
        ) from error


def _install(directory: Path, progress: Callable[[str], None], route: Route) -> Engine:
    failures: list[str] = []
    if route != "build":
        try:
            with scratch.make(directory) as room:
                return _keep(download(Path(room), progress), "downloaded", progress)
        except EngineError as error:
            if route == "download":
                raise
            progress(f"no download: {error.why}")
            failures.append(f"Download: {error.why}")
    try:
        with scratch.make(directory) as room:
            engine = _keep(build(directory, Path(room), progress), "built", progress)
        scratch.tidy(directory, progress)
    except EngineError as error:
        if route == "build":
            raise
        failures.append(f"Build: {error.why}")
    else:
        return engine
    found = [f"PATH: {why}." for why in locate.on_path()[1]] or ["PATH: no `pulumi` there."]
    raise EngineNotFound(
        "There is no usable Pulumi CLI, and none could be installed.",
        " ".join([*found, *failures]),
        "Let this machine reach get.pulumi.com or the Go module proxy and run "
        f"`dotrain engine install`, or install Pulumi {NEEDED} and set DOTRAIN_PULUMI to it.",
    )


def _keep(made: Path, origin: str, progress: Callable[[str], None]) -> Engine:
    """Move a checked executable to its place, in one step."""
    place = locate.install_path()
    ownfiles.private_dir(place.parent)
    made.chmod(0o700)
    # On the disk before it has its name, or a power cut could leave a hole there.
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(place)
    engine = locate.installed()
    if engine is None:
        raise DotrainError(
            f"The Pulumi CLI {VERSION} was installed in {place}, and does not run there.",
            "The file system may forbid executables.",
            "Set DOTRAIN_HOME to a directory whose file system allows them.",
        )
    progress(f"the Pulumi CLI {engine.version} is {origin}: {place}")
    return Engine(engine.path, engine.version, origin)

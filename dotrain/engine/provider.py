"""Choose the DigitalOcean provider: the official plugin, or the sandbox's stand-in.

The official one must have the same major version as the SDK and be no older. A
provider drops the arguments it does not know without a word; with an older one
such an argument could be a firewall.

It is looked for on ``PATH``, among the plugins of the user's Pulumi, and among
dotrain's own; then downloaded. The stand-in serves the sandbox only: the real
API is never reached through it.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain import config, ownfiles
from dotrain.engine import child, locate, network, standin, versions
from dotrain.errors import ConfigError, ProviderNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dotrain.engine.locate import Engine

SDK = "pulumi-digitalocean"

_FILE = standin.NAME + (".exe" if os.name == "nt" else "")
_PLUGIN = re.compile(r"resource-digitalocean-v(\d+\.\d+\.\d+)")
_LIMIT = 60.0
_DAY = 86400.0


@dataclass(frozen=True)
class Provider:
    """A provider plugin.

    Attributes
    ----------
    directory : pathlib.Path
        To stand first on the workspace's ``PATH``.
    kind : str
        ``official`` or ``stand-in``.
    version : str
        Its version; a stand-in's is that of the SDK it serves.
    """

    directory: Path
    kind: str
    version: str


def choose(*, sandbox: bool, engine: Engine, progress: Callable[[str], None]) -> Provider:
    """Return the provider to run, downloading the official one where that works.

    Parameters
    ----------
    sandbox : bool
        Whether the sandbox is the target; only then may the stand-in serve.
    engine : Engine
        The CLI that downloads plugins.
    progress : callable
        Told which provider runs, and why.

    Raises
    ------
    ProviderNotFound
        For the real API, when the official provider is neither here nor to be had.
    """
    provider = official()
    if provider is None:
        try:
            provider = _remembered(engine, progress)
        except ProviderNotFound as error:
            if not sandbox:
                raise
            progress(f"the sandbox runs with dotrain's stand-in provider. {error.why}")
            return Provider(standin.write(), "stand-in", wanted())
    progress(f"the official DigitalOcean provider {provider.version} runs: {provider.directory}")
    return provider


def official() -> Provider | None:
    """Return the official provider if it is on this machine, new enough; downloads nothing."""
    needed = versions.parse(wanted())
    if needed is None:
        return None
    for directory in config.search_path():
        path = (directory / _FILE).absolute()
        if not locate.runnable(path) or standin.is_standin(path):
            continue
        text, _ = locate.ask(path, "-version")
        version = versions.parse(text or "")
        if version is not None and versions.serves(version, needed):
            return Provider(path.parent, "official", (text or "").removeprefix("v"))
    fitting = [
        (version, path)
        for version, path in _plugins()
        if versions.serves(version, needed) and not standin.is_standin(path)
    ]
    if not fitting:
        return None
    version, path = max(fitting)
    return Provider(path.parent, "official", f"{version.major}.{version.minor}.{version.patch}")


def fetch(engine: Engine, progress: Callable[[str], None]) -> Provider:
    """Download the official provider now, whatever happened the last time.

    Parameters
    ----------
    engine : Engine
        The CLI that downloads it.
    progress : callable
        Told what goes on, at least every ten seconds.

    Raises
    ------
    ProviderNotFound
        When it cannot be downloaded; for a day `choose` does not try again.
    """
    memory = _memory()
    why = _download(engine, progress)
    provider = None if why else official()
    if provider is None:
        why = why or "the download ended well, but brought no provider"
        ownfiles.write_private(memory, why)
        raise _not_found(why)
    memory.unlink(missing_ok=True)
    return provider


def wanted() -> str:
    """Return the version of the installed SDK, which the provider must match.

    Raises
    ------
    ConfigError
        When the SDK is not installed.
    """
    try:
        return importlib.metadata.version(SDK)
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"The Python package {SDK} is not installed.",
            "dotrain describes clusters with it.",
            f"Run `pip install {SDK}`.",
        ) from error


def last_failure() -> str:
    """Return why the download failed within the last day; empty when it did not."""
    memory = _memory()
    try:
        age = time.time() - memory.stat().st_mtime
        return memory.read_text("utf-8") if 0 <= age < _DAY else ""
    except OSError:
        return ""


def _remembered(engine: Engine, progress: Callable[[str], None]) -> Provider:
    why = last_failure()
    if why:
        raise _not_found(f"{why} (tried within the last day)")
    return fetch(engine, progress)


def _download(engine: Engine, progress: Callable[[str], None]) -> str:
    """Have the CLI install the plugin; return why that failed, or nothing."""
    if os.name != "posix":
        return "dotrain downloads it on Linux and macOS only"
    version = wanted()
    progress(f"downloading the DigitalOcean provider {version} from {network.VENDOR}")
    obstacle = network.obstacle()
    if obstacle:
        return obstacle
    place = config.engine_home()
    plugin = ("resource", "digitalocean", f"v{version}")
    outcome = child.run(
        [str(engine.path), "plugin", "install", *plugin, "--non-interactive", "--color=never"],
        limit=_LIMIT,
        env=child.environment(PULUMI_HOME=str(place), PULUMI_SKIP_UPDATE_CHECK="true"),
        cwd=place,
        on_tick=lambda seconds: progress(f"downloading, {child.elapsed(seconds)}"),
    )
    return outcome.failure


def _plugins() -> Iterator[tuple[versions.Version, Path]]:
    """Yield each installed plugin; one whose installation has not ended has a marker beside it."""
    for home in (config.pulumi_home(), config.engine_home()):
        for directory in sorted((home / "plugins").glob("resource-digitalocean-v*")):
            match = _PLUGIN.fullmatch(directory.name)
            version = versions.parse(match.group(1)) if match else None
            path = (directory / _FILE).absolute()
            unfinished = directory.with_name(f"{directory.name}.partial").exists()
            if version is not None and locate.runnable(path) and not unfinished:
                yield version, path


def _memory() -> Path:
    return config.engine_home() / f"provider-{wanted()}.failed"


def _not_found(why: str) -> ProviderNotFound:
    return ProviderNotFound(
        f"The official DigitalOcean provider {wanted()} is not on this machine.",
        f"{why[:1].upper()}{why[1:]}.",
        f"Let this machine reach {network.VENDOR} and run `dotrain engine install`, or run "
        f"`pulumi plugin install resource digitalocean v{wanted()}` where that works and copy "
        "its directory of plugins. Until then the sandbox works.",
    )

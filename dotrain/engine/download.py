"""Download the Pulumi CLI from its vendor, with the SDK's own installer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dotrain.engine import child, locate, network
from dotrain.engine.locate import VERSION
from dotrain.errors import EngineNotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LIMIT = 900.0

# A process of its own, since the SDK's installer has no time-out; its last line
# is the reason, where the SDK's exception would only name the script.
_INSTALLER = """\
import subprocess, sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
try:
    PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
except subprocess.CalledProcessError as error:
    sys.exit((error.output or b"").decode("utf-8", "replace").strip() or str(error))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def download(scratch: Path, progress: Callable[[str], None]) -> Path:
    """Download the CLI and return the executable, its version checked.

    Parameters
    ----------
    scratch : pathlib.Path
        An empty directory that the caller removes.
    progress : callable
        Told what goes on, at least every ten seconds.

    Raises
    ------
    EngineNotFound
        When the vendor cannot be reached, or what comes does not run.
    """
    progress(f"downloading the Pulumi CLI {VERSION} from {network.VENDOR}")
    obstacle = network.obstacle()
    if obstacle:
        raise _failed(obstacle)
    temporary = scratch / "tmp"
    temporary.mkdir()
    outcome = child.run(
        [sys.executable, "-c", _INSTALLER, str(scratch), VERSION],
        limit=_LIMIT,
        env=child.environment(TMPDIR=str(temporary), PULUMI_SKIP_UPDATE_CHECK="true"),
        cwd=temporary,
        on_tick=lambda seconds: progress(f"downloading, {child.elapsed(seconds)}"),
    )
    if outcome.failure:
        raise _failed(outcome.failure)
    made = scratch / "bin" / locate.EXECUTABLE
    version, why = locate.check(made)
    if version is None:
        raise _failed(f"what was downloaded {why}")
    return made


def _failed(why: str) -> EngineNotFound:
    return EngineNotFound(
        "The Pulumi CLI could not be downloaded.",
        f"{why[:1].upper()}{why[1:]}.",
        f"Let this machine reach {network.VENDOR}, or build it with "
        "`dotrain engine install --route build`.",
    )

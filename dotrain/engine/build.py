"""Build the Pulumi CLI from its Go modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.engine import gobuild, locate
from dotrain.engine.locate import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECIPE = gobuild.Recipe(
    what=f"the Pulumi CLI {VERSION}",
    module="pulumi",
    packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    # Without the version stamp `pulumi version` prints nothing, and the SDK then
    # refuses the CLI.
    linker=f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}",
    minutes=4,
    command="dotrain engine install",
)


def build(directory: Path, scratch: Path, progress: Callable[[str], None]) -> Path:
    """Build the CLI and return the executable, its version checked; see `gobuild.build`."""
    made = gobuild.build(RECIPE, directory, scratch, progress) / locate.EXECUTABLE
    version, why = locate.check(made)
    if version != VERSION:
        raise RECIPE.failed(f"what was built {why or f'is version {version}'}")
    return made

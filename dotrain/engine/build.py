"""Build the Pulumi CLI from its Go modules.

``build/go.mod`` names the CLI as a tool of a module of dotrain's own, and
``build/go.sum`` the content of everything it is made of: what comes out is the
same whoever builds it, and the Go module proxy is all that must be reachable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.engine import child, gotool, locate
from dotrain.engine.locate import VERSION
from dotrain.errors import EngineBuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEFTOVERS = (f"go-{gotool.PACKAGED}", "go-modules", "go-cache")
"""What a build with a fetched Go leaves in its directory, so that a failed one can go on."""

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

# Without the version stamp `pulumi version` prints nothing, and the SDK then
# refuses the CLI.
LINKER = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"

_FETCH_LIMIT = 1200.0
_BUILD_LIMIT = 3600.0

# Left over from building something else, these would change what is built.
_FOREIGN = ("GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GOTOOLDIR", "GO111MODULE")


def build(directory: Path, scratch: Path, progress: Callable[[str], None]) -> Path:
    """Build the CLI and return the executable, its version checked.

    Parameters
    ----------
    directory : pathlib.Path
        Where a fetched toolchain and its caches are kept until a build works.
    scratch : pathlib.Path
        An empty directory that the caller removes.
    progress : callable
        Told what goes on, at least every ten seconds.

    Raises
    ------
    EngineBuildFailed
        When there is no Go, its modules cannot be fetched, or they do not build.
    """
    progress(
        f"building the Pulumi CLI {VERSION} from its Go modules: "
        "about 4 minutes on 2 cores, once per machine"
    )
    go = gotool.obtain(progress, directory)
    progress(f"building with Go {go.version} ({go.path})")
    module = scratch / "module"
    module.mkdir()
    for name in ("go.mod", "go.sum"):
        (module / name).write_bytes(gotool.module_file(name))
    env = _environment(go, directory, scratch)
    packages = _fetch(go, module, env, progress)
    made = _compile(go, module, env, progress, packages)
    version, why = locate.check(made)
    if version != VERSION:
        raise _failed(f"what was built {why or f'is version {version}'}")
    return made


def _environment(go: gotool.Go, directory: Path, scratch: Path) -> dict[str, str]:
    temporary = scratch / "tmp"
    temporary.mkdir()
    env = child.environment(
        CGO_ENABLED="0",
        GOTOOLCHAIN="local",
        GOWORK="off",
        GOFLAGS="-mod=readonly",
        GOTMPDIR=str(temporary),
    )
    for name in _FOREIGN:
        env.pop(name, None)
    if go.packaged:
        # Writable modules, or only root could remove them again.
        env["GOFLAGS"] += " -modcacherw"
        env["GOROOT"] = str(go.path.parents[1])
        env.setdefault("GOMODCACHE", str(directory / LEFTOVERS[1]))
        env.setdefault("GOCACHE", str(directory / LEFTOVERS[2]))
    return env


def _fetch(
    go: gotool.Go, module: Path, env: dict[str, str], progress: Callable[[str], None]
) -> int:
    """Fetch the modules that the CLI is made of; return its number of packages.

    Not with ``go mod download``, which wants all modules of the graph: more than
    are used, and some that a proxy need not have.
    """
    fetched = packages = 0

    def count(line: str) -> None:
        nonlocal fetched, packages
        fetched += line.startswith("go: downloading ")
        packages += " " not in line

    outcome = child.run(
        [str(go.path), "list", "-deps", PACKAGE],
        limit=_FETCH_LIMIT,
        env=env,
        cwd=module,
        on_line=count,
        on_tick=lambda seconds: progress(f"fetched {fetched} modules, {child.elapsed(seconds)}"),
    )
    if outcome.failure:
        raise _failed(f"its Go modules could not be fetched: {outcome.failure}")
    progress(f"fetched {fetched} modules" if fetched else "all modules are on this machine")
    return packages


def _compile(
    go: gotool.Go,
    module: Path,
    env: dict[str, str],
    progress: Callable[[str], None],
    packages: int,
) -> Path:
    compiled = 0
    made = module.parent / locate.EXECUTABLE

    def count(line: str) -> None:
        nonlocal compiled
        # -v prints the path of each package; anything else is a complaint.
        compiled += " " not in line and not line.startswith("#")

    def report(seconds: float) -> None:
        # Those already in Go's cache are not printed, hence "at most".
        progress(f"compiled {compiled} of at most {packages} packages, {child.elapsed(seconds)}")

    flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", LINKER, "-o", str(made)]
    outcome = child.run(
        [str(go.path), "build", *flags, PACKAGE],
        limit=_BUILD_LIMIT,
        env=env,
        cwd=module,
        on_line=count,
        on_tick=report,
    )
    if outcome.failure:
        raise _failed(f"`go build` stopped: {outcome.failure}")
    progress(f"compiled {compiled} packages and linked them")
    return made


def _failed(why: str) -> EngineBuildFailed:
    return EngineBuildFailed(
        "The Pulumi CLI could not be built.",
        f"{why[:1].upper()}{why[1:]}.",
        "Let this machine reach the Go module proxy (GOPROXY) with 4 GB of free space, "
        "then run `dotrain engine install` again.",
    )

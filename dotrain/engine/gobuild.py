"""Build programs from the Go modules that ``build/`` pins, one directory for each.

A ``go.mod`` there names the programs as tools of a module of dotrain's own, and
its ``go.sum`` the content of everything they are made of: what comes out is the
same whoever builds it, and the Go module proxy is all that must be reachable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain.engine import child, gotool
from dotrain.errors import EngineBuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEFTOVERS = (f"go-{gotool.PACKAGED}", "go-modules", "go-cache")
"""What a build with a fetched Go leaves in its directory, so that a failed one can go on."""

_FETCH_LIMIT = 1200.0
_BUILD_LIMIT = 3600.0

# Left over from building something else, these would change what is built.
_FOREIGN = ("GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GOTOOLDIR", "GO111MODULE")


@dataclass(frozen=True)
class Recipe:
    """What to build.

    Parameters
    ----------
    what : str
        What it is to the user, such as ``"the Pulumi CLI 3.259.0"``.
    module : str
        Its directory in ``build/``.
    packages : tuple of str
        The Go packages of its programs.
    linker : str
        Flags for the linker.
    minutes : int
        About how long it takes on 2 cores.
    command : str
        The shell command that does this.
    """

    what: str
    module: str
    packages: tuple[str, ...]
    linker: str
    minutes: int
    command: str

    def failed(self, why: str) -> EngineBuildFailed:
        """Return the error that says so."""
        return EngineBuildFailed(
            f"{self.what[:1].upper()}{self.what[1:]} could not be built.",
            f"{why[:1].upper()}{why[1:]}.",
            "Let this machine reach the Go module proxy (GOPROXY) with 4 GB of free space, "
            f"then run `{self.command}` again.",
        )


def build(recipe: Recipe, directory: Path, scratch: Path, progress: Callable[[str], None]) -> Path:
    """Build what `recipe` says and return the directory with the programs.

    Parameters
    ----------
    recipe : Recipe
        What to build.
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
        f"building {recipe.what} from its Go modules: "
        f"about {recipe.minutes} minutes on 2 cores, once per machine"
    )
    go = gotool.obtain(progress, directory, recipe.module, recipe.failed)
    progress(f"building with Go {go.version} ({go.path})")
    module = scratch / "module"
    module.mkdir()
    for name in ("go.mod", "go.sum"):
        (module / name).write_bytes(gotool.module_file(recipe.module, name))
    env = _environment(go, directory, scratch)
    work = _Work(recipe, str(go.path), module, env, progress)
    return work.compile(work.fetch())


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


@dataclass(frozen=True)
class _Work:
    """A build in progress."""

    recipe: Recipe
    go: str
    module: Path
    env: dict[str, str]
    progress: Callable[[str], None]

    def fetch(self) -> int:
        """Fetch the modules that it is made of; return the number of packages.

        Not with ``go mod download``, which wants all modules of the graph: more than
        are used, and some that a proxy need not have.
        """
        fetched = packages = 0

        def count(line: str) -> None:
            nonlocal fetched, packages
            fetched += line.startswith("go: downloading ")
            packages += " " not in line

        def report(seconds: float) -> None:
            self.progress(f"fetched {fetched} modules, {child.elapsed(seconds)}")

        failure = self._run(["list", "-deps"], _FETCH_LIMIT, count, report)
        if failure:
            raise self.recipe.failed(f"its Go modules could not be fetched: {failure}")
        self.progress(
            f"fetched {fetched} modules" if fetched else "all modules are on this machine"
        )
        return packages

    def compile(self, packages: int) -> Path:
        """Compile the programs and return their directory."""
        compiled = 0
        made = self.module.parent / "made"
        made.mkdir()

        def count(line: str) -> None:
            nonlocal compiled
            # -v prints the path of each package; anything else is a complaint.
            compiled += " " not in line and not line.startswith("#")

        def report(seconds: float) -> None:
            # Those already in Go's cache are not printed, hence "at most".
            done = f"compiled {compiled} of at most {packages} packages"
            self.progress(f"{done}, {child.elapsed(seconds)}")

        flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", self.recipe.linker]
        command = ["build", *flags, "-o", f"{made}/"]
        failure = self._run(command, _BUILD_LIMIT, count, report)
        if failure:
            raise self.recipe.failed(f"`go build` stopped: {failure}")
        self.progress(f"compiled {compiled} packages and linked them")
        return made

    def _run(
        self,
        command: list[str],
        limit: float,
        on_line: Callable[[str], None],
        on_tick: Callable[[float], None],
    ) -> str:
        return child.run(
            [self.go, *command, *self.recipe.packages],
            limit=limit,
            env=self.env,
            cwd=self.module,
            on_line=on_line,
            on_tick=on_tick,
        ).failure

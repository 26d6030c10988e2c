"""Files and directories of this machine that a job finds in its working directory.

A path is found there under the name that it was given by: ``"src/train.py"`` as
``src/train.py``, ``"src"`` and ``"src/"`` as ``src/…``, ``"."`` as what lies in
it. One that is absolute, begins with ``~`` or leads out of the directory here
is found by its last part: ``"/data/vocab.txt"`` as ``vocab.txt``.
"""

from __future__ import annotations

import difflib
import gzip
import io
import os
import re
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn

from dotrain.errors import FilesTooLarge, SpecError
from dotrain.jobs import private

Paths = str | Path | Sequence[str | Path]

NAME = "files.tar.gz"
MOST = 2**20 - 2**12
"""Bytes of an archive that a ConfigMap takes: 1 MiB, less its own fields."""

_SKIPPED = re.compile(
    r"\.(git|hg|svn|DS_Store|ipynb_checkpoints|venv|tox|mypy_cache|pytest_cache|ruff_cache)"
    r"|__pycache__|node_modules"
)
# What Python and conda leave in an environment.
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
_SHOWN = 5
# 1980-01-02, so that it is 1980 wherever it is unpacked: no zip takes what is older.
_TIME = 315_619_200


class _Full(Exception):
    """More than may be written."""


class _Bounded(io.BytesIO):
    """A file in memory that takes so many bytes and no more."""

    def write(self, content: object) -> int:
        written = super().write(content)  # type: ignore[arg-type]
        if self.tell() > MOST:
            raise _Full
        return written


def archive(paths: Paths, base: Path | None = None) -> bytes:
    """Return a tar.gz of files and directories, the same each time for the same content.

    Left out are version control (``.git``), caches (``__pycache__``,
    ``.ipynb_checkpoints``) and virtual environments.

    Parameters
    ----------
    paths : str, Path or sequence of them
        The files and directories.
    base : pathlib.Path, optional
        The directory that relative ones are relative to; this process's own.

    Raises
    ------
    FilesTooLarge
        When it is larger than a ConfigMap takes; it says which files are large.
    SpecError
        When a path does not exist or cannot be read, two have the same name, a
        link leads out, or a file looks like a secret.
    """
    found = collect(paths, base)
    packed = _Bounded()
    try:
        write(found, packed)
    except _Full:
        sizes = sorted(((path.stat().st_size, name) for name, path in found.items()), reverse=True)
        total = sum(size for size, _ in sizes)
        shown = ", ".join(f"{name} ({_size(size)})" for size, name in sizes[:_SHOWN])
        raise FilesTooLarge(
            f"The files are {_size(total)}, and more than 1 MiB when they are packed.",
            f"A Kubernetes ConfigMap takes 1 MiB; the largest are {shown}.",
            "Leave out what the job does not need, give "
            "storage=dotrain.Storage('<bucket>', region='<region>'), or put them into an image.",
        ) from None
    return packed.getvalue()


def collect(paths: Paths, base: Path | None = None) -> dict[str, Path]:
    """Return what there is to pack: files, links and directories by their names in the job.

    Parameters
    ----------
    paths, base
        As for `archive`.

    Raises
    ------
    SpecError
        As `archive`.
    """
    here = Path(base or Path.cwd())
    found: dict[str, Path] = {}
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    for one in given:
        _check_name(str(one))
        path = here / Path(one).expanduser()
        if not path.exists():
            _missing(one, path)
        # A link that is named is what it points to; one below is a link.
        root = path.resolve()
        for at, each in _below(root, _name(Path(one), path), root):
            other = found.setdefault(at, each)
            if other.resolve() != each.resolve() and not (other.is_dir() and each.is_dir()):
                raise SpecError(
                    f"Two of the files are called {at} in the job.",
                    f"They are {other} and {each}.",
                    "Give paths that are relative to this directory, or rename one.",
                )
    return dict(sorted(found.items()))


def write(found: Mapping[str, Path], file: BinaryIO) -> None:
    """Write what `collect` found to a file, as a tar.gz.

    Raises
    ------
    SpecError
        When a file cannot be read.
    """
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in found.items():
            with _readable(path):
                _add(tar, name, path)


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    """Add one thing, of nobody and of one time, so that the same content is the same archive."""
    info = tarfile.TarInfo(name)
    info.mtime = _TIME
    if path.is_symlink():
        info.type = tarfile.SYMTYPE
        info.linkname = os.path.relpath(path.resolve(), path.parent.resolve())
        tar.addfile(info)
    elif path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    else:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            info.size = status.st_size
            info.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            tar.addfile(info, file)


def _below(path: Path, name: str, root: Path) -> Iterator[tuple[str, Path]]:
    """Yield a path and all that is below it, with what they are called in the job."""
    _check_name(name)
    if path.is_symlink():
        _check_link(path, name, root)
        yield name, path
        return
    with _readable(path):
        private.check(name, path)
        if not path.is_dir():
            if not path.is_file():
                raise SpecError(
                    f"{path} is neither a file nor a directory.",
                    "A pipe, a socket or a device cannot be sent along.",
                    "Leave it out of files=.",
                )
            yield name, path
            return
        below = sorted(path.iterdir())
    if name:
        yield name, path
    for one in below:
        if not _is_skipped(one):
            yield from _below(one, str(PurePosixPath(name) / one.name), root)


def _is_skipped(path: Path) -> bool:
    environment = any((path / mark).exists() for mark in _ENVIRONMENT)
    return environment or _SKIPPED.fullmatch(path.name) is not None


def _check_name(name: str) -> None:
    # Neither an archive nor a message has a letter for such bytes.
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise SpecError(
            f"{name.encode('utf-8', 'backslashreplace').decode()} cannot be sent along.",
            "Its name is not UTF-8, which the names of files in a job are.",
            "Rename it, or leave it out of files=.",
        ) from error


def _check_link(path: Path, name: str, root: Path) -> None:
    if not path.exists():
        raise SpecError(
            f"{name} is a link to something that is not there.",
            f"It points to {path.readlink()}.",
            "Remove the link, or leave it out of files=.",
        )
    if not path.resolve().is_relative_to(root):
        raise SpecError(
            f"{name} is a link that leads out of what is sent along.",
            f"It points to {path.resolve()}.",
            "Name that in files= as well, and remove the link, or copy it here.",
        )


def _name(given: Path, path: Path) -> str:
    """Return what a path is called in the job; empty for this directory itself."""
    normal = Path(os.path.normpath(given.expanduser()))
    if normal.is_absolute() or normal.parts[:1] == ("..",):
        return Path(os.path.normpath(path.absolute())).name
    return "" if normal == Path() else normal.as_posix()


def _missing(given: str | Path, path: Path) -> NoReturn:
    parent = path.parent
    there = sorted(one.name for one in parent.iterdir()) if parent.is_dir() else []
    nearest = difflib.get_close_matches(path.name, there, n=1)
    raise SpecError(
        f"There is no {str(given)!r} to send along.",
        f"The nearest in {parent} is {nearest[0]!r}." if nearest else f"It would be {path}.",
        "Give files= a path that exists; a relative one begins where this kernel runs.",
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpecError(
            f"{path} cannot be sent along.",
            f"{error.strerror or error}.",
            "Make it readable, or leave it out of files=.",
        ) from error


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"

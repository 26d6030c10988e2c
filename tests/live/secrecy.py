"""Find marked secrets wherever they went: in plain text, gzipped, or encoded.

A secret that was cut short is found too: what is looked for are its pieces, and
so much as two of them in a row holds a whole one.
"""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
from typing_extensions import Self

_PIECE = 12
_GZIP = b"\x1f\x8b"
_PAUSE = 0.03


class Secrets:
    """Secrets by name, and where they are not supposed to be.

    A private key is always among them, whosever it is.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._needles: dict[bytes, str] = {}
        self._learn("a private key", "PRIVATE KEY-----")

    def add(self, name: str, value: str) -> None:
        """Look for `value` from now on, but not for what all values of its kind begin with."""
        self.values[name] = value
        marked = value
        for prefix in ("dop_v1_", "sandbox_kube_", "sandbox_"):
            marked = marked.removeprefix(prefix)
        self._learn(name, marked)

    def within(self, data: bytes) -> set[str]:
        """Return the names of the secrets in `data`."""
        if data.startswith(_GZIP):
            # As far as it goes: the file may be half written.
            data += zlib.decompressobj(wbits=31).decompress(data)
        return {name for needle, name in self._needles.items() if needle in data}

    def _learn(self, name: str, text: str) -> None:
        for start in range(0, max(1, len(text) - _PIECE + 1), _PIECE):
            for needle in _forms(text[start : start + _PIECE]):
                self._needles[needle] = name


def _forms(piece: str) -> Iterator[bytes]:
    """Yield how a text looks wherever it may be written."""
    plain = piece.encode()
    yield from (plain, quote(piece, safe="").encode(), json.dumps(piece)[1:-1].encode())
    yield from (plain.hex().encode(), plain.hex().upper().encode())
    # In base64 a text looks in three ways, by where it begins in what is
    # encoded; its ends mix with what stands beside it.
    for before in range(3):
        shifted = b"\0" * before + plain
        for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
            whole = encode(shifted[: len(shifted) // 3 * 3])
            yield whole[4:] if before else whole


@dataclass
class Watch:
    """Sees, again and again, what others see while something runs.

    Parameters
    ----------
    directories : tuple of pathlib.Path
        Whose files to keep, also those that are gone at the end.
    token : str
        The token whose holders to note: the processes with it in their environment.
    """

    directories: tuple[Path, ...]
    token: str
    arguments: set[tuple[str, ...]] = field(default_factory=set)
    holders: set[tuple[str, ...]] = field(default_factory=set)
    contents: dict[tuple[Path, int, int], bytes] = field(default_factory=dict)
    open_to_others: set[tuple[Path, str]] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_PAUSE):
            self._processes()
            for directory in self.directories:
                self._files(directory)

    def _processes(self) -> None:
        for process in psutil.process_iter():
            # It may end, or be another user's.
            with suppress(psutil.Error):
                arguments = tuple(process.cmdline())
                if arguments not in self.arguments:
                    self.arguments.add(arguments)
                    if self.token in "\n".join(process.environ().values()):
                        self.holders.add(arguments)

    def _files(self, directory: Path) -> None:
        for path in directory.rglob("*"):
            # It may go while it is looked at.
            with suppress(OSError):
                status = path.lstat()
                if status.st_mode & 0o077 and not path.is_symlink():
                    self.open_to_others.add((path, oct(status.st_mode)))
                key = (path, status.st_mtime_ns, status.st_size)
                if path.is_file() and key not in self.contents:
                    self.contents[key] = path.read_bytes()


def files(directory: Path, but: Mapping[Path, str]) -> Iterator[tuple[Path, bytes]]:
    """Yield each file in a directory and what is in it, except where secrets belong.

    Parameters
    ----------
    directory : pathlib.Path
        Where to look.
    but : mapping of pathlib.Path to str
        Files and directories to leave out, and why.
    """
    for path in directory.rglob("*"):
        if path.is_file() and but.keys().isdisjoint([path, *path.parents]):
            yield path, path.read_bytes()

"""Version numbers as far as the engine needs them: read, compared, never guessed."""

from __future__ import annotations

import re
from typing import NamedTuple

_SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


class Version(NamedTuple):
    """A semantic version; pre-releases sort before their release, and alike among themselves."""

    major: int
    minor: int
    patch: int
    final: bool


def parse(text: str) -> Version | None:
    """Read a version such as ``v3.259.0``.

    Parameters
    ----------
    text : str
        What a program printed as its version.

    Returns
    -------
    Version or None
        None when it is blank or no semantic version.
    """
    match = _SEMVER.fullmatch(text.strip())
    if match is None:
        return None
    major, minor, patch = (int(part) for part in match.group(1, 2, 3))
    return Version(major, minor, patch, match.group(4) is None)


def serves(version: Version, wanted: Version) -> bool:
    """Return whether `version` can stand in for `wanted`: the same major, and no older."""
    return version.major == wanted.major and version >= wanted

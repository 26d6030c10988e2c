"""The file that Pulumi keeps a stack's state in: what it holds, and when that was so."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import zlib
from typing import Any

from dotrain.errors import StateTooNew

NEWEST = 4
"""The newest version of a checkpoint that this dotrain and its CLI read."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


def decode(data: bytes, stack: str) -> dict[str, Any]:
    """Return the deployment in a checkpoint; empty for a stack that was only just made.

    Parameters
    ----------
    data : bytes
        The file's content, compressed or not.
    stack : str
        The stack's name, for the error.

    Raises
    ------
    ValueError
        When it is no checkpoint, or only a part of one.
    StateTooNew
        When a newer Pulumi wrote it.
    """
    if data.startswith(_ZSTD):
        reason = "it is compressed with zstd, which dotrain does not read"
        raise ValueError(reason)
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            reason = f"it is compressed, and damaged ({error})"
            raise ValueError(reason) from error
    if not data.strip(b"\0 \r\n"):
        # Zeros are what a power cut leaves of a file that was being written.
        reason = "it is empty"
        raise ValueError(reason)
    document = json.loads(data)
    check_version(document["version"], stack)
    deployment: dict[str, Any] = document["checkpoint"].get("latest") or {}
    return deployment


def check_version(version: int, stack: str) -> None:
    """Raise StateTooNew when nobody here reads a checkpoint of this version."""
    if version > NEWEST:
        raise StateTooNew(
            f"The state of {stack!r} was written by a newer Pulumi.",
            f"Its format is version {version}, and this dotrain reads up to {NEWEST}.",
            "Upgrade dotrain (`pip install --upgrade dotrain`); nothing was changed.",
        )


def moment(deployment: dict[str, Any]) -> dt.datetime | None:
    """Return when a deployment was saved, in UTC, None when it does not say."""
    text = (deployment.get("manifest") or {}).get("time")
    match = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    # Go writes up to nine digits and Z for UTC, which Python 3.10 does not read.
    second, fraction, zone = match.groups("")
    zone = zone.replace("Z", "+00:00")
    saved = dt.datetime.fromisoformat(f"{second}.{fraction[:6].ljust(6, '0')}{zone}")
    return saved.astimezone(dt.timezone.utc)

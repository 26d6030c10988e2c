"""Where object storage may be, when it is not DigitalOcean Spaces.

A Job says where its storage is, and what comes from there is unpickled. Whoever
may change the Job could name a server of theirs: only one that this machine has
submitted jobs with, or that its user names, is asked for anything.
"""

from __future__ import annotations

import hashlib
import urllib.parse
from pathlib import Path

from dotrain import config, ownfiles
from dotrain.errors import SpecError, StorageError
from dotrain.hidden import without_passwords

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SPACES = ".digitaloceanspaces.com"


def check(endpoint: object) -> None:
    """Raise SpecError unless keys can be used at an endpoint."""
    try:
        parts = urllib.parse.urlsplit(str(endpoint))
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    origin = f"{parts.scheme}://{parts.netloc}"
    if (
        str(endpoint).rstrip("/") != origin
        or not parts.hostname
        or "@" in parts.netloc
        or port == 0
    ):
        raise SpecError(
            f"{without_passwords(str(endpoint))!r} is not an endpoint.",
            "It is an origin, with nothing after the host and its port.",
            "Give one, for example endpoint='https://s3.eu-central-1.amazonaws.com'.",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(str(endpoint))):
        raise SpecError(
            f"{endpoint} would get files and results in the clear.",
            "Plain HTTP is for this machine alone.",
            "Give an endpoint with https://.",
        )


def is_spaces(url: str) -> bool:
    """Return whether an origin is DigitalOcean's."""
    return url.startswith("https://") and url.endswith(_SPACES)


def is_loopback(url: str) -> bool:
    """Return whether an origin is this machine."""
    return urllib.parse.urlsplit(url).hostname in _LOOPBACK


def note(url: str) -> None:
    """Remember that this machine's user has given an origin; raises ConfigError."""
    if not is_spaces(url):
        ownfiles.private_dir(_path(url).parent)
        ownfiles.write_private(_path(url), url)


def check_known(url: str) -> None:
    """Raise StorageError unless an origin is DigitalOcean's, or this machine's user gave it."""
    if is_spaces(url) or _path(url).exists() or url == config.storage_endpoint():
        return
    raise StorageError(
        f"The job has its storage at {url}, which is not asked for it.",
        "No job was submitted from this machine with that endpoint, and whoever may change the "
        "job could have named it: a result from there would be run here as it is unpickled.",
        f"If it is yours, set DOTRAIN_S3_ENDPOINT={url} and call this again.",
    )


def _path(url: str) -> Path:
    # A file for each, so that two kernels do not write the same one.
    return config.home() / "endpoints" / hashlib.sha256(url.encode()).hexdigest()

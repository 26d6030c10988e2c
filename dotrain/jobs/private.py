"""Files that hold secrets by custom, and do not leave this machine by accident."""

from __future__ import annotations

import re
from pathlib import Path

from dotrain.errors import SpecError

_NAME = re.compile(
    r"\.env|[._]netrc|\.(pgpass|pypirc|git-credentials|boto|s3cfg|dockerconfigjson)|kubeconfig"
    r"|id_(rsa|dsa|ecdsa|ed25519)"
)
_DIRECTORY = re.compile(r"\.(ssh|aws|azure|docker|gnupg|kube)")
_EXAMPLE = re.compile(r"\.env\.(example|sample|template|dist)")
_STORES = (".p12", ".pfx", ".jks", ".kdbx", ".keystore", ".ppk")
# Certificates are called so too, and everybody may have those.
_PERHAPS = (".pem", ".key")
_KEY = b"PRIVATE KEY-----"
_LONGEST = 65536


def check(name: str, path: Path) -> None:
    """Raise SpecError when a file or directory looks like a secret.

    Parameters
    ----------
    name : str
        What it would be called in the job.
    path : pathlib.Path
        Where it is.
    """
    if _is_private(path):
        raise SpecError(
            f"{name} looks like a secret, and is not sent along.",
            "Files of a job lie in a ConfigMap or a bucket, which more people can read than this.",
            "Give its values with secrets=, or move it out of the directory that files= names.",
        )


def _is_private(path: Path) -> bool:
    name = path.name.lower()
    if path.is_dir():
        return _DIRECTORY.fullmatch(name) is not None
    if _NAME.fullmatch(name) or (name.startswith(".env.") and not _EXAMPLE.fullmatch(name)):
        return True
    if path.suffix.lower() in _STORES:
        return True
    if path.suffix.lower() not in _PERHAPS:
        return False
    with path.open("rb") as file:
        return _KEY in file.read(_LONGEST)

"""Files that hold secrets, by custom or by what is in them, and do not leave this machine."""

from __future__ import annotations

import re
from pathlib import Path

from dotrain.errors import SpecError

_NAME = re.compile(
    r"\.env(rc)?|[._]netrc|\.(pgpass|pypirc|git-credentials|boto|s3cfg|dockerconfigjson)|kubeconfig"
    r"|id_(rsa|dsa|ecdsa|ed25519)|(application_default_)?credentials(\.json)?|token|stored_tokens"
    r"|.*\.tfstate(\.backup)?"
)
_DIRECTORY = re.compile(r"\.(ssh|aws|azure|docker|gnupg|kube)")
_EXAMPLE = re.compile(r"\.env\.(example|sample|template|dist)")
_STORES = (".p12", ".pfx", ".jks", ".kdbx", ".keystore", ".ppk")
# Whatever it is in, such as the JSON of a service account, where a line ends with a
# backslash and an n. A program that only looks for keys has the first line of one.
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----(\\[nr]|\s)+[A-Za-z0-9+/]{4}")
# Keys are small, and stand where a file begins.
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
    if not path.is_file():
        return False
    with path.open("rb") as file:
        content = file.read(_LONGEST)
    # What is compiled or an image is no text, whatever stands in it.
    return b"\0" not in content and _KEY.search(content) is not None

"""The passphrase that encrypts the secrets in the states of an account.

It is generated once. Beside it lies a salted hash, so that another passphrase
in its place is noticed before a new stack is encrypted with it: the stacks that
exist would need the one, and the new stack the other.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path

from dotrain import ownfiles
from dotrain.errors import WrongPassphrase
from dotrain.hidden import Hidden

NAME = "passphrase"

_CHECK = "passphrase.check"
_SALT_BYTES = 16

# Hashing takes 50 ms on purpose; a file that has not changed need not be hashed again.
_right: set[tuple[str, int, int, int]] = set()


def file(directory: Path, stacks: Sequence[str] | None) -> Path:
    """Return the file with the passphrase, generated when there is none and nothing needs one.

    Parameters
    ----------
    directory : pathlib.Path
        The account's directory.
    stacks : sequence of str or None
        The account's stacks; None when they are not on this machine.

    Raises
    ------
    WrongPassphrase
        When it is gone, empty, unreadable or another, and there are stacks.
    ConfigError
        When it cannot be written.
    """
    path = directory / NAME
    try:
        text = Hidden(path.read_text("utf-8").strip())
    except FileNotFoundError:
        if stacks:
            raise WrongPassphrase(
                f"The passphrase file {path} is gone.",
                "It decrypts the secrets in the state of the clusters that exist.",
                f"Restore it from a backup; without it, move {directory / 'state'} away, delete "
                "the clusters in DigitalOcean's control panel and start anew.",
            ) from None
        # Two first operations at once: the first one's passphrase holds.
        ownfiles.write_private(path, Hidden(secrets.token_urlsafe(32)), replace=False)
        text = Hidden(path.read_text("utf-8").strip())
        _note(path.with_name(_CHECK), text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "It is not text"
        raise WrongPassphrase(
            f"The passphrase file {path} cannot be read.",
            f"{reason or error}.",
            "Make it readable for yourself, or restore it from a backup.",
        ) from error
    if not text:
        raise WrongPassphrase(
            f"The passphrase file {path} is empty.",
            "With an empty passphrase anybody could read the secrets in the state.",
            "Restore it from a backup; if no cluster exists yet, delete it.",
        )
    _compare(path, text, stacks)
    return path


def _compare(path: Path, text: str, stacks: Sequence[str] | None) -> None:
    """Raise WrongPassphrase when it is another one than it was, and something needs that."""
    status = path.stat()
    key = (str(path), status.st_mtime_ns, status.st_ino, status.st_size)
    if key in _right:
        return
    check = path.with_name(_CHECK)
    expected = _read(check)
    if expected is not None and _matches(text, expected):
        _right.add(key)
    elif stacks is not None and not stacks:
        # Nothing is encrypted yet: this one holds from now on.
        _note(check, text)
    elif expected is not None:
        raise WrongPassphrase(
            f"The passphrase in {path} is not the one that it was.",
            "The secrets of the clusters that exist are encrypted with another one.",
            "Restore the file from a backup.",
        )


def _read(check: Path) -> str | None:
    try:
        text = check.read_text("utf-8").strip()
        bytes.fromhex(text.partition(":")[0])
    except (OSError, ValueError):
        return None
    return text if text.count(":") == 1 else None


def _matches(text: str, expected: str) -> bool:
    salt = bytes.fromhex(expected.partition(":")[0])
    return hmac.compare_digest(_hashed(text, salt), expected)


def _note(check: Path, text: str) -> None:
    ownfiles.write_private(check, _hashed(text, secrets.token_bytes(_SALT_BYTES)))


def _hashed(text: str, salt: bytes) -> str:
    return f"{salt.hex()}:{hashlib.scrypt(text.encode(), salt=salt, n=2**14, r=8, p=1).hex()}"

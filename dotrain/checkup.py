"""What is amiss on this machine, and how to put it right.

Each check looks, makes nothing but dotrain's own directories, never raises, and
shows no secret.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from dotrain import config, target
from dotrain.engine import locate, network, provider
from dotrain.errors import DotrainError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

OLDEST_PYTHON = (3, 10)
ENOUGH_SPACE = 4 * 10**9
"""Bytes that a build of the Pulumi CLI takes, for as long as it lasts."""

_TIMEOUT = 10.0
_TOKEN = re.compile(r"(do[opr]_v1_)?[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_BACKENDS = ("file", "https", "s3", "gs", "azblob", "postgres")
_INSTALL = "Run `dotrain engine install`."


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    check : str
        What was looked at.
    status : str
        ``PASS``, ``WARN`` (works, with a limit), ``FAIL`` or ``SKIP`` (nothing to look at).
    found : str
        What is there.
    fix : str
        What to do about it; empty when there is nothing to do.
    """

    check: str
    status: str
    found: str
    fix: str = ""


def checks() -> list[Check]:
    """Look at everything dotrain needs and return what was found, most basic first.

    Returns
    -------
    list of Check
        Always the same checks, whatever their outcome.
    """
    looks: dict[str, Callable[[str], Check]] = {
        "Python": _python,
        "packages": _packages,
        "data directory": _data,
        "Pulumi CLI": _engine,
        "DigitalOcean provider": _provider,
        "state": _backend,
        "passphrase of digitalocean": lambda name: _passphrase(name, "digitalocean"),
        "passphrase of sandbox": lambda name: _passphrase(name, "sandbox"),
        "token": _token,
        "DigitalOcean API": _api,
        "kernel": _kernel,
        "sandbox": _sandbox,
    }
    return [_guarded(name, look) for name, look in looks.items()]


def doctor() -> pd.DataFrame:
    """Look at everything dotrain needs on this machine.

    Returns
    -------
    pandas.DataFrame
        Columns check, status, found, fix (all str), one row for each of `checks`.

    Examples
    --------
    >>> import dotrain
    >>> frame = dotrain.doctor()
    >>> list(frame.columns)
    ['check', 'status', 'found', 'fix']
    """
    import pandas as pd

    columns = [field.name for field in fields(Check)]
    return pd.DataFrame([astuple(check) for check in checks()], columns=columns).astype("str")


def _guarded(name: str, look: Callable[[str], Check]) -> Check:
    try:
        return look(name)
    except DotrainError as error:
        return Check(name, "FAIL", f"{error.what} {error.why}".strip(), error.fix)
    except Exception as error:  # noqa: BLE001 - a doctor that dies tells nothing
        fix = "This is a fault of dotrain's own check; please report it."
        return Check(name, "FAIL", f"could not be looked at: {type(error).__name__}", fix)


def _python(name: str) -> Check:
    found = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info >= OLDEST_PYTHON:
        return Check(name, "PASS", found)
    return Check(name, "FAIL", found, "Use Python 3.10 or later.")


def _packages(name: str) -> Check:
    try:
        lines = importlib.metadata.requires("dotrain") or []
    except importlib.metadata.PackageNotFoundError:
        fix = "Run `pip install -e .` in its folder."
        return Check(name, "WARN", "dotrain runs from a folder and is not installed", fix)
    names = [
        match.group() for line in lines if "extra ==" not in line and (match := _NAME.match(line))
    ]
    missing = [package for package in names if not _has(package)]
    if missing:
        fix = f"Run `pip install {' '.join(missing)}`."
        return Check(name, "FAIL", f"missing: {', '.join(missing)}", fix)
    return Check(name, "PASS", f"all {len(names)} are installed")


def _has(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _data(name: str) -> Check:
    home = config.home()  # raises when it cannot be made, and closes it to others
    if not os.access(home, os.W_OK | os.X_OK):
        fix = "Make it writable, or set DOTRAIN_HOME to a directory of yours."
        return Check(name, "FAIL", f"{home} cannot be written", fix)
    free = shutil.disk_usage(home).free
    found = f"{home}, private, {free / 10**9:.1f} GB free"
    if free < ENOUGH_SPACE and locate.find() is None:
        fix = f"Free {ENOUGH_SPACE / 10**9:.0f} GB: building the Pulumi CLI may need as much."
        return Check(name, "WARN", found, fix)
    return Check(name, "PASS", found)


def _engine(name: str) -> Check:
    engine = locate.find()
    if engine is not None:
        return Check(name, "PASS", f"{engine.version} ({engine.origin}: {engine.path})")
    rejected = "; ".join(locate.on_path()[1])
    fix = f"{_INSTALL} The first operation does so by itself, in about 4 minutes."
    return Check(name, "WARN", rejected or "none on this machine yet", fix)


def _provider(name: str) -> Check:
    official = provider.official()
    if official is not None:
        found = f"official {official.version} ({official.directory}), for both targets"
        return Check(name, "PASS", found)
    failure = provider.last_failure()
    if not failure:
        found = f"official {provider.wanted()} not installed yet"
        return Check(name, "WARN", found, f"{_INSTALL} The first operation does so by itself.")
    found = f"stand-in, for the sandbox only; no official {provider.wanted()}: {failure}"
    return Check(name, "WARN", found, f"Let this machine reach {network.VENDOR}. {_INSTALL}")


def _backend(name: str) -> Check:
    url = config.backend_override()
    if url is None:
        return Check(name, "PASS", f"files under {config.home()}")
    parts = urlsplit(url)
    # Never the whole URL: a password may be in it.
    shown = f"{parts.scheme}://{parts.hostname or parts.path}"
    if parts.scheme not in _BACKENDS:
        fix = f"Set DOTRAIN_BACKEND to a URL that starts with one of {', '.join(_BACKENDS)}."
        return Check(name, "FAIL", "DOTRAIN_BACKEND is no URL of a Pulumi backend", fix)
    if parts.scheme == "file" and not Path(parts.netloc + parts.path).expanduser().is_dir():
        fix = "Make the directory, or set DOTRAIN_BACKEND to one that exists."
        return Check(name, "FAIL", f"{shown} does not exist", fix)
    return Check(name, "PASS", f"{shown} (DOTRAIN_BACKEND)")


def _passphrase(name: str, kind: str) -> Check:
    path = config.home() / kind / "passphrase"
    if not path.exists():
        return Check(name, "SKIP", "not made yet; the first operation makes it")
    if path.stat().st_size == 0:
        fix = "Restore it from a backup: no other passphrase opens the secrets in the state."
        return Check(name, "FAIL", f"{path} is empty", fix)
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        fix = f"Run `chmod 600 {path}`."
        return Check(name, "FAIL", f"{path} is open to others (mode {mode:04o})", fix)
    return Check(name, "PASS", f"{path}, private; keep a copy of it")


def _token(name: str) -> Check:
    token = config.api_token()
    if token is None:
        fix = "Set DIGITALOCEAN_TOKEN, or call dotrain.use_sandbox()."
        return Check(name, "SKIP", "none: only the sandbox can be used", fix)
    if _TOKEN.fullmatch(token):
        return Check(name, "PASS", "there, and of the right form")
    fix = "Copy it again from https://cloud.digitalocean.com/account/api/tokens."
    return Check(name, "WARN", f"there, {len(token)} characters, not of a token's form", fix)


def _api(name: str) -> Check:
    token, url = config.api_token(), config.api_url()
    if token is None:
        return Check(name, "SKIP", "not asked without a token")
    parts = urlsplit(url)
    if parts.scheme != "https" or not f".{parts.hostname}".endswith(".digitalocean.com"):
        fix = "Unset DIGITALOCEAN_API_URL; for the sandbox, call dotrain.use_sandbox()."
        return Check(name, "FAIL", "the endpoint is not DigitalOcean's: no token is sent", fix)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        status = httpx.get(f"{url}/v2/account", headers=headers, timeout=_TIMEOUT).status_code
    except httpx.HTTPError as error:
        fix = "Check this machine's network and its proxy settings."
        return Check(name, "FAIL", f"no answer from {parts.hostname} ({type(error).__name__})", fix)
    return _verdict(name, status)


def _verdict(name: str, status: int) -> Check:
    """Say what the status of an authenticated GET of the account means."""
    renew = "Make a token at https://cloud.digitalocean.com/account/api/tokens."
    if status == httpx.codes.OK:
        return Check(name, "PASS", "it answers and accepts the token")
    if status == httpx.codes.UNAUTHORIZED:
        return Check(name, "FAIL", "it does not accept the token", renew)
    if status == httpx.codes.FORBIDDEN:
        found = "it accepts the token, which lacks the scope account:read"
        return Check(name, "WARN", found, "Operations may need scopes that it lacks. " + renew)
    fix = "Try again in a few minutes; see https://status.digitalocean.com."
    return Check(name, "WARN", f"it answers with status {status}", fix)


def _kernel(name: str) -> Check:
    host = config.hosted_kernel()
    if host is None:
        return Check(name, "PASS", "on a machine of one's own, as far as can be told")
    fix = "Name the addresses to let in; 'me' would be this service's, shared with strangers."
    return Check(name, "WARN", f"on {host}", fix)


def _sandbox(name: str) -> Check:
    if not (target.sandbox_directory() / "sandbox.json").exists():
        return Check(name, "SKIP", "not running; dotrain.use_sandbox() starts it")
    running = target.running_sandbox()
    if running is not None:
        return Check(name, "PASS", f"running at {running['url']} (process {running['pid']})")
    fix = "Call dotrain.use_sandbox(), which starts it again with what was in it."
    return Check(name, "WARN", "was started, and does not answer", fix)

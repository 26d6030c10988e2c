"""The account to work on: DigitalOcean itself, or the sandbox on this machine.

A real token goes to DigitalOcean over HTTPS and nowhere else; the sandbox has
a token of its own and is never sent another.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import httpx

from dotrain import config, ownfiles
from dotrain.errors import InvalidAddress, MissingToken, SandboxError, UnsafeEndpoint
from dotrain.hidden import Hidden, without_passwords
from dotrain.sources import parse_network

# An address from the block that is set aside for documentation (RFC 5737).
SANDBOX_ADDRESS = "203.0.113.7"
_START_SECONDS = 20

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP to this machine: it trusts nobody, and takes no time to make."""

# The whole of what is accepted: programs read a URL in different ways, and what
# one of them takes for DigitalOcean's is somebody else's to another.
_DIGITALOCEAN = re.compile(
    r"https://([a-z0-9-]+\.)*digitalocean\.com(:443)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class Target:
    """An account, and where dotrain keeps what it knows about it.

    Parameters
    ----------
    kind : str
        ``"digitalocean"`` or ``"sandbox"``.
    url : str
        The origin of the API.
    token : str
        The API token; never shown.
    directory : pathlib.Path
        Where state, passphrase and kubeconfigs of this account are kept.
    """

    kind: str
    url: str
    token: str = field(repr=False)
    directory: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", Hidden(self.token))

    def __reduce__(self) -> NoReturn:
        # A pickle is a file that others read.
        message = "A target holds a token and is not pickled: call dotrain.get() where it is needed"
        raise TypeError(message)

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the sandbox."""
        return self.kind == "sandbox"

    def has_kubernetes(self, cluster: Mapping[str, Any]) -> bool:
        """Return whether a cluster has a Kubernetes API: in the sandbox, not every one does."""
        # There it is an address of this machine, and otherwise a name like DigitalOcean's.
        return not self.is_sandbox or "//127.0.0.1:" in (cluster.get("endpoint") or "")


class _Choice:
    """What `use_sandbox` and `use_digitalocean` chose, for the life of this process."""

    kind: str | None = None
    sandbox_address: str = SANDBOX_ADDRESS


# The sandboxes that this process started. They may outlive it; as long as it
# lives, it has to hold them, and to wait for one that ends.
_started: list[subprocess.Popen[bytes]] = []


def use_sandbox(*, address: str | None = None, kubernetes: bool | None = None) -> Target:
    """Work on the sandbox from now on, starting it when it does not run.

    The sandbox is a DigitalOcean API on this machine, in a process of its own.
    What is made in it stays there when the kernel restarts.

    Parameters
    ----------
    address : str, optional
        The address that ``"me"`` stands for; by default 203.0.113.7, which
        belongs to nobody.
    kubernetes : bool, optional
        Whether clusters made from now on have a real control plane, with nodes
        that only pretend to run Pods. It needs ``pip install 'dotrain[sandbox]'``
        and ``dotrain sandbox install-kubernetes``, once. Without, no Kubernetes
        API answers at a cluster's endpoint. The sandbox keeps what it was told,
        also for other kernels and when it is started again, until it is told
        ``kubernetes=False``; by default that stays as it is, at first without.

    Returns
    -------
    Target
        The sandbox.

    Raises
    ------
    SandboxError
        When it does not start.
    InvalidAddress
        When `address` is none.

    Examples
    --------
    >>> import dotrain
    >>> dotrain.use_sandbox().kind
    'sandbox'
    """
    if address is not None and parse_network(address).num_addresses > 1:
        raise InvalidAddress(
            f"{address} is more than one address.",
            "'me' is one machine.",
            "Give one address, for example '203.0.113.7'.",
        )
    programs = config.kubernetes()
    if kubernetes and not (programs / config.KUBERNETES_PROGRAMS[0]).exists():
        raise SandboxError(
            "The sandbox has no Kubernetes control plane.",
            f"{programs} is not there.",
            "Run `dotrain sandbox install-kubernetes` once: it builds one from its Go modules, "
            "in about 10 minutes.",
        )
    _Choice.kind = "sandbox"
    _Choice.sandbox_address = address or SANDBOX_ADDRESS
    target = current()
    settings = {"source": _Choice.sandbox_address}
    if kubernetes is not None:
        settings["kubernetes"] = str(programs) if kubernetes else ""
    _tell_sandbox("settings", settings)
    return target


def use_digitalocean() -> None:
    """Work on the DigitalOcean account of ``DIGITALOCEAN_TOKEN`` from now on: the default."""
    _Choice.kind = "digitalocean"


def sandbox_address() -> str:
    """Return the address that ``"me"`` stands for on the sandbox."""
    return _Choice.sandbox_address


def set_sandbox_address(address: str) -> None:
    """Let ``"me"`` stand for `address` on the sandbox: for the process that runs an operation."""
    _Choice.sandbox_address = address


def current() -> Target:
    """Return the account to work on.

    Raises
    ------
    MissingToken
        When it is DigitalOcean and the environment has no token.
    UnsafeEndpoint
        When ``DIGITALOCEAN_API_URL`` is not DigitalOcean's.
    SandboxError
        When it is the sandbox, and that does not start.
    """
    kind = _Choice.kind or config.target_kind()
    if kind == "sandbox":
        running = start_sandbox()
        return Target(
            "sandbox",
            running["url"],
            running["token"],
            ownfiles.private_dir(config.home() / "sandbox"),
        )
    url, token = config.api_url(), config.api_token()
    _refuse_unsafe(url)
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise MissingToken(
            "What stands in DIGITALOCEAN_TOKEN is not a token.",
            "It has spaces, line breaks or letters that no token has (it is not shown here).",
            "Set it again, to the token alone.",
        )
    if token is None:
        raise MissingToken(
            "There is no DigitalOcean API token.",
            "Neither DIGITALOCEAN_TOKEN nor DIGITALOCEAN_ACCESS_TOKEN is set.",
            "Make a token at https://cloud.digitalocean.com/account/api/tokens and set "
            "DIGITALOCEAN_TOKEN before the kernel starts, or call dotrain.use_sandbox() to try "
            "dotrain without an account.",
        )
    if token.startswith("sandbox_"):
        raise MissingToken(
            "The token in the environment is the sandbox's.",
            "DigitalOcean does not know it.",
            "Call dotrain.use_sandbox(), or set DIGITALOCEAN_TOKEN to a token of your account.",
        )
    return Target("digitalocean", url, token, ownfiles.private_dir(config.home() / "digitalocean"))


def _refuse_unsafe(url: str) -> None:
    if _DIGITALOCEAN.fullmatch(url):
        return
    shown = without_passwords("".join(url.split()))
    raise UnsafeEndpoint(
        f"The API endpoint {shown} is refused.",
        "A DigitalOcean token is only ever sent over HTTPS to digitalocean.com.",
        "Unset DIGITALOCEAN_API_URL; for the sandbox, call dotrain.use_sandbox().",
    )


def sandbox_directory() -> Path:
    """Return the directory where the sandbox server keeps its data."""
    return ownfiles.private_dir(config.home() / "sandbox") / "server"


def running_sandbox() -> dict[str, Any] | None:
    """Return ``url``, ``token``, ``pid`` and ``id`` of the sandbox that runs, None if none does."""
    try:
        info: dict[str, Any] = json.loads((sandbox_directory() / "sandbox.json").read_text("utf-8"))
        answer = httpx.get(f"{info['url']}/__sandbox__/", timeout=5, verify=NO_TLS).json()
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None
    info["token"] = Hidden(info["token"])
    # Another program may have the port of a sandbox that was killed.
    return info if answer.get("id") == info.get("id") else None


def start_sandbox() -> dict[str, Any]:
    """Return the sandbox that runs, started if need be.

    Raises
    ------
    SandboxError
        When it does not answer within 20 seconds.
    """
    running = running_sandbox()
    if running:
        return running
    directory = ownfiles.private_dir(sandbox_directory())
    log = directory / "server.log"
    log.touch(mode=0o600)
    with log.open("w", encoding="utf-8") as output:
        # A session of its own: the sandbox outlives the kernel that started it.
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dotrain.sandbox", "serve"),
                *("--data", str(directory), "--delay", str(config.sandbox_delay())),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A real token in the kernel's environment is none of the sandbox's business.
            env=config.environment_without_secrets(),
            start_new_session=True,
        )
    _started.append(process)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        running = running_sandbox()
        if running:
            return running
        # A server that ended at once may have found another one starting.
        time.sleep(0.02 if process.poll() is None else 0.2)
    raise SandboxError(
        "The sandbox did not start.",
        f"It did not answer within {_START_SECONDS} seconds; its last words are "
        f"{log.read_text('utf-8')[-300:].strip()!r}.",
        "Run 'dotrain sandbox stop' and try again, or 'dotrain doctor' to see what is wrong.",
    )


def stop_sandbox() -> bool:
    """Stop the sandbox and return whether one ran; what was made in it is kept."""
    running = running_sandbox()
    if not running:
        return False
    # Its answer just now proves that the process is the sandbox and no other.
    os.kill(running["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _START_SECONDS
    while running_sandbox() and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in [process for process in _started if process.pid == running["pid"]]:
        process.wait(_START_SECONDS)
        _started.remove(process)
    return True


def reset_sandbox() -> None:
    """Empty the sandbox: what was made in it, and what dotrain remembers about that."""
    start_sandbox()
    _tell_sandbox("reset", {})
    for name in ("state", "stacks", "kube", "jobs"):
        shutil.rmtree(config.home() / "sandbox" / name, ignore_errors=True)


def _tell_sandbox(what: str, body: dict[str, str]) -> None:
    """Make one of the sandbox's own calls."""
    running = start_sandbox()
    answer = httpx.post(
        f"{running['url']}/__sandbox__/{what}",
        headers={"Authorization": f"Bearer {running['token']}"},
        json=body,
        timeout=5,
        verify=NO_TLS,
    )
    if answer.is_error:
        raise SandboxError(
            "The sandbox refused what it was told.",
            f"It said: {answer.json().get('message', answer.status_code)}",
            "For a control plane, run `pip install 'dotrain[sandbox]'` and "
            "`dotrain sandbox install-kubernetes`.",
        )

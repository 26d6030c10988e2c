"""Where the API is and how patient to be: read once, from configuration and environment.

The names and defaults are the official provider's, except for three that shorten what is fixed
there: DOTRAIN_SANDBOX_POLL_SECONDS the intervals at which it looks whether something is ready,
DOTRAIN_SANDBOX_WAIT_SECONDS the longest that it goes on looking, and
DOTRAIN_SANDBOX_TIMEOUT_SECONDS how long it waits for an answer. An endpoint that is not on this
machine, and a token that looks real, are refused here, before any connection.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dotrain.sandbox.provider.errors import Refused

_PUBLIC = "https://api.digitalocean.com"
_REAL_TOKENS = ("dop_v1_", "doo_v1_", "dor_v1_")


@dataclass(frozen=True)
class Settings:
    """What a provider was configured with."""

    endpoint: str
    token: str | None = field(default=None, repr=False)
    poll_seconds: float = 10.0
    database_poll_seconds: float = 15.0
    wait_seconds: float = math.inf
    timeout: float = 60.0
    retry_max: int = 4
    retry_wait_min: float = 1.0
    retry_wait_max: float = 30.0


def read(config: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings that a provider's configuration and the environment give.

    Raises
    ------
    Refused
        When the endpoint is not on this machine, or the token looks real.
    """

    def given(key: str, *variables: str) -> str | None:
        return config.get(key) or next(
            (environ[name] for name in variables if environ.get(name)), None
        )

    token = given("token", "DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
    if token and token.startswith(_REAL_TOKENS):
        raise Refused(
            "The DigitalOcean token given to the sandbox's provider looks like a real one, so it "
            "was not sent anywhere. The sandbox needs no token. Unset DIGITALOCEAN_TOKEN and "
            "DIGITALOCEAN_ACCESS_TOKEN for the sandbox, or use the official provider."
        )
    poll = environ.get("DOTRAIN_SANDBOX_POLL_SECONDS")
    return Settings(
        endpoint=_loopback_origin(given("apiEndpoint", "DIGITALOCEAN_API_URL") or _PUBLIC),
        token=token,
        poll_seconds=_number(poll, 10.0),
        database_poll_seconds=_number(poll, 15.0),
        wait_seconds=_number(environ.get("DOTRAIN_SANDBOX_WAIT_SECONDS"), math.inf),
        timeout=_number(environ.get("DOTRAIN_SANDBOX_TIMEOUT_SECONDS"), 60.0),
        retry_max=int(_number(given("httpRetryMax", "DIGITALOCEAN_HTTP_RETRY_MAX"), 4)),
        retry_wait_min=_number(given("httpRetryWaitMin", "DIGITALOCEAN_HTTP_RETRY_WAIT_MIN"), 1.0),
        retry_wait_max=_number(given("httpRetryWaitMax", "DIGITALOCEAN_HTTP_RETRY_WAIT_MAX"), 30.0),
    )


def _loopback_origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if parts.scheme not in {"http", "https"} or not loopback:
        raise Refused(
            "The sandbox's stand-in for the DigitalOcean provider was pointed at "
            f"{host or endpoint!r}, which is not on this machine, so it made no call. It only "
            "imitates the official provider and must never touch a real account. Set "
            "DIGITALOCEAN_API_URL to a running sandbox, or use the official provider."
        )
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text is not None else default
    except ValueError:
        return default

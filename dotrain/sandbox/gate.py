"""Who may ask, and how often."""

from __future__ import annotations

import hmac
import re
from collections import deque
from typing import TYPE_CHECKING

from dotrain.sandbox.answers import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The whole of what is taken: programs read a name in different ways.
_THIS_MACHINE = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_REAL = ("dop_v1_", "doo_v1_", "dor_v1_")
_AN_HOUR = 5000
_A_MINUTE = 250
_HOUR = 3600
_MINUTE = 60


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what a web page may have sent: another host's name, another page's origin.

    A page can make its own name resolve to 127.0.0.1, but not lie in these headers.
    """
    host = headers.get("host", "")
    if not _THIS_MACHINE.fullmatch(host):
        raise ApiError(403, "forbidden", "The sandbox answers to 127.0.0.1 and localhost only.")
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        raise ApiError(403, "forbidden", "The sandbox answers to no web page of another origin.")


def check_token(headers: Mapping[str, str], token: str) -> None:
    """Refuse whoever does not have the sandbox's own token."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    given = given.strip()
    if given.startswith(_REAL):
        raise ApiError(
            401,
            "Unauthorized",
            "This looks like a real DigitalOcean token. The sandbox takes none: use its own, "
            "and treat the one you sent as seen by a local process.",
        )
    right = hmac.compare_digest(given.encode(errors="replace"), token.encode())
    if scheme.lower() != "bearer" or not right:
        raise ApiError(401, "Unauthorized", "Unable to authenticate you")


class Meter:
    """Counts requests as DigitalOcean does; refuses the surplus only when told to."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque()

    def count(self, now: float, *, strict: bool) -> None:
        """Count a request, or, when strict, raise ApiError for one too many."""
        while self._moments and self._moments[0] <= now - _HOUR:
            self._moments.popleft()
        if strict:
            self._check(now)
        # Beyond the limit the oldest say nothing more.
        if len(self._moments) == _AN_HOUR:
            self._moments.popleft()
        self._moments.append(now)

    def _check(self, now: float) -> None:
        if len(self._moments) >= _AN_HOUR:
            raise ApiError(429, "too_many_requests", "API Rate limit exceeded.")
        if len(self._moments) >= _A_MINUTE and self._moments[-_A_MINUTE] > now - _MINUTE:
            wait = int(self._moments[-_A_MINUTE] + _MINUTE - now) + 1
            raise ApiError(
                429, "too_many_requests", "API Rate limit exceeded.", retry_after=str(wait)
            )

    def headers(self, now: float, *, strict: bool) -> dict[str, str]:
        """Return the headers that tell how many requests are left.

        Where nothing is refused, nothing is used up: a client that waits would wait for nothing.
        """
        oldest = self._moments[0] if self._moments else now
        left = _AN_HOUR - len(self._moments) if strict else _AN_HOUR - 1
        return {
            "ratelimit-limit": str(_AN_HOUR),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": str(int(oldest) + _HOUR),
        }

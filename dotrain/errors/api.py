"""What DigitalOcean's API says no to."""

from __future__ import annotations

from dotrain.errors.base import DotrainError


class ApiError(DotrainError):
    """DigitalOcean refused or failed a request.

    Attributes
    ----------
    status : int or None
        The HTTP status, None when no answer came.
    request_id : str or None
        DigitalOcean's id of the request, for its support.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        fix: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(what, why, fix)
        self.status = status
        self.request_id = request_id


class TokenRejected(ApiError):
    """401 or 403: the token is unknown, expired or lacks a scope."""


class NotFound(ApiError):
    """404: there is no such object."""


class RateLimited(ApiError):
    """429, and still 429 after waiting."""


class Unreachable(ApiError):
    """No answer from the API."""


_NO_ANSWER = "Check this machine's network and https://status.digitalocean.com."
_REMEDIES = {
    401: "Check that DIGITALOCEAN_TOKEN is a token of this account that has not expired.",
    403: "Give the token the scope that this needs (the README lists them).",
    404: "It may have been deleted meanwhile: look again.",
    409: "Wait until what goes on there has ended.",
    429: "Wait some minutes.",
}
_LIMIT, _GOING = "limit", "being deleted"
_SERVER_ERROR = 500


def remedy(status: int | None, said: str) -> str:
    """Return what to do about a request that failed.

    Parameters
    ----------
    status : int or None
        The HTTP status, None when no answer came.
    said : str
        What DigitalOcean said.
    """
    if status is None:
        return _NO_ANSWER
    if _GOING in said:
        return _REMEDIES[409]
    if status in _REMEDIES:
        return _REMEDIES[status]
    if status >= _SERVER_ERROR:
        return "If it stays, give the request id to DigitalOcean's support."
    if _LIMIT in said.lower():
        return "Delete what you do not need, or ask DigitalOcean's support for a higher limit."
    return "Change what it does not accept."

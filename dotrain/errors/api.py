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

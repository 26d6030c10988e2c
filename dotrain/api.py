"""DigitalOcean's API over httpx: one pager, one mapper of errors.

Every request is repeated when the network, a rate limit or a server error stops
it: all of them mean the same when they are sent twice. Nothing here creates:
that is Pulumi's, which keeps account of it.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import stamina

from dotrain.errors import ApiError, NotFound, RateLimited, TokenRejected, Unreachable
from dotrain.target import Target

# stamina logs each repetition, and Python prints what no handler takes.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_PAGE = 200
_ATTEMPTS = 4
_TIMEOUT = 30.0
_LONGEST_WAIT = 30.0


class Api:
    """The API of one account.

    Parameters
    ----------
    target : Target
        The account.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._client = httpx.Client(
            base_url=target.url,
            headers={"Authorization": f"Bearer {target.token}", "User-Agent": "dotrain"},
            timeout=_TIMEOUT,
            verify=_trust(),
            # A redirect could carry the token to another host.
            follow_redirects=False,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def get(self, path: str, **params: object) -> dict[str, Any]:
        """Return the JSON answer to GET `path`.

        Raises
        ------
        TokenRejected, NotFound, RateLimited, Unreachable, ApiError
        """
        response = self._request("GET", path, params)
        try:
            answer = response.json()
        except ValueError as error:
            raise _unreadable(path, response, "is not JSON, or was cut short") from error
        if not isinstance(answer, dict):
            raise _unreadable(path, response, "is not a JSON object")
        return answer

    def text(self, path: str, **params: object) -> str:
        """Return the answer to GET `path` as text; raises as `get` does."""
        return self._request("GET", path, params).text

    def pages(self, path: str, key: str, **params: object) -> Iterator[dict[str, Any]]:
        """Yield every entry of a list, page after page; raises as `get` does.

        Parameters
        ----------
        path : str
            Such as ``"/v2/firewalls"``.
        key : str
            The list's name in the answer, such as ``"firewalls"``.
        **params
            Further query parameters.
        """
        page = 1
        while True:
            answer = self.get(path, **params, page=page, per_page=_PAGE)
            yield from answer.get(key) or ()
            # Follow the numbers and not the link: a link is a URL that could
            # point anywhere, and the token goes with the request.
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return
            page += 1

    def put(self, path: str, body: Mapping[str, object]) -> None:
        """Replace what is at `path` by `body`; raises as `get` does."""
        self._request("PUT", path, {}, body)

    def delete(self, path: str) -> None:
        """Delete `path`; it is no error when it is gone already. Raises as `get` does."""
        try:
            self._request("DELETE", path, {})
        except NotFound:
            return

    def _request(
        self,
        method: str,
        path: str,
        params: dict[str, object],
        body: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        query = {key: str(value) for key, value in params.items()}
        try:
            for attempt in stamina.retry_context(
                on=_backoff, attempts=_ATTEMPTS, wait_initial=0.5, wait_max=_LONGEST_WAIT
            ):
                with attempt:
                    answer = self._client.request(method, path, params=query, json=body)
                    return answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise _status_error(method, path, error.response) from error
        except httpx.HTTPError as error:
            raise Unreachable(
                f"DigitalOcean's API at {self._target.url} does not answer.",
                f"{method} {path} failed, also when repeated: {error or type(error).__name__}.",
                "Check this machine's network and https://status.digitalocean.com, then run the "
                "same call again."
                if not self._target.is_sandbox
                else "Call dotrain.use_sandbox() to start the sandbox again.",
            ) from error
        raise AssertionError  # retry_context returns or raises


@functools.cache
def _trust() -> ssl.SSLContext:
    """Return whom HTTPS trusts: read once (16 ms), and not for every client."""
    return httpx.create_ssl_context()


def _backoff(error: Exception) -> bool | dt.timedelta:
    """Say whether to repeat a request that failed, and after how long if the answer says it."""
    if not isinstance(error, httpx.HTTPStatusError):
        return isinstance(error, httpx.TransportError)
    status = error.response.status_code
    if status != httpx.codes.TOO_MANY_REQUESTS:
        return status >= httpx.codes.INTERNAL_SERVER_ERROR
    try:
        wait = float(error.response.headers["retry-after"])
    except (KeyError, ValueError):
        return True
    # The hourly limit can mean most of an hour: say so rather than hang.
    return dt.timedelta(seconds=max(0.0, wait)) if wait <= _LONGEST_WAIT else False


def _unreadable(path: str, response: httpx.Response, reason: str) -> ApiError:
    return ApiError(
        f"DigitalOcean's answer to GET {path} cannot be read.",
        f"It {reason}.",
        "Try again; if it stays, see https://status.digitalocean.com.",
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
    )


def _status_error(method: str, path: str, response: httpx.Response) -> ApiError:
    status = response.status_code
    try:
        body = response.json()
        said = " ".join(str(body.get("message") or body).split())
        request_id = body.get("request_id") or response.headers.get("x-request-id")
    except (ValueError, AttributeError):
        said, request_id = response.reason_phrase, response.headers.get("x-request-id")
    kind, fix = {
        401: (
            TokenRejected,
            "Check that DIGITALOCEAN_TOKEN is a token of this account that has not expired.",
        ),
        403: (TokenRejected, "Give the token the scope that this needs (the README lists them)."),
        404: (NotFound, "It may have been deleted meanwhile: look again."),
        429: (RateLimited, "Wait some minutes, then run the same call again."),
    }.get(status, (ApiError, "If it stays, give the request id to DigitalOcean's support."))
    return kind(
        f"DigitalOcean refused {method} {path}.",
        f"It answered {status}: {said.rstrip('.')}"
        + (f" (request {request_id})." if request_id else "."),
        fix,
        status=status,
        request_id=request_id,
    )

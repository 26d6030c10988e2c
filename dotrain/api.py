"""DigitalOcean's API over httpx: one pager, one mapper of errors.

Every request is repeated when the network, a rate limit or a server error stops
it: all of them mean the same when they are sent twice. Nothing here creates:
that is Pulumi's, which keeps account of it.
"""

from __future__ import annotations

import datetime as dt
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx
import stamina

from dotrain import shapes
from dotrain.errors import ApiError, NotFound, RateLimited, TokenRejected, Unreachable
from dotrain.errors.api import remedy
from dotrain.hidden import Hidden, bare
from dotrain.pace import Pace
from dotrain.target import NO_TLS, Target

# stamina logs each repetition, and Python prints what no handler takes.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_PAGE = 200
_ATTEMPTS = 4
# An answer may take half a minute and come all the same.
_TIMEOUT = 60.0
# In all, after which nothing is asked again: a request without an answer is asked twice.
_PATIENCE = 2 * _TIMEOUT
# A burst is over within a minute.
_LONGEST_WAIT = 60.0
# Of a managed database its password, and its address with the password in it;
# of a cluster the token for its Kubernetes API.
_SECRETS = frozenset({"password", "uri", "token"})

_KINDS = {401: TokenRejected, 403: TokenRejected, 404: NotFound, 429: RateLimited}

# One for each token: all connections of this process share its limit.
_paces: dict[str, Pace] = {}


class Api:
    """The API of one account.

    Parameters
    ----------
    target : Target
        The account.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._date: dt.datetime | None = None
        self._pace = _paces.setdefault(target.token, Pace())
        try:
            self._client = httpx.Client(
                base_url=target.url,
                headers={"User-Agent": "dotrain"},
                timeout=_TIMEOUT,
                # A redirect could carry the token to another host.
                follow_redirects=False,
                verify=NO_TLS if target.is_sandbox else _trusted(),
            )
        except BaseException as error:  # noqa: BLE001 - raised again
            raise bare(error)  # noqa: B904 - it is the same error

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def date(self) -> dt.datetime | None:
        """When DigitalOcean gave the last answer, by its own clock; None when none said it."""
        return self._date

    def get(self, path: str, **params: object) -> dict[str, Any]:
        """Return the JSON answer to GET `path`.

        Raises
        ------
        TokenRejected, NotFound, RateLimited, Unreachable, ApiError
        """
        answer: dict[str, Any] = self._request("GET", path, params, _parse)
        return answer

    def text(self, path: str, **params: object) -> str:
        """Return the answer to GET `path` as text, a secret one; raises as `get` does."""
        text: str = self._request("GET", path, params, lambda answer: Hidden(answer.text))
        return text

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

    def post(self, path: str, body: Mapping[str, object]) -> None:
        """Send `body` to `path`, for what makes nothing; raises as `get` does."""
        self._request("POST", path, {}, body=body)

    def put(self, path: str, body: Mapping[str, object]) -> None:
        """Replace what is at `path` by `body`; raises as `get` does."""
        self._request("PUT", path, {}, body=body)

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
        read: Callable[[httpx.Response], object] = lambda _: None,
        body: Mapping[str, object] | None = None,
    ) -> Any:
        """Return what `read` makes of the answer."""
        query = {key: str(value) for key, value in params.items()}
        authorization = {"Authorization": Hidden(f"Bearer {self._target.token}")}
        try:
            for attempt in stamina.retry_context(
                on=_backoff,
                attempts=_ATTEMPTS,
                timeout=_PATIENCE,
                wait_initial=0.5,
                wait_max=_LONGEST_WAIT,
            ):
                with attempt:
                    self._pace.wait()
                    answer = self._client.request(
                        method, path, params=query, headers=authorization, json=body
                    )
                    self._pace.note(answer.headers)
                    self._date = _date(answer.headers)
                    return read(answer.raise_for_status())
        except httpx.HTTPStatusError as error:
            raise _status_error(method, path, error.response) from bare(error)
        except _CutShort as error:
            # Not chained: what it has read may hold secrets.
            raise _unreadable(error.response, "is not JSON, or was cut short") from None
        except httpx.HTTPError as error:
            raise Unreachable(
                f"DigitalOcean's API at {self._target.url} does not answer.",
                f"{method} {path} failed, also when repeated: {error or type(error).__name__}.",
                "Check this machine's network and https://status.digitalocean.com, then run the "
                "same call again."
                if not self._target.is_sandbox
                else "Call dotrain.use_sandbox() to start the sandbox again.",
            ) from bare(error)
        except BaseException as error:  # noqa: BLE001 - raised again
            raise bare(error)  # noqa: B904 - it is the same error
        raise AssertionError  # retry_context returns or raises


def _backoff(error: Exception) -> bool | dt.timedelta:
    """Say whether to repeat a request that failed, and after how long if the answer says it."""
    if not isinstance(error, httpx.HTTPStatusError):
        return isinstance(error, httpx.TransportError | _CutShort)
    status = error.response.status_code
    if status != httpx.codes.TOO_MANY_REQUESTS:
        return status >= httpx.codes.INTERNAL_SERVER_ERROR
    try:
        wait = float(error.response.headers["retry-after"])
    except (KeyError, ValueError):
        return True
    # The hourly limit can mean most of an hour: say so rather than hang.
    return dt.timedelta(seconds=max(0.0, wait)) if wait <= _LONGEST_WAIT else False


def _date(headers: Mapping[str, str]) -> dt.datetime | None:
    try:
        date = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    return date if date.tzinfo else None


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom this machine trusts; to read that takes longer than most requests."""
    return httpx.create_ssl_context()


class _CutShort(Exception):
    """An answer of which, it seems, a part is missing."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response


def _parse(response: httpx.Response) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = response.json(object_hook=_hide)
    except (ValueError, RecursionError):
        # Not chained: that error holds the whole text.
        raise _CutShort(response) from None
    asked = response.request.url
    reason = shapes.wrong(asked.path, answer) or shapes.strange(answer, asked.params)
    if reason:
        raise _unreadable(response, reason)
    return answer


def _hide(value: dict[str, Any]) -> dict[str, Any]:
    """Hide what an object of the API has of secrets: dotrain needs none of them."""
    hidden = {key: Hidden(value[key]) for key in _SECRETS & value.keys() if value[key]}
    return {**value, **hidden}


def _unreadable(response: httpx.Response, reason: str) -> ApiError:
    request_id = response.headers.get("x-request-id")
    return ApiError(
        f"DigitalOcean's answer to GET {response.request.url.path} cannot be read.",
        f"It {reason}{_named(request_id)}.",
        "Try again; if it stays, see https://status.digitalocean.com.",
        status=response.status_code,
        request_id=request_id,
    )


def _named(request_id: str | None) -> str:
    return f" (request {request_id})" if request_id else ""


def _status_error(method: str, path: str, response: httpx.Response) -> ApiError:
    status = response.status_code
    try:
        body = response.json()
        # Nothing else of it: what is no error's answer may have a secret in it.
        message, told = body.get("message"), body.get("request_id")
        said = " ".join(message.split()) if isinstance(message, str) else response.reason_phrase
        request_id = told if isinstance(told, str) else response.headers.get("x-request-id")
    except (ValueError, AttributeError, RecursionError):
        said, request_id = response.reason_phrase, response.headers.get("x-request-id")
    kind = _KINDS.get(status, ApiError)
    return kind(
        f"DigitalOcean refused {method} {path}.",
        f"It answered {status}: {said.rstrip('.')}{_named(request_id)}.",
        remedy(status, said),
        status=status,
        request_id=request_id,
    )

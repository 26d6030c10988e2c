"""The DigitalOcean API over HTTP: retries and errors as the official provider has them."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from dotrain.sandbox.provider.errors import ApiError, Refused
from dotrain.sandbox.provider.settings import Settings

_TOO_MANY, _UNAVAILABLE, _NOT_IMPLEMENTED, _SERVER_ERROR = 429, 503, 501, 500


class Api:
    """A client that speaks only to an endpoint that says it is a sandbox."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # The environment's proxies are ignored: what is meant for this machine stays on it.
        self._http = httpx.Client(
            trust_env=False, timeout=60.0, headers={"User-Agent": "dotrain-standin"}
        )
        self._lock = threading.Lock()
        self._verified = False

    def get(self, path: str) -> Any:
        """Return what the API has at a path."""
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Any:
        """Create something."""
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        """Replace something."""
        return self.call("PUT", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        """Delete something."""
        return self.call("DELETE", path, body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call and return its JSON answer, None when it has none.

        Raises
        ------
        ApiError
            When it still fails after the retries, or fails in a way that retries do not cure.
        Refused
            When the endpoint does not say that it is a sandbox.
        """
        self._verify()
        url = self.settings.endpoint + path
        response = self._send(method, url, body)
        if response.is_success:
            return response.json() if response.content else None
        raise ApiError(_sentence(method, url, response), response.status_code)

    def _verify(self) -> None:
        with self._lock:
            if self._verified:
                return
            endpoint = self.settings.endpoint
            try:
                answer = self._http.get(f"{endpoint}/__sandbox__/").json()
            except (httpx.HTTPError, ValueError):
                answer = None
            if not isinstance(answer, dict) or answer.get("dotrain_sandbox") != 1:
                raise Refused(
                    f"What answers at {endpoint} does not say that it is a sandbox, so the "
                    "stand-in for the DigitalOcean provider made no call to its API. It must never "
                    "touch a real account, and asks /__sandbox__/ first. Start the sandbox, or set "
                    "DIGITALOCEAN_API_URL to the address it printed."
                )
            self._verified = True

    def _send(self, method: str, url: str, body: Any) -> httpx.Response:
        token = self.settings.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for attempt in range(self.settings.retry_max + 1):
            last = attempt == self.settings.retry_max
            try:
                response = self._http.request(method, url, json=body, headers=headers)
            except httpx.TransportError as error:
                if last:
                    raise ApiError(
                        f"{method} {url}: {error}; giving up after {attempt + 1} attempt(s)"
                    ) from error
                response = None
            if response is not None and (last or not _worth_retrying(response.status_code)):
                return response
            time.sleep(self._pause(attempt, response))
        raise ApiError(f"{method} {url}: no attempt was made")

    def _pause(self, attempt: int, response: httpx.Response | None) -> float:
        if response is not None and response.status_code in {_TOO_MANY, _UNAVAILABLE}:
            after = response.headers.get("Retry-After", "")
            if after.isdigit():
                return float(after)
        settings = self.settings
        return min(settings.retry_wait_min * 2.0**attempt, settings.retry_wait_max)


def _worth_retrying(status: int) -> bool:
    return status == _TOO_MANY or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED)


def _sentence(method: str, url: str, response: httpx.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    details = answer if isinstance(answer, dict) else {"message": response.text.strip()}
    request_id = details.get("request_id") or response.headers.get("x-request-id")
    request = f' (request "{request_id}")' if request_id else ""
    return f"{method} {url}: {response.status_code}{request} {details.get('message', '')}".rstrip()

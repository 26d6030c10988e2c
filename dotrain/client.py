"""A kr8s client for one cluster, let in by DigitalOcean's credentials.

They are kept in memory. Their token goes with each request and is replaced
when the API refuses it: it ends after 8 hours, and a notebook lives longer.
Nothing is trusted but the cluster's own certificate authority.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import anyio
import anyio.to_thread
import httpx
import httpx_ws
import kr8s
from kr8s._auth import KubeAuth

from dotrain.credentials import Credentials
from dotrain.errors import DotrainError
from dotrain.hidden import Hidden, bare

# A firewall that does not let one in says nothing: what does not connect soon never does.
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# kr8s asks for 100 objects at a time; kubectl and the API itself are used to 500.
_KR8S_PAGE, _PAGE = 100, 500


class _Bearer(httpx.Auth):
    """Adds the token to each request, and replaces one that is refused.

    Parameters
    ----------
    first : Credentials
        The credentials to begin with.
    renew : callable
        Returns others.
    """

    def __init__(self, first: Credentials, renew: Callable[[], Credentials]) -> None:
        self.credentials = first
        self._renew = renew
        # Requests of several threads share one event loop.
        self._lock = anyio.Lock()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request, and once more with another token when this one is refused."""
        used = self.credentials
        request.headers["Authorization"] = Hidden(f"Bearer {used.token}")
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            async with self._lock:
                if self.credentials is used:
                    self.credentials = await anyio.to_thread.run_sync(self._renew)
            request.headers["Authorization"] = Hidden(f"Bearer {self.credentials.token}")
            yield request


class _Known(KubeAuth):
    """What kr8s asks about credentials; it would read them from files, and write some."""

    def __init__(self, bearer: _Bearer) -> None:
        # Before the attributes that the base class sets: `token` is one of them.
        self._bearer = bearer
        super().__init__(serviceaccount="")
        self.server = bearer.credentials.server

    @property
    def token(self) -> str:
        return self._bearer.credentials.token

    @token.setter
    def token(self, _: object) -> None:
        pass

    async def reauthenticate(self) -> None:
        """Do nothing: a 401 has been answered with a new token, and a 403 has nothing to do."""


class Client(kr8s.Api):
    """A kr8s client for one cluster.

    Parameters
    ----------
    first : Credentials
        The credentials to begin with.
    renew : callable
        Returns others when these are refused.
    explain : callable
        Takes what a connection failed with and returns the error to raise.
    """

    def __init__(
        self,
        first: Credentials,
        renew: Callable[[], Credentials],
        explain: Callable[[str], DotrainError],
    ) -> None:
        super().__init__(bypass_factory=True)
        self.timeout = _TIMEOUT
        self._trust = first.trust()
        self._bearer = _Bearer(first, renew)
        self._explain = explain
        self.auth = _Known(self._bearer)

    async def _create_session(self) -> None:
        if self._session is None or self._session.is_closed:
            self._session = httpx.AsyncClient(
                base_url=self.auth.server,
                headers={"User-Agent": "dotrain", "Content-Type": "application/json"},
                auth=self._bearer,
                verify=self._trust,
                timeout=self._timeout,
                # Each connection that is forwarded keeps one.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                # A redirect could carry the token to another host.
                follow_redirects=False,
            )

    @contextlib.asynccontextmanager
    async def call_api(self, *args: Any, **kwargs: Any) -> AsyncIterator[httpx.Response]:
        """Make a request, in larger pages than kr8s', and say why when there is no answer."""
        params = kwargs.get("params") or {}
        if params.get("limit") == _KR8S_PAGE:
            kwargs["params"] = {**params, "limit": _PAGE}
        async with self._explained(), super().call_api(*args, **kwargs) as response:
            yield response

    @contextlib.asynccontextmanager
    async def open_websocket(
        self, *args: Any, **kwargs: Any
    ) -> AsyncIterator[httpx_ws.AsyncWebSocketSession]:
        """Open a WebSocket, and say why when there is no answer."""
        async with self._explained(), super().open_websocket(*args, **kwargs) as socket:
            yield socket

    @contextlib.asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        try:
            yield
        except (httpx.TransportError, kr8s.APITimeoutError) as error:
            reason = error.__cause__ if isinstance(error, kr8s.APITimeoutError) else error
            failure = " ".join(f"{type(reason).__name__} {reason}".split())
            raise await anyio.to_thread.run_sync(self._explain, failure) from bare(error)

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.aclose()

    def __repr__(self) -> str:
        return f"<Kubernetes API at {self.auth.server}>"

"""A cluster's own Kubernetes API: a kr8s client that DigitalOcean's credentials let in.

The credentials are kept in memory. Their token goes with each request and is
replaced when the API refuses it: it ends after 8 hours, and a notebook lives
longer. Nothing is trusted but the cluster's own certificate authority.

What it is used for needs these permissions of Kubernetes; DigitalOcean's
credentials give their owner all of them, and more:

=================  =====================================================
nodes, pods        list
events, services   list
``drain``          also nodes: patch; pods/eviction: create
``forward``        also pods/portforward: get, create
``idle_since``     nodes, pods, events: list, and no more
=================  =====================================================
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import httpx
import httpx_ws
import kr8s
import stamina
from kr8s._async_utils import as_sync_func
from kr8s._auth import KubeAuth

from dotrain import credentials, reachability
from dotrain.api import Api
from dotrain.credentials import Credentials
from dotrain.errors import DotrainError, KubernetesError, KubernetesForbidden, KubernetesNotFound
from dotrain.hidden import Hidden, bare
from dotrain.target import Target

_T = TypeVar("_T")
# A firewall that does not let one in says nothing: what does not connect soon never does.
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# kr8s asks for 100 objects at a time; kubectl and the API itself are used to 500.
_KR8S_PAGE, _PAGE = 100, 500
_ATTEMPTS = 3
EVERYWHERE = kr8s.ALL

_shared: dict[tuple[Target, str], Kube] = {}
_lock = threading.Lock()


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
                timeout=_TIMEOUT,
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


class Kube:
    """The Kubernetes API of one cluster, as dotrain itself uses it.

    Parameters
    ----------
    client : Client
        What makes the requests, on the event loop of kr8s' own thread; any
        number of threads may call.
    cluster : mapping
        The cluster as DigitalOcean described it.
    """

    def __init__(self, client: Client, cluster: Mapping[str, Any]) -> None:
        self.client = client
        self.cluster = cluster

    def __repr__(self) -> str:
        return f"<Kubernetes API of {self.cluster['name']!r}>"

    def close(self) -> None:
        """Let go of the connections."""
        self.run(self.client.aclose)

    def run(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `call` returns, run on the client's event loop.

        Raises
        ------
        KubernetesError
            With what Kubernetes says about a request that it refuses.
        """

        async def run() -> _T:
            return await call()

        try:
            return as_sync_func(run)()
        except kr8s.ServerError as error:
            raise _refusal(self.cluster["name"], error) from bare(error)
        except BaseException as error:  # noqa: BLE001 - raised again
            raise bare(error)  # noqa: B904 - it is the same error

    def list(
        self, kind: type[Any], *, namespace: str = EVERYWHERE, fields: str = ""
    ) -> list[dict[str, Any]]:
        """Return all objects of a kind, in pages of 500.

        Parameters
        ----------
        kind : type
            Of `kr8s.objects`, such as ``Pod``.
        namespace : str
            Only those of this one.
        fields : str
            Only those, such as ``"spec.nodeName=gpu-1"``.

        Returns
        -------
        list of dict
            As Kubernetes' API describes them.

        Raises
        ------
        KubernetesError, KubernetesUnreachable, AddressMoved
        """

        async def collect() -> list[dict[str, Any]]:
            found = self.client.async_get(
                kind, namespace=namespace, field_selector=fields or None, raw=True
            )
            return [one async for one in found if isinstance(one, dict)]

        for attempt in stamina.retry_context(on=_again, attempts=_ATTEMPTS, wait_initial=0.2):
            with attempt:
                return self.run(collect)
        raise AssertionError  # retry_context returns or raises

    def patch(self, kind: type[Any], name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge `change` into an object that has no namespace, and return it; raises as `list`."""
        return self._send(
            "PATCH",
            version=kind.version,
            url=f"{kind.endpoint}/{name}",
            content=json.dumps(change),
            headers={"Content-Type": "application/merge-patch+json"},
        )

    def evict(self, pod: Mapping[str, Any]) -> None:
        """Ask for the eviction of a Pod, and of no other that has taken its name.

        Raises
        ------
        KubernetesError
            With the status 429 while a PodDisruptionBudget stands in the way.
        KubernetesNotFound
            When it is gone already.
        """
        metadata = pod["metadata"]
        self._send(
            "POST",
            url=f"pods/{metadata['name']}/eviction",
            namespace=metadata["namespace"],
            content=json.dumps(
                {
                    "apiVersion": "policy/v1",
                    "kind": "Eviction",
                    "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
                    "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
                }
            ),
        )

    def _send(self, method: str, **request: Any) -> dict[str, Any]:
        async def send() -> dict[str, Any]:
            async with self.client.call_api(method, **request) as response:
                answer: dict[str, Any] = response.json()
                return answer

        return self.run(send)


@contextlib.contextmanager
def connected(target: Target, api: Api, cluster: Mapping[str, Any]) -> Iterator[Kube]:
    """Connect as `connect` does, and let go at the end."""
    with closing(connect(target, api, cluster)) as kube:
        yield kube


def connect(target: Target, api: Api, cluster: Mapping[str, Any]) -> Kube:
    """Return the Kubernetes API of a cluster.

    Parameters
    ----------
    target : Target
        The account.
    api : Api
        The same, open; used now alone. A token that is renewed later comes
        over a connection of its own.
    cluster : mapping
        The cluster as DigitalOcean describes it.

    Returns
    -------
    Kube
        To be closed by whoever asked for it.

    Raises
    ------
    ApiError
        When DigitalOcean gives no credentials.
    KubernetesUnreachable
        When those it gives cannot be used.
    """

    def renew() -> Credentials:
        logging.getLogger(__name__).info(
            "The token for the Kubernetes API of %r is refused: asking for another.",
            cluster["name"],
        )
        with closing(Api(target)) as other:
            return credentials.fetch(other, cluster["id"])

    def explain(failure: str) -> DotrainError:
        return reachability.explain(target, cluster, failure)

    return with_credentials(credentials.fetch(api, cluster["id"]), renew, explain, cluster)


def shared(target: Target, cluster_id: str) -> Kube:
    """Return the Kubernetes API of a cluster, the same one as long as this process lives.

    Parameters
    ----------
    target : Target
        The account.
    cluster_id : str
        The cluster's id on DigitalOcean.

    Raises
    ------
    ApiError, KubernetesUnreachable
        As `connect`; `NotFound` when the cluster is gone.
    """
    with _lock:
        if (target, cluster_id) not in _shared:
            with closing(Api(target)) as api:
                found = api.get(f"/v2/kubernetes/clusters/{cluster_id}")["kubernetes_cluster"]
                kube = connect(target, api, found)
            _shared[target, cluster_id] = kube
            atexit.register(_let_go, kube)
        return _shared[target, cluster_id]


def _let_go(kube: Kube) -> None:
    # The other side may be gone, and this one is about to be.
    with contextlib.suppress(Exception):
        kube.close()


def with_credentials(
    first: Credentials,
    renew: Callable[[], Credentials],
    explain: Callable[[str], DotrainError],
    cluster: Mapping[str, Any],
) -> Kube:
    """Return the Kubernetes API that these credentials are for; the rest is as for `Client`."""
    # Whoever calls kr8s without a client gets one that was made on the same
    # thread before, and this one is for nobody else: it has a thread of its own.
    with ThreadPoolExecutor(1) as thread:
        return Kube(thread.submit(Client, first, renew, explain).result(), cluster)


def _again(error: Exception) -> bool:
    """Say whether to repeat a request: when the server is busy, or starts anew."""
    return isinstance(error, KubernetesError) and error.status in (429, 500, 502, 503, 504)


def _refusal(name: str, error: kr8s.ServerError) -> KubernetesError:
    status = error.response.status_code if error.response is not None else None
    said: Mapping[str, Any] = error.status if isinstance(error.status, dict) else {}
    kind, fix = {
        401: (KubernetesForbidden, "Call dotrain.doctor() to see whether the token is good."),
        403: (KubernetesForbidden, "Use a token of a DigitalOcean user who may do that."),
        404: (KubernetesNotFound, "It may have been deleted meanwhile: look again."),
        429: (KubernetesError, "Wait a moment, then run the same call again."),
    }.get(status or 0, (KubernetesError, "If it stays, look at the cluster's events()."))
    causes = (said.get("details") or {}).get("causes") or ()
    return kind(
        f"The Kubernetes API of {name!r} refused a request.",
        f"It answered {status}: {str(error).rstrip('.')}.",
        fix,
        status=status,
        causes=[str(one.get("message") or "") for one in causes],
    )

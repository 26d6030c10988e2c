"""A cluster's own Kubernetes API, as dotrain uses it: lists, evictions, and errors that say why.

What it is used for needs these permissions of Kubernetes; DigitalOcean's
credentials give their owner all of them, and more:

===========================  ===================================================
``nodes()``, ``pods()``      nodes, pods: list
``events()``                 events: list
``wait_ready()``             nodes, pods, events: list
``forward()``                pods, services: list; pods/portforward: get, create
``job()``, ``jobs()``        jobs, pods, events: list; trainjobs, where they are: list
``Job``                      jobs: get, patch, delete; pods, nodes, events: list;
                             pods/log: get; pods/portforward: get, create
``run()``                    `jobs.submitting.RULES`
``draining.drain``           `draining.RULES`
``idleness.idle_since``      `idleness.RULES`
===========================  ===================================================
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import kr8s
import stamina
from kr8s._async_utils import as_sync_func

from dotrain import objects
from dotrain.client import Client
from dotrain.errors import KubernetesError, KubernetesForbidden, KubernetesNotFound
from dotrain.hidden import Hidden, bare

_T = TypeVar("_T")
_ATTEMPTS = 3
_PASSING = (429, 500, 502, 503, 504)


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

    def check(self) -> None:
        """Raise unless the API answers here and takes the token; raises as `list` does."""
        self.run(self.client.async_version)

    def list(
        self, kind: type[Any], *, namespace: str | None = None, fields: str = "", labels: str = ""
    ) -> list[dict[str, Any]]:
        """Return all objects of a kind, in pages of 500.

        Parameters
        ----------
        kind : type
            Of `kr8s.objects`, such as ``Pod``.
        namespace : str, optional
            Only those of this one.
        fields : str
            Only these, such as ``"spec.nodeName=gpu-1"``.
        labels : str
            Only these, such as ``"dotrain/job=train"``.

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
                kind,
                namespace=namespace or kr8s.ALL,
                field_selector=fields or None,
                label_selector=labels or None,
                raw=True,
            )
            return [one async for one in found if isinstance(one, dict)]

        return repeated(partial(self.run, collect))

    def read(self, path: str) -> dict[str, Any]:
        """Return the object at a path of the API; KubernetesNotFound without, else as `list`."""
        return repeated(partial(self._send, "GET", **_address(path)))

    def log(self, pod: Mapping[str, Any], **params: str) -> bytes:
        """Return what a Pod has written.

        Parameters
        ----------
        pod : mapping
            The Pod.
        **params : str
            As Kubernetes' API has them, such as ``container`` and ``tailLines``.

        Raises
        ------
        KubernetesNotFound
            When the Pod is gone.
        KubernetesError
            With the status 400 when its container has not begun.
        KubernetesUnreachable, AddressMoved
        """
        metadata = pod["metadata"]

        async def collect() -> bytes:
            async with self.client.call_api(
                "GET",
                url=f"pods/{metadata['name']}/log",
                namespace=metadata["namespace"],
                params=params,
            ) as response:
                content: bytes = response.content
                return content

        return repeated(partial(self.run, collect))

    def patch(
        self,
        kind: type[Any],
        name: str,
        change: Mapping[str, Any],
        *,
        namespace: str | None = None,
    ) -> dict[str, Any]:
        """Merge `change` into an object, and return it; raises as `list`."""
        return self._send(
            "PATCH",
            version=kind.version,
            url=f"{kind.endpoint}/{name}",
            namespace=namespace,
            content=_body(change),
            headers={"Content-Type": "application/merge-patch+json"},
        )

    def create(self, manifest: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Make an object that is not there yet.

        Parameters
        ----------
        manifest : mapping
            The object, with its namespace if it has one.

        Returns
        -------
        dict, tuple of str
            The object as it was made, and what Kubernetes warns of.

        Raises
        ------
        KubernetesError
            With the status 409 when there is one already, 422 when it is not valid.
        KubernetesUnreachable, AddressMoved
        """

        async def post() -> tuple[dict[str, Any], tuple[str, ...]]:
            where = _address(objects.location(manifest).rpartition("/")[0])
            async with self.client.call_api("POST", **where, content=_body(manifest)) as response:
                return response.json(), tuple(response.headers.get_list("Warning"))

        return self.run(post)

    def apply(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object as `manifest` says, new or changed, by server-side apply; return it.

        Parameters
        ----------
        path : str
            Of the object, such as ``"/api/v1/namespaces/dotrain-system"``.
        manifest : mapping
            What should be; what it does not say is left to others.

        Raises
        ------
        KubernetesError, KubernetesUnreachable, AddressMoved
        """
        return self._send(
            "PATCH",
            **_address(path),
            params={"fieldManager": "dotrain", "force": "true"},
            content=_body(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    def delete(self, path: str, *, uid: str = "", owned_first: bool = True) -> None:
        """Delete the object at a path, if there is one; raises as `apply`.

        Parameters
        ----------
        path : str
            Of the object.
        uid : str
            Delete this one alone, and no other that has taken its name; and all
            that it owns.
        owned_first : bool
            Whether, with a `uid`, what it owns goes before it, and not after.
        """
        policy = "Foreground" if owned_first else "Background"
        options = {"preconditions": {"uid": uid}, "propagationPolicy": policy} if uid else {}
        with suppress(KubernetesNotFound):
            self._send("DELETE", **_address(path), content=_body(options))

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
            content=_body(
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


def _body(content: Mapping[str, Any]) -> Hidden:
    """Return what is sent, hidden from tracebacks: a Secret's values are in it as they are."""
    return Hidden(json.dumps(content))


def _address(path: str) -> dict[str, str]:
    """Return a path of the API in the parts of which kr8s makes it."""
    base, _, name = path.rpartition("/")
    return {"version": "", "base": base, "url": name}


def repeated(call: Callable[[], _T], on: Callable[[Exception], bool] | None = None) -> _T:
    """Return what `call` returns, which is tried again when that may help, thrice in all.

    Parameters
    ----------
    call : callable
        What is called.
    on : callable, optional
        Says whether it may help after an error, where that is not `may_pass`.
    """
    for attempt in stamina.retry_context(on=on or may_pass, attempts=_ATTEMPTS, wait_initial=0.2):
        with attempt:
            return call()
    raise AssertionError  # retry_context returns or raises


def may_pass(error: Exception) -> bool:
    """Say whether a request may succeed later: when the server is busy, or starts anew."""
    return isinstance(error, KubernetesError) and error.status in _PASSING


def _refusal(name: str, error: kr8s.ServerError) -> KubernetesError:
    status = error.response.status_code if error.response is not None else None
    said = _status(error)
    kind, fix = {
        401: (KubernetesForbidden, "Call dotrain.doctor() to see whether the token is good."),
        403: (KubernetesForbidden, "Use a token of a DigitalOcean user who may do that."),
        404: (KubernetesNotFound, "It may have been deleted meanwhile: look again."),
        429: (KubernetesError, "Wait a moment, then run the same call again."),
    }.get(status or 0, (KubernetesError, "If it stays, look at the cluster's events()."))
    causes = (said.get("details") or {}).get("causes") or ()
    return kind(
        f"The Kubernetes API of {name!r} refused a request.",
        f"It answered {status}: {str(said.get('message') or error).rstrip('.')}.",
        fix,
        status=status,
        causes=[str(one.get("message") or "") for one in causes],
    )


def _status(error: kr8s.ServerError) -> Mapping[str, Any]:
    """Return the Status that Kubernetes answered with; kr8s drops that of a 5xx."""
    try:
        said = error.response.json() if error.response is not None else None
    except ValueError:
        # What stands in between, a load balancer for one, answers as it likes.
        said = None
    return said if isinstance(said, dict) else {}

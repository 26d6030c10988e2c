"""The API of one control plane, as its kubelet uses it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx

from dotrain.sandbox.lifecycle import stamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dotrain.sandbox.answers import Doc

_LOG = logging.getLogger(__name__)
_GONE = (404, 409)
_PAUSE = 0.5
# As a job may last: a month.
_LASTING = 30 * 24 * 3600
_STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}


class Api:
    """What a kubelet asks and tells the API.

    Parameters
    ----------
    client : httpx.AsyncClient
        Reaches the API as the sandbox.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._events: set[asyncio.Task[None]] = set()

    async def get(self, kind: str, namespace: str, name: str) -> Doc | None:
        """Return an object of the core group, such as one of ``"secrets"``; None if there is none.

        Raises
        ------
        httpx.HTTPError
            When the API does not answer.
        """
        answer = await self._client.get(f"/api/v1/namespaces/{namespace}/{kind}/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: Doc = answer.raise_for_status().json()
        return found

    async def token(self, pod: Doc, source: Doc) -> str:
        """Return a token for the service account of a Pod, bound to the Pod.

        A kubelet renews it before it expires; this one is good for longer than is
        asked, and no longer than the Pod is there.
        """
        metadata, spec = pod["metadata"], pod["spec"]
        account = spec.get("serviceAccountName", "default")
        bound = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"]}
        asked = {
            "audiences": [source["audience"]] if source.get("audience") else [],
            "expirationSeconds": max(source.get("expirationSeconds", 0), _LASTING),
            "boundObjectRef": {**bound, "uid": metadata["uid"]},
        }
        answer = await self._client.post(
            f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token",
            json={"spec": asked},
        )
        token: str = answer.raise_for_status().json()["status"]["token"]
        return token

    async def follow(self, path: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Doc]]:
        """Yield what there is, as ``SYNC`` with the whole list, and then each change.

        It ends when the API has nothing more to say, and is then asked anew.

        Raises
        ------
        httpx.HTTPError
            When the API does not answer.
        """
        answer = await self._client.get(path, params=query)
        found = answer.raise_for_status().json()
        yield "SYNC", found
        version = found["metadata"]["resourceVersion"]
        wanted = {**query, "watch": "true", "resourceVersion": version}
        limits = httpx.Timeout(30, read=None)
        async with self._client.stream("GET", path, params=wanted, timeout=limits) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                try:
                    change = json.loads(line)
                except ValueError:
                    # The API has ended in the middle of it.
                    return
                if change["type"] == "ERROR":
                    return
                yield change["type"], change["object"]

    async def report(self, pod: Doc, status: Doc) -> None:
        """Write the status of a Pod, however long that takes; nothing if the Pod is gone."""
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self._insist(pod, "PATCH", f"{_path(pod)}/status", body)

    async def remove(self, pod: Doc) -> None:
        """Delete a Pod whose processes have ended, however long that takes."""
        body = {
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": pod["metadata"]["uid"]},
        }
        await self._insist(pod, "DELETE", _path(pod), body)

    def tell(self, pod: Doc, kind: str, reason: str, message: str) -> None:
        """Write an event of a Pod, without waiting for it."""
        task = asyncio.create_task(self._tell(pod, kind, reason, message))
        self._events.add(task)
        task.add_done_callback(self._events.discard)

    async def close(self) -> None:
        """Give up the events that are not written yet."""
        for task in self._events:
            task.cancel()
        await asyncio.gather(*self._events, return_exceptions=True)

    async def _insist(self, pod: Doc, method: str, path: str, body: Doc) -> None:
        """Ask for a change of a Pod until there is an answer that asking again does not change."""
        headers = _STRATEGIC if method == "PATCH" else None
        while True:
            with suppress(httpx.HTTPError):
                answer = await self._client.request(method, path, json=body, headers=headers)
                code = answer.status_code
                busy = answer.is_server_error or code == httpx.codes.TOO_MANY_REQUESTS
                # Either somebody has changed the Pod meanwhile, or it is another of this name.
                raced = code == httpx.codes.CONFLICT and await self._is_there(pod)
                if not busy and not raced:
                    if answer.is_client_error and code not in _GONE:
                        _LOG.warning("A change of a Pod is refused: %s", answer.text)
                    return
            await asyncio.sleep(_PAUSE)

    async def _is_there(self, pod: Doc) -> bool:
        metadata = pod["metadata"]
        found = await self.get("pods", metadata["namespace"], metadata["name"])
        return found is not None and found["metadata"]["uid"] == metadata["uid"]

    async def _tell(self, pod: Doc, kind: str, reason: str, message: str) -> None:
        metadata, now = pod["metadata"], stamp(time.time())
        event = {
            "metadata": {
                "generateName": f"{metadata['name']}.",
                "namespace": metadata["namespace"],
            },
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                **{key: metadata[key] for key in ("name", "namespace", "uid")},
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._client.post(
                f"/api/v1/namespaces/{metadata['namespace']}/events", json=event
            )
        except httpx.HTTPError as error:
            _LOG.warning("An event of a Pod could not be written: %s", error)


def _path(pod: Doc) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"

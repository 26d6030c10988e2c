"""Connections to the Kubernetes APIs of clusters, shared by all of this process or not."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

from dotrain import credentials, reachability
from dotrain.api import Api
from dotrain.client import Client
from dotrain.credentials import Credentials
from dotrain.errors import ClusterNotFound, DotrainError, NotFound
from dotrain.kube import Kube
from dotrain.target import Target

_shared: dict[tuple[Target, str], Kube] = {}
_lock = threading.Lock()


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
    ClusterNotFound
        When the cluster is gone.
    ApiError, KubernetesUnreachable
        As `connect`.
    """
    with _lock:
        if (target, cluster_id) not in _shared:
            with closing(Api(target)) as api:
                kube = connect(target, api, _find(api, cluster_id))
            _shared[target, cluster_id] = kube
            atexit.register(_let_go, kube)
        return _shared[target, cluster_id]


def _find(api: Api, cluster_id: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = api.get(f"/v2/kubernetes/clusters/{cluster_id}")
    except NotFound as error:
        raise ClusterNotFound(
            f"The cluster with the id {cluster_id} is gone.",
            "DigitalOcean knows it no more.",
            "dotrain.clusters() lists the clusters that exist; dotrain.up() makes one.",
        ) from error
    described: Mapping[str, Any] = found["kubernetes_cluster"]
    return described


def _let_go(kube: Kube) -> None:
    # The other side may be gone, and this one is about to be.
    with suppress(Exception):
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

"""Kubernetes clusters: the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from dotrain.sandbox.provider import cluster_data, credentials, pools
from dotrain.sandbox.provider.errors import ApiError, NotImportable, WaitFailed
from dotrain.sandbox.provider.fields import changes
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.wait import until
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

_CLUSTERS = "/v2/kubernetes/clusters"
# Changes that the cluster's own PUT does not carry.
_ELSEWHERE = {"nodePool", "version", "destroyAllAssociatedResources", "kubeconfigExpireSeconds"}


class Cluster(Resource):
    """A Kubernetes cluster with its own node pool."""

    kind = "digitalocean:index/kubernetesCluster:KubernetesCluster"
    noun = "Kubernetes cluster"
    fields = cluster_data.FIELDS
    outputs = (
        "status",
        "endpoint",
        "ipv4Address",
        "clusterUrn",
        "createdAt",
        "updatedAt",
        "kubeConfigs",
    )
    secrets = frozenset({"kubeConfigs"})

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        # When the wait fails the engine gets an error and no id, although the cluster exists:
        # the official provider forgets it too, and callers must cope with that.
        answer = api.post(_CLUSTERS, cluster_data.create_body(inputs))
        id_ = answer["kubernetes_cluster"]["id"]
        until(
            lambda: _is_running(api, id_),
            every=api.settings.poll_seconds,
            limit=limit,
            otherwise="Timeout waiting to create cluster",
        )
        return id_, _current(api, id_, inputs)

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        if not state:
            _mark_default_pool(api, id_)
        return id_, _current(api, id_, state)

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        changed = {change.top for change in changes(self.fields, state, inputs)}
        if changed - _ELSEWHERE:
            api.put(f"{_CLUSTERS}/{id_}", cluster_data.update_body(inputs))
        if "nodePool" in changed:
            path = f"{_CLUSTERS}/{id_}/node_pools/{state['nodePool']['id']}"
            api.put(path, pools.update_body(inputs["nodePool"], pools.DEFAULT_TAG))
            pools.wait_for(api, path, limit)
        if "version" in changed:
            api.post(f"{_CLUSTERS}/{id_}/upgrade", {"version": inputs["version"]})
        known = {"kubeConfigs": state.get("kubeConfigs")}
        return _current(api, id_, inputs | known)

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        path = f"{_CLUSTERS}/{id_}"
        if state.get("destroyAllAssociatedResources"):
            api.get(f"{path}/destroy_with_associated_resources")
            api.delete(f"{path}/destroy_with_associated_resources/dangerous")
        else:
            api.delete(path)


def _current(api: Api, id_: str, before: Props) -> Props:
    """Return a cluster's state, with new credentials when those of before have expired."""
    cluster = api.get(f"{_CLUSTERS}/{id_}")["kubernetes_cluster"]
    state = cluster_data.state_of(cluster, before)
    known = before.get("kubeConfigs")
    if not credentials.still_valid(known):
        seconds = before.get("kubeconfigExpireSeconds") or 0
        try:
            answer = api.get(f"{_CLUSTERS}/{id_}/credentials?expiry_seconds={seconds}")
        except ApiError as error:
            # Whatever the answer is, 404 too, it does not mean that the cluster is gone.
            raise ApiError(f"Unable to fetch Kubernetes credentials: {error}") from error
        known = credentials.state_of(state["name"], state["region"], answer)
    return state | {"kubeConfigs": known}


def _is_running(api: Api, id_: str) -> bool:
    status = api.get(f"{_CLUSTERS}/{id_}")["kubernetes_cluster"]["status"]
    if status["state"] == "error":
        raise WaitFailed(status.get("message") or "the cluster's state is error")
    return bool(status["state"] == "running")


def _mark_default_pool(api: Api, id_: str) -> None:
    """See to it that one pool of a cluster being imported is marked as its own."""
    found = api.get(f"{_CLUSTERS}/{id_}")["kubernetes_cluster"]["node_pools"]
    marked = [pool for pool in found if cluster_data.is_default(pool)]
    if len(marked) > 1 or (not marked and len(found) != 1):
        raise NotImportable(
            f"Exactly one node pool of the cluster must have the tag {pools.DEFAULT_TAG} to be "
            "imported as its default pool. Other pools are imported as resources of their own."
        )
    if not marked:
        tags = [*found[0]["tags"], pools.DEFAULT_TAG]
        api.put(f"{_CLUSTERS}/{id_}/node_pools/{found[0]['id']}", {"tags": tags})

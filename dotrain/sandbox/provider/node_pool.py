"""Node pools of their own, beside the one that belongs to a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from dotrain.sandbox.provider import pools
from dotrain.sandbox.provider.errors import ApiError, NotImportable
from dotrain.sandbox.provider.fields import Field, Fields, always
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.wait import until
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api

_CLUSTERS = "/v2/kubernetes/clusters"
_GONE = 404
FIELDS: Fields = {"clusterId": Field(replaces=always), **pools.POOL}


class NodePool(Resource):
    """A node pool."""

    kind = "digitalocean:index/kubernetesNodePool:KubernetesNodePool"
    noun = "Kubernetes node pool"
    fields = FIELDS
    outputs = ("actualNodeCount", "nodes")

    @override
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        path = f"{_CLUSTERS}/{inputs['clusterId']}/node_pools"
        id_ = api.post(path, pools.create_body(inputs))["node_pool"]["id"]
        pools.wait_for(api, f"{path}/{id_}", limit)
        return self.read(api, id_, inputs)

    @override
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        cluster = state.get("clusterId") or _cluster_of(api, id_)
        answer = api.get(f"{_CLUSTERS}/{cluster}/node_pools/{id_}")
        return id_, {"clusterId": cluster, **pools.state_of(answer["node_pool"])}

    @override
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        path = f"{_CLUSTERS}/{inputs['clusterId']}/node_pools/{id_}"
        api.put(path, pools.update_body(inputs))
        pools.wait_for(api, path, limit)
        return self.read(api, id_, inputs)[1]

    @override
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        path = f"{_CLUSTERS}/{state['clusterId']}/node_pools/{id_}"
        api.delete(path)

        def gone() -> bool:
            try:
                api.get(path)
            except ApiError as error:
                if error.status != _GONE:
                    raise
                return True
            return False

        every = api.settings.poll_seconds
        until(gone, every=every, limit=limit, otherwise="Timeout waiting to delete nodepool")


def _cluster_of(api: Api, id_: str) -> str:
    """Return the cluster that has a pool: an import names the pool only."""
    page = 1
    while True:
        answer = api.get(_CLUSTERS if page == 1 else f"{_CLUSTERS}?page={page}")
        for cluster in answer["kubernetes_clusters"]:
            for pool in cluster["node_pools"]:
                if pool["id"] != id_:
                    continue
                if pools.DEFAULT_TAG in pool["tags"]:
                    raise NotImportable(
                        f"Node pool {id_} has the default node pool tag set; import the owning "
                        f"cluster instead (cluster ID={cluster['id']})"
                    )
                return str(cluster["id"])
        if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
            raise NotImportable(f"Did not find the cluster owning the node pool {id_}")
        page += 1

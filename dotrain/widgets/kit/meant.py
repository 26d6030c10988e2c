"""Whether a cluster is still the one that was shown to whoever clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.errors import ClusterReplaced

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.snapshot import Snapshot


def shown(look: Snapshot | None) -> str:
    """Return the id of the cluster that a look shows; empty when it shows none."""
    return str(look.cluster["id"]) if look is not None and look.cluster is not None else ""


def require(cluster: Cluster, cluster_id: str) -> None:
    """Raise ClusterReplaced when the stack knows another cluster than `cluster_id` by now.

    A name is free again once its cluster is gone; what somebody has clicked is
    meant for the one that he saw.
    """
    known = cluster.outputs.get("k8s_cluster_id")
    if cluster_id and known and known != cluster_id:
        raise ClusterReplaced.of(cluster.name)

"""What the account holds of a cluster, as the API says: found by label, without any state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import names, rules
from dotrain.api import Api
from dotrain.errors import NotFound


@dataclass(frozen=True)
class Observed:
    """What the API says about one cluster.

    Parameters
    ----------
    cluster : mapping or None
        The cluster as the API describes it; None when there is none.
    firewalls : tuple of mapping
        The firewall that dotrain made (two, if one was made twice), and those
        that DigitalOcean manages for the cluster.
    database : mapping or None
        The managed database beside it.
    trusted_sources : tuple of mapping
        The database's firewall.
    """

    cluster: Mapping[str, Any] | None
    firewalls: tuple[Mapping[str, Any], ...] = ()
    database: Mapping[str, Any] | None = None
    trusted_sources: tuple[Mapping[str, Any], ...] = ()

    @property
    def database_port(self) -> int:
        """The port of the database, there or not."""
        return rules.port_of(self.database)

    def rules(self) -> list[rules.Rule]:
        """Return every rule in force, of all layers."""
        found = [
            rule
            for firewall in self.firewalls
            for rule in rules.of_firewall(
                firewall,
                "doks-managed" if names.is_managed_by_doks(firewall["name"]) else "nodes",
            )
        ]
        if self.cluster:
            found += rules.of_control_plane(self.cluster)
        if self.database:
            found += rules.of_database(self.trusted_sources, self.database_port)
        return found


def clusters(api: Api) -> list[dict[str, Any]]:
    """Return every Kubernetes cluster of the account."""
    return list(api.pages("/v2/kubernetes/clusters", "kubernetes_clusters"))


def cluster(api: Api, name: str) -> dict[str, Any] | None:
    """Return the cluster of the account that dotrain made under `name`; None when there is none."""
    tag = names.label(name)
    return next((one for one in clusters(api) if tag in one["tags"]), None)


def is_going(cluster: Mapping[str, Any]) -> bool:
    """Return whether a cluster is being deleted, of which nothing takes it back."""
    return cluster["status"]["state"] in ("deleting", "deleted")


def known_cluster(api: Api, name: str, cluster_id: str) -> dict[str, Any] | None:
    """Return the cluster with an id, in one request; None when that is not `name` any more.

    There may be another one of that name by then, which `cluster` finds.
    """
    try:
        found: dict[str, Any] = api.get(f"/v2/kubernetes/clusters/{cluster_id}")[
            "kubernetes_cluster"
        ]
    except NotFound:
        return None
    return found if names.label(name) in found["tags"] else None


def observe(api: Api, name: str, *, database: bool, cluster_id: str = "") -> Observed:
    """Return what the account holds of the cluster `name`.

    Parameters
    ----------
    api : Api
        The account.
    name : str
        The cluster's name.
    database : bool
        Whether to look for a database, too (two more requests).
    cluster_id : str, optional
        The cluster's id where that is known: it is one request then, however
        many clusters the account has.
    """
    tag = names.label(name)
    found = known_cluster(api, name, cluster_id) if cluster_id else cluster(api, name)
    managed = f"k8s:{found['id']}" if found else None
    firewalls = tuple(
        one
        for one in api.pages("/v2/firewalls", "firewalls")
        if tag in (one.get("tags") or ()) or (managed and managed in (one.get("tags") or ()))
    )
    if not database:
        return Observed(found, firewalls)
    return Observed(found, firewalls, *database_of(api, name))


def database_of(
    api: Api, name: str
) -> tuple[Mapping[str, Any] | None, tuple[Mapping[str, Any], ...]]:
    """Return the database of the cluster `name`, and its firewall, in two requests."""
    tag = names.label(name)
    found = next(iter(api.pages("/v2/databases", "databases", tag_name=tag)), None)
    sources = api.get(f"/v2/databases/{found['id']}/firewall").get("rules") if found else ()
    return found, tuple(sources or ())


@dataclass(frozen=True)
class Leaving:
    """A node pool that exists and is not wanted any more.

    Parameters
    ----------
    key : str
        Its name in the program.
    name : str
        Its name on DigitalOcean.
    size : str
        The size of its nodes.
    count : int
        How many there are.
    id : str
        Its id.
    scale : tuple of int, optional
        The fewest and the most nodes, where the autoscaler chooses their number.
    nodes : tuple of str
        Their names, which are those of Kubernetes, too, without those that
        DigitalOcean is deleting already.
    """

    key: str
    name: str
    size: str
    count: int
    id: str
    scale: tuple[int, int] | None
    nodes: tuple[str, ...]


def leaving(
    api: Api, cluster_id: str, ids: Mapping[str, str], unknown: Collection[str] = ()
) -> tuple[Leaving, ...]:
    """Return what there is of some node pools.

    Parameters
    ----------
    api : Api
        The account.
    cluster_id : str
        The cluster.
    ids : mapping of str to str
        The ids of the pools, by their names in the program.
    unknown : collection of str, optional
        The names in the program of further ones, whose ids nobody has noted.
    """
    try:
        pools = api.get(f"/v2/kubernetes/clusters/{cluster_id}/node_pools")["node_pools"]
    except NotFound:
        # The cluster has gone, and they with it.
        return ()
    known = {one: key for key, one in ids.items()}
    found = [
        _leaving(known.get(pool["id"]) or names.key_of_pool(pool["name"]), pool)
        for pool in pools
        if pool["id"] in known or names.key_of_pool(pool["name"]) in unknown
    ]
    return tuple(sorted(found, key=lambda one: one.key))


def _leaving(key: str, pool: Mapping[str, Any]) -> Leaving:
    return Leaving(
        key,
        pool["name"],
        pool["size"],
        pool["count"],
        pool["id"],
        (pool.get("min_nodes") or 0, pool.get("max_nodes") or 0)
        if pool.get("auto_scale")
        else None,
        tuple(
            node["name"]
            for node in pool.get("nodes") or ()
            if node["status"]["state"] not in ("draining", "deleting")
        ),
    )

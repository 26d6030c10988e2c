"""What the account holds of a cluster, as the API says: found by label, without any state."""

from __future__ import annotations

from collections.abc import Mapping
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
        """The port of the database, 0 without one."""
        connection = (self.database or {}).get("connection") or {}
        return int(connection.get("port") or 0)

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


def observe(api: Api, name: str, *, database: bool) -> Observed:
    """Return what the account holds of the cluster `name`.

    Parameters
    ----------
    api : Api
        The account.
    name : str
        The cluster's name.
    database : bool
        Whether to look for a database, too (two more requests).
    """
    tag = names.label(name)
    cluster = next((one for one in clusters(api) if tag in one["tags"]), None)
    managed = f"k8s:{cluster['id']}" if cluster else None
    firewalls = tuple(
        one
        for one in api.pages("/v2/firewalls", "firewalls")
        if tag in (one.get("tags") or ()) or (managed and managed in (one.get("tags") or ()))
    )
    if not database:
        return Observed(cluster, firewalls)
    found = next(iter(api.pages("/v2/databases", "databases", tag_name=tag)), None)
    sources = api.get(f"/v2/databases/{found['id']}/firewall")["rules"] if found else ()
    return Observed(cluster, firewalls, found, tuple(sources or ()))


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
    nodes : tuple of str
        Their names, which are those of Kubernetes, too, without those that
        DigitalOcean is deleting already.
    """

    key: str
    name: str
    size: str
    count: int
    nodes: tuple[str, ...]


def leaving(api: Api, cluster_id: str, ids: Mapping[str, str]) -> tuple[Leaving, ...]:
    """Return what there is of some node pools.

    Parameters
    ----------
    api : Api
        The account.
    cluster_id : str
        The cluster.
    ids : mapping of str to str
        The ids of the pools, by their names in the program.
    """
    try:
        pools = api.get(f"/v2/kubernetes/clusters/{cluster_id}/node_pools")["node_pools"]
    except NotFound:
        # The cluster has gone, and they with it.
        return ()
    there = {pool["id"]: pool for pool in pools}
    return tuple(
        Leaving(
            key,
            pool["name"],
            pool["size"],
            pool["count"],
            tuple(
                node["name"]
                for node in pool.get("nodes") or ()
                if node["status"]["state"] not in ("draining", "deleting")
            ),
        )
        for key, pool in ((key, there.get(one)) for key, one in sorted(ids.items()))
        if pool
    )


@dataclass(frozen=True)
class Object:
    """Something in the account that belongs to a cluster.

    Parameters
    ----------
    kind : str
        Such as ``"load balancer"``.
    id : str
        Its id; for a tag, its name.
    name : str
        Its name.
    path : str
        Where the API deletes it.
    """

    kind: str
    id: str
    name: str
    path: str


# In the order in which they can go: whatever is guarded before its firewall,
# whatever is in a network before the network.
KINDS = (
    "database",
    "cluster",
    "Droplet",
    "load balancer",
    "volume",
    "firewall",
    "VPC",
    "tag",
)


def belongings(api: Api, name: str, cluster_id: str | None) -> list[Object]:
    """Return everything in the account that belongs to the cluster `name`, in order of `KINDS`.

    Parameters
    ----------
    api : Api
        The account.
    name : str
        The cluster's name.
    cluster_id : str or None
        The id of the cluster, if known: the volumes that Kubernetes made are
        labelled with it alone, and outlive it.
    """
    tag = names.label(name)
    of_name = names.object_name(name)
    found = []
    ids = {cluster_id} if cluster_id else set()
    for one in clusters(api):
        if tag in one["tags"]:
            ids.add(one["id"])
            path = f"/v2/kubernetes/clusters/{one['id']}"
            dangerous = f"{path}/destroy_with_associated_resources/dangerous"
            found.append(Object("cluster", one["id"], one["name"], dangerous))
    made_by = {f"k8s:{one}" for one in ids}
    # The API shows no label of a load balancer. But every cluster has a network
    # of its own, and what is in that network is the cluster's.
    vpcs = [one for one in api.pages("/v2/vpcs", "vpcs") if one["name"] == of_name]
    networks = {one["id"] for one in vpcs}
    found += [Object("VPC", one["id"], one["name"], f"/v2/vpcs/{one['id']}") for one in vpcs]
    for kind, path, key, belongs in (
        ("database", "/v2/databases", "databases", lambda one: tag in (one.get("tags") or ())),
        ("Droplet", "/v2/droplets", "droplets", lambda one: tag in (one.get("tags") or ())),
        (
            "load balancer",
            "/v2/load_balancers",
            "load_balancers",
            lambda one: one.get("vpc_uuid") in networks,
        ),
        ("volume", "/v2/volumes", "volumes", lambda one: made_by & set(one.get("tags") or ())),
        ("firewall", "/v2/firewalls", "firewalls", lambda one: one["name"] == of_name),
    ):
        found += [
            Object(kind, str(one["id"]), one["name"], f"{path}/{one['id']}")
            for one in api.pages(path, key)
            if belongs(one)
        ]
    try:
        api.get(f"/v2/tags/{tag}")
        found.append(Object("tag", tag, tag, f"/v2/tags/{tag}"))
    except NotFound:
        pass
    return sorted(found, key=lambda one: KINDS.index(one.kind))

"""Everything in the account that belongs to one cluster, found by label, without any state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dotrain import names
from dotrain.api import Api
from dotrain.errors import ClusterNotFound, NotFound


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
    described : mapping
        What the API says about it.
    """

    kind: str
    id: str
    name: str
    path: str
    described: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


# In the order in which they can go: whatever is guarded before its firewall,
# whatever is in a network before the network, and last the label, by which all
# else is found.
KINDS = (
    "database",
    "cluster",
    "Droplet",
    "load balancer",
    "volume snapshot",
    "volume",
    "firewall",
    "VPC",
    "tag",
)

# What people keep something on.
DATA = ("database", "volume snapshot", "volume")


def nothing(name: str, account: str) -> ClusterNotFound:
    """Return the error for a name that neither a state nor the account knows."""
    return ClusterNotFound(
        f"There is no cluster {name!r} on {account}.",
        "Neither the state nor the account knows the name.",
        "dotrain.clusters() lists the clusters that exist.",
    )


class Search:
    """Looks for what belongs to a cluster, and remembers the ids that tell it.

    What Kubernetes made is labelled with the cluster's id alone, and outlives
    it: an id that was seen once still finds it when the cluster is gone. The
    first look settles which clusters are meant: one of the same name that
    somebody makes after it is another's.

    Parameters
    ----------
    api : Api
        The account.
    name : str
        The cluster's name.
    cluster_ids : iterable of str
        Ids of it that are known.
    """

    def __init__(self, api: Api, name: str, cluster_ids: Iterable[str] = ()) -> None:
        self.api = api
        self.name = name
        self._clusters = set(cluster_ids)
        self._looked = False
        self.newcomers: list[Object] = []
        self._strangers: set[str] = set()
        self._networks: set[str] = set()
        self._volumes: set[str] = set()

    def find(self, kinds: Iterable[str] = KINDS) -> list[Object]:
        """Return everything of `kinds` that belongs to the cluster, in order of `KINDS`.

        It costs a request for each page of each kind. `newcomers` are the
        clusters of this name that were made since the first look.
        """
        wanted = set(kinds)
        if self._looked and "cluster" not in wanted:
            self._find("cluster")
        found: list[Object] = []
        # First what the rest is known by.
        for kind in ("cluster", "VPC", "volume"):
            if kind in wanted:
                found += self._find(kind)
        for kind in sorted(wanted - {"cluster", "VPC", "volume"}):
            found += self._find(kind)
        self._looked = True
        return sorted(found, key=lambda one: KINDS.index(one.kind))

    def _find(self, kind: str) -> list[Object]:
        if kind == "tag":
            return self._tag()
        path, key, params, belongs, seen = self._lists()[kind]
        listed = list(self.api.pages(path, key, **params))
        found = [one for one in listed if belongs(one)]
        if kind == "cluster":
            new = [one for one in found if self._looked and one["id"] not in self._clusters]
            self.newcomers = [_object(kind, path, one) for one in new]
            found = [one for one in found if one not in new]
            self._strangers = {one["id"] for one in listed} - {one["id"] for one in found}
        if seen is not None:
            seen |= {one["id"] for one in found}
        return [_object(kind, path, one) for one in found]

    def _lists(self) -> dict[str, tuple[str, str, dict[str, str], Callable[[Any], bool], Any]]:
        """Return of each kind its list, what tells the cluster's own in it, and where to note it.

        The API shows no label of a load balancer. But every cluster has a
        network of its own, and what is in that network is the cluster's.
        """
        of_name = names.object_name(self.name)
        tagged = {"tag_name": names.label(self.name)}
        return {
            "cluster": (
                "/v2/kubernetes/clusters",
                "kubernetes_clusters",
                {},
                self._is_ours,
                self._clusters,
            ),
            "VPC": ("/v2/vpcs", "vpcs", {}, lambda one: one["name"] == of_name, self._networks),
            "volume": ("/v2/volumes", "volumes", {}, self._labelled, self._volumes),
            "volume snapshot": (
                "/v2/snapshots",
                "snapshots",
                {"resource_type": "volume"},
                lambda one: self._labelled(one) or one.get("resource_id") in self._volumes,
                None,
            ),
            "database": ("/v2/databases", "databases", tagged, self._labelled, None),
            "Droplet": ("/v2/droplets", "droplets", tagged, self._labelled, None),
            "load balancer": (
                "/v2/load_balancers",
                "load_balancers",
                {},
                lambda one: self._labelled(one) or one.get("vpc_uuid") in self._networks,
                None,
            ),
            "firewall": (
                "/v2/firewalls",
                "firewalls",
                {},
                lambda one: one["name"] == of_name,
                None,
            ),
        }

    def _is_ours(self, cluster: Mapping[str, Any]) -> bool:
        # A tag that somebody put on a cluster of theirs gives it to nobody.
        labelled = names.label(self.name) in cluster["tags"] and cluster["name"] == self.name
        return labelled or cluster["id"] in self._clusters

    def _labelled(self, one: Mapping[str, Any]) -> bool:
        tags = set(one.get("tags") or ())
        if tags & {f"k8s:{key}" for key in self._strangers}:
            return False
        return bool(tags & {names.label(self.name), *(f"k8s:{key}" for key in self._clusters)})

    def _tag(self) -> list[Object]:
        tag = names.label(self.name)
        try:
            described = self.api.get(f"/v2/tags/{tag}")["tag"]
        except NotFound:
            return []
        return [Object("tag", tag, tag, f"/v2/tags/{tag}", described)]


def _object(kind: str, path: str, one: Mapping[str, Any]) -> Object:
    return Object(kind, str(one["id"]), one["name"], _deletion(kind, path, one), one)


def _deletion(kind: str, path: str, one: Mapping[str, Any]) -> str:
    own = f"{path}/{one['id']}"
    # With a cluster goes what Kubernetes made.
    return f"{own}/destroy_with_associated_resources/dangerous" if kind == "cluster" else own

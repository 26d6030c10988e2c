"""What is billed and belongs to nothing: left by clusters that are gone, or known to no state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dotrain import names, stack, worth
from dotrain.api import Api
from dotrain.target import Target, current

if TYPE_CHECKING:
    import pandas as pd

_LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "kubernetes_clusters": ("/v2/kubernetes/clusters", {}),
    "droplets": ("/v2/droplets", {}),
    "load_balancers": ("/v2/load_balancers", {}),
    "volumes": ("/v2/volumes", {}),
    "snapshots": ("/v2/snapshots", {"resource_type": "volume"}),
    "databases": ("/v2/databases", {}),
    "vpcs": ("/v2/vpcs", {}),
}
_KINDS = {
    "droplets": "Droplet",
    "load_balancers": "load balancer",
    "volumes": "volume",
    "snapshots": "volume snapshot",
}
_NO_STATE = "No state of this backend knows it: another machine made it, or its state is lost."
_NO_CLUSTER = "Its cluster is gone."
_STRANGER = "Its Kubernetes cluster is gone; whether dotrain made that cannot be told any more."


@dataclass(frozen=True)
class Leak:
    """Something that is billed and belongs to nothing.

    Parameters
    ----------
    kind, id, name : str
        What it is.
    cluster : str
        Whose it was; empty when that cannot be told.
    hourly : float or None
        US dollars an hour; None when that is not known.
    why : str
        Why it is taken for left over.
    """

    kind: str
    id: str
    name: str
    cluster: str
    hourly: float | None
    why: str


def leaks() -> pd.DataFrame:
    """Return what is billed, is dotrain's, and is in no state or cluster; changes nothing.

    That is clusters and databases with dotrain's label that no stack of this
    backend knows, and Droplets, load balancers, volumes and snapshots whose
    cluster is gone. ``dotrain.down(name)`` deletes what has the name of a
    cluster. Volumes and snapshots that Kubernetes made carry the id of their
    cluster alone: where that is gone, they are listed whoever made it. The
    account is read as lists, at least one request each for eight of them.

    Returns
    -------
    pandas.DataFrame
        Columns kind, id, name, cluster (str; empty when it cannot be told),
        hourly (float64, US dollars; NaN when it is not known), why (str).

    Raises
    ------
    ConfigError, ApiError
        See each.

    Examples
    --------
    >>> len(dotrain.leaks())
    0
    """
    from dotrain import frames

    return frames.leaks(look(current()))


def look(target: Target) -> list[Leak]:
    """Return what belongs to nothing in the account `target`; raises as `leaks` does."""
    stacks = stack.stacks(target)
    return find(read(target), stacks)


def read(target: Target) -> dict[str, list[dict[str, Any]]]:
    """Return the lists of an account by their names in the API's answers, prices among them.

    That is a request for each page of each of the eight, whatever is in them.

    Raises
    ------
    ApiError
        When the account cannot be read.
    """
    with closing(Api(target)) as api:
        listed = {key: list(api.pages(path, key, **only)) for key, (path, only) in _LISTS.items()}
        listed["sizes"] = list(api.pages("/v2/sizes", "sizes"))
    return listed


def find(listed: Mapping[str, Iterable[Mapping[str, Any]]], stacks: Iterable[str]) -> list[Leak]:
    """Return what belongs to nothing, in an account.

    Parameters
    ----------
    listed : mapping
        The lists of the account, by their names in the API's answers.
    stacks : iterable of str
        The names of the clusters that states know.
    """
    known = set(stacks)
    clusters = list(listed["kubernetes_clusters"])
    living = {name for one in clusters if (name := names.cluster_of(one["tags"]))}
    found = []
    for kind, key in (("cluster", "kubernetes_clusters"), ("database", "databases")):
        for one in listed[key]:
            name = names.cluster_of(one.get("tags") or ())
            if name is None or name in known or (kind == "database" and name in living):
                continue
            found.append((kind, one, name, _NO_STATE))
    found += _of_the_gone(listed, clusters, living)
    sizes = list(listed["sizes"])
    return [
        Leak(
            kind,
            str(one["id"]),
            one["name"],
            name,
            worth.hourly(worth.lines(kind, one, sizes)),
            why,
        )
        for kind, one, name, why in found
    ]


def _of_the_gone(
    listed: Mapping[str, Iterable[Mapping[str, Any]]],
    clusters: Iterable[Mapping[str, Any]],
    living: set[str],
) -> Iterator[tuple[str, Mapping[str, Any], str, str]]:
    """Yield what clusters left that are gone: kind, description, the cluster's name, and why."""
    ids = {f"k8s:{one['id']}" for one in clusters}
    prefix = names.object_name("")
    # Every cluster has a network of its own, which is called like it.
    networks = {
        one["id"]: one["name"].removeprefix(prefix)
        for one in listed["vpcs"]
        if one["name"].startswith(prefix)
    }
    orphans: dict[str, str] = {}
    for key, kind in _KINDS.items():
        for one in listed[key]:
            tags = one.get("tags") or ()
            marks = {tag for tag in tags if tag.startswith("k8s:") and tag != "k8s:worker"}
            source = one.get("resource_id", "")
            name = names.cluster_of(tags) or networks.get(one.get("vpc_uuid", ""))
            name = name or orphans.get(source)
            if marks & ids or (name and name in living):
                continue
            if name or marks or source in orphans:
                orphans[str(one["id"])] = name or ""
                yield kind, one, name or "", _NO_CLUSTER if name else _STRANGER

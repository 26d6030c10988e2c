"""What a cluster has cost so far, beside what it may cost: from what the API describes.

The API describes what there is. Nodes that are gone, whether resized, paused or
scaled away, cost something too, and no answer of it says what. `dotrain.ledger`
knows of those that this machine has seen. So each sum here is the least that
has been spent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dotrain import durations, limits, names, published
from dotrain.pricing import (
    LIVE,
    NO_PRICE,
    UNKNOWN,
    Line,
    Price,
    control_plane,
    database,
    month,
    pool_line,
    published_line,
    total,
)

BESIDE = ("load_balancers", "volumes", "snapshots", "databases")
"""What costs something beside clusters: lists of the API, each at ``/v2/<name>``."""

_HOUR = dt.timedelta(hours=1)


class Node(NamedTuple):
    """A node that was there: its size, since when, and until when at least."""

    size: str
    created: str
    seen: str


@dataclass(frozen=True)
class Spent:
    """What a cluster has cost so far, beside what it may cost.

    Parameters
    ----------
    so_far : float
        US dollars: at least that much, for what is gone, or has no known
        price, is not in it.
    budget : float or None
        US dollars that it may cost, None without a limit.
    unknown : tuple of str
        What has no known price.
    """

    so_far: float
    budget: float | None
    unknown: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """How much of the budget is spent, 1.0 for all of it; None without one."""
        return None if self.budget is None else self.so_far / self.budget


def spent(
    cluster: Mapping[str, Any],
    known: Mapping[str, Price],
    now: dt.datetime,
    others: Iterable[Line] = (),
) -> Spent:
    """Return what a cluster has cost so far, and what its tags allow.

    Parameters
    ----------
    cluster : mapping
        A cluster as the API describes it.
    known : mapping of str to Price
        What `prices` returned.
    now : datetime.datetime
        The present.
    others : iterable of Line
        What else belongs to it, from `beside`. Without them, its nodes and its
        control plane count.
    """
    bill = [*of_cluster(cluster, known, now), *others]
    return Spent(
        sum(line.so_far for line in bill if line.so_far is not None),
        limits.budget(cluster["tags"]),
        tuple(line.item for line in bill if line.so_far is None),
    )


def of_cluster(
    cluster: Mapping[str, Any], known: Mapping[str, Price], now: dt.datetime
) -> list[Line]:
    """Return what a cluster's nodes and control plane cost, and have cost so far.

    Parameters
    ----------
    cluster : mapping
        A cluster as the API describes it. It lists the nodes that there are:
        what those cost that are gone cannot be seen.
    known : mapping of str to Price
        What `prices` returned.
    now : datetime.datetime
        The present.
    """
    bill = []
    for pool in cluster["node_pools"]:
        size = pool["size"]
        most = pool.get("max_nodes") if pool.get("auto_scale") else None
        price = known.get(size, NO_PRICE)
        nodes = pool.get("nodes") or ({},) * pool["count"]
        so_far = total(accrued(price, node.get("created_at"), now) for node in nodes)
        name = pool["name"].removesuffix(f"-{size}")
        bill.append(pool_line(name, size, pool["count"], known, most=most, so_far=so_far))
    if cluster.get("ha"):
        price = month(published.CONTROL_PLANE.monthly)
        bill.append(control_plane(accrued(price, cluster["created_at"], now)))
    return bill


def beside(
    found: Mapping[str, Iterable[Mapping[str, Any]]],
    clusters: Iterable[Mapping[str, Any]],
    networks: Iterable[Mapping[str, Any]],
    now: dt.datetime,
    *,
    only: str | None = None,
) -> list[Line]:
    """Return what costs something beside the nodes of clusters, each line with its cluster.

    The API shows no label of a load balancer. But every cluster has a network
    of its own, and what is in that network is the cluster's. Volumes that
    Kubernetes made carry the cluster's id, and their snapshots are of them;
    databases carry its label, and volumes do of a teardown that was cut off.

    Parameters
    ----------
    found : mapping
        The account's lists out of `BESIDE`, by these names.
    clusters : iterable of mapping
        Clusters of dotrain's, as the API describes them.
    networks : iterable of mapping
        VPCs: the network of a cluster outlives it when something is left there.
    now : datetime.datetime
        The present.
    only : str, optional
        The one cluster whose lines are wanted.
    """
    prefix = names.object_name("")
    of_network = {
        one["id"]: one["name"].removeprefix(prefix)
        for one in networks
        if one["name"].startswith(prefix)
    }
    of_tag = {}
    for one in clusters:
        name = names.cluster_of(one["tags"])
        of_tag[f"k8s:{one['id']}"] = name
        if one.get("vpc_uuid"):
            of_network[one["vpc_uuid"]] = name

    def owner(one: Mapping[str, Any]) -> str | None:
        tags = one.get("tags") or ()
        return next((of_tag[tag] for tag in tags if tag in of_tag), names.cluster_of(tags))

    of_volume: dict[str, str | None] = {}
    bill: list[tuple[str | None, Line]] = []
    for one in found.get("load_balancers", ()):
        item = f"load balancer {one['name']}"
        line = _since(item, published.balancer(one), one["created_at"], now)
        bill.append((of_network.get(one.get("vpc_uuid")), line))
    for one in found.get("volumes", ()):
        item = f"volume {one['name']}: {one['size_gigabytes']} GiB"
        line = _since(item, published.volume(one), one["created_at"], now)
        of_volume[one["id"]] = owner(one)
        bill.append((of_volume[one["id"]], line))
    for one in found.get("snapshots", ()):
        if one.get("resource_type") == "volume":
            line = published_line(f"volume snapshot {one['name']}", None)
            bill.append((owner(one) or of_volume.get(one.get("resource_id") or ""), line))
    for one in found.get("databases", ()):
        line = database(one["num_nodes"], one["size"])
        bill.append((names.cluster_of(one.get("tags") or ()), line))
    return [replace(line, cluster=name) for name, line in bill if name and only in (None, name)]


def of_nodes_gone(nodes: Iterable[Node], known: Mapping[str, Price]) -> list[Line]:
    """Return a line for the nodes that a cluster has had and has no more; none without any.

    Parameters
    ----------
    nodes : iterable of Node
        What `dotrain.ledger` knows of them.
    known : mapping of str to Price
        What `prices` returned.
    """
    nodes = list(nodes)
    if not nodes:
        return []
    so_far = total(
        accrued(known.get(one.size, NO_PRICE), one.created, durations.moment(one.seen))
        for one in nodes
    )
    item = f"{len(nodes)} nodes that are gone, until they were last seen"
    price = UNKNOWN if so_far is None else LIVE
    return [Line(item, 0.0, 0.0, 0.0, 0.0, so_far, price)]


def accrued(price: Price, begun: str | None, now: dt.datetime) -> float | None:
    """Return the US dollars that something has cost, None when that is not known.

    Parameters
    ----------
    price : Price
        Of it.
    begun : str or None
        Since when there is it, as the API writes it.
    now : datetime.datetime
        The present.
    """
    if price.hourly is None or begun is None:
        return None
    total, start = 0.0, durations.moment(begun)
    while start < now:
        end = min(_next_month(start), now)
        cost = (end - start) / _HOUR * price.hourly
        total += cost if price.monthly is None else min(cost, price.monthly)
        start = end
    return total


def _since(item: str, monthly: float | None, begun: str, now: dt.datetime) -> Line:
    return published_line(item, monthly, accrued(month(monthly), begun, now))


def _next_month(moment: dt.datetime) -> dt.datetime:
    """Return the first instant of the next calendar month."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + dt.timedelta(days=31)).replace(day=1)

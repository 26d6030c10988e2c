"""What a sweep should do with a cluster: decided from what the API says about it, and no I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import durations, limits, names, timers

DOWN, PAUSE, WARN, UNKNOWN, KEEP = "down", "pause", "warn", "unknown", "keep"
LEFTOVER = "leftover"

# Marks the pool of the cluster's own services; DigitalOcean's provider sets it.
_SYSTEM = "terraform:default-node-pool"


@dataclass(frozen=True)
class Verdict:
    """What should be done with a cluster, and why.

    Parameters
    ----------
    action : str
        ``"down"``, ``"pause"``, ``"warn"``, ``"keep"``, and where nothing is
        done ``"unknown"`` or ``"leftover"``.
    why : str
        The reason, in words.
    """

    action: str
    why: str


@dataclass(frozen=True)
class Seen:
    """What was found out about a cluster beyond the list of clusters.

    Parameters
    ----------
    idle_since : datetime.datetime or None
        Since when nothing runs on it; None while something does.
    idle_unknown : str
        Why that is not known; empty when it is, or was not asked for.
    spent : float or None
        The part of its budget that is spent, 1.0 for all; None when it has none.
    spent_unknown : str
        Why that is not known; empty when it is, or was not asked for.
    """

    idle_since: dt.datetime | None = None
    idle_unknown: str = ""
    spent: float | None = None
    spent_unknown: str = ""


def name_of(cluster: Mapping[str, Any]) -> str | None:
    """Return the name of a cluster that dotrain made, None for any other.

    A single tag that somebody copied makes no cluster dotrain's.
    """
    name = names.cluster_of(cluster["tags"])
    return name if name == cluster["name"] and names.LABEL in cluster["tags"] else None


def training_pools(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the pools that have training nodes, unless all of those are on their way out.

    One without nodes costs nothing: it has none by its own autoscaling, or is
    only being made.
    """
    return [
        pool
        for pool in cluster["node_pools"][1:]
        if _SYSTEM not in (pool.get("tags") or ()) and _has_nodes(pool)
    ]


def _has_nodes(pool: Mapping[str, Any]) -> bool:
    return any(node["status"]["state"] != "deleting" for node in pool.get("nodes") or ())


def has_budget(cluster: Mapping[str, Any]) -> bool:
    """Return whether a cluster has a budget."""
    return limits.budget(cluster["tags"]) is not None


def may_be_idle(cluster: Mapping[str, Any], now: dt.datetime) -> bool:
    """Return whether a cluster could have been idle for nearly too long, as far as its nodes tell.

    Only then is its own Kubernetes API asked: a node that came later than that
    was wanted, and where there is no training node there is nothing to take.
    """
    idle = timers.of(cluster["tags"]).idle
    if idle is None or not training_pools(cluster) or timers.is_over(cluster, now):
        return False
    return now - _newest(cluster) >= idle - timers.warning(idle)


def _newest(cluster: Mapping[str, Any]) -> dt.datetime:
    """Return when the newest training node was made, or the cluster where it has none."""
    nodes = [node for pool in training_pools(cluster) for node in pool["nodes"]]
    return max(timers.created(one) for one in (cluster, *nodes))


def judge(cluster: Mapping[str, Any], seen: Seen, now: dt.datetime) -> list[Verdict]:
    """Return what should be done with a cluster of dotrain's; nothing where it has no limits.

    What is not known is never acted on.

    Parameters
    ----------
    cluster : mapping
        As the API describes it.
    seen : Seen
        What else was found out.
    now : datetime.datetime
        The present.
    """
    given = timers.of(cluster["tags"])
    if cluster["status"]["state"] in ("deleting", "deleted"):
        return [Verdict(KEEP, "is being deleted")] if given.max_age or given.idle else []
    found = [Verdict(UNKNOWN, f"{tag} says no span of time") for tag in given.unreadable]
    no_sums = limits.unreadable(cluster["tags"])
    found += [Verdict(UNKNOWN, f"{tag} says no sum of money") for tag in no_sums]
    if timers.is_over(cluster, now):
        return [*found, Verdict(DOWN, timers.outlook(cluster, now))]
    if given.max_age is not None:
        action = WARN if timers.is_near(cluster, now) else KEEP
        found.append(Verdict(action, timers.outlook(cluster, now)))
    pausing = [*_by_budget(seen), *_by_idleness(cluster, seen, now)]
    return [*found, *(_paused(pausing) if not training_pools(cluster) else pausing)]


def _by_budget(seen: Seen) -> list[Verdict]:
    if seen.spent_unknown:
        return [Verdict(UNKNOWN, f"what it has cost is not known: {seen.spent_unknown}")]
    if seen.spent is None:
        return []
    action = PAUSE if seen.spent >= 1 else WARN if seen.spent >= limits.WARN_AT else KEEP
    return [Verdict(action, f"{seen.spent:.0%} of its budget is spent")]


def _by_idleness(cluster: Mapping[str, Any], seen: Seen, now: dt.datetime) -> list[Verdict]:
    idle = timers.of(cluster["tags"]).idle
    if idle is None:
        return []
    most = f"(at most {durations.text(idle)})"
    if seen.idle_unknown:
        return [Verdict(UNKNOWN, f"whether it is idle is not known: {seen.idle_unknown}")]
    if seen.idle_since is None:
        if not training_pools(cluster):
            why = "idle was not asked: no training nodes"
        elif not may_be_idle(cluster, now):
            why = "idle was not asked: its nodes are newer than that"
        else:
            why = f"is not idle {most}"
        return [Verdict(KEEP, why)]
    # A node that is being made is none of Kubernetes' yet.
    lasted = now - min(now, max(seen.idle_since, _newest(cluster)))
    near = lasted >= idle - timers.warning(idle)
    action = PAUSE if lasted >= idle else WARN if near else KEEP
    return [Verdict(action, f"is idle for {durations.rough(lasted)} {most}")]


def _paused(found: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts on a cluster that has no training nodes."""
    return [
        Verdict(KEEP, f"{one.why}; it has no training nodes") if one.action == PAUSE else one
        for one in found
    ]


def leftovers(
    tags: Iterable[Mapping[str, Any]], clusters: Iterable[Mapping[str, Any]]
) -> dict[str, int]:
    """Return the clusters that a tag names and that are not there.

    Parameters
    ----------
    tags : iterable of mapping
        ``tags`` of ``GET /v2/tags``, read before `clusters`.
    clusters : iterable of mapping
        Every cluster of the account.

    Returns
    -------
    dict
        By their names, how many resources carry the tag. The API counts
        Droplets, images, volumes, snapshots and databases, and no firewalls.
    """
    # Also by a pool: its Droplets are none that a teardown left.
    carried = {
        tag
        for cluster in clusters
        for one in (cluster, *cluster["node_pools"])
        for tag in one.get("tags") or ()
    }
    return {
        name: one["resources"]["count"]
        for one in tags
        if one["name"] not in carried and (name := names.cluster_of([one["name"]]))
    }


def leftover(resources: int) -> Verdict:
    """Return what to say of a tag that names a cluster which is not there; nobody acts on it."""
    if resources:
        why = (
            f"there is no cluster, and its tag is on what is billed ({resources}): a teardown was "
            "cut off, unless an up or a down is running elsewhere"
        )
    else:
        why = (
            "there is no cluster, and its tag is on nothing that is billed: an up has begun "
            "elsewhere, or a teardown was cut off"
        )
    return Verdict(LEFTOVER, why)

"""Clusters as rows: which there are, what each costs and how long it has lain idle; no I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from dotrain import durations, money, names, pricing, spending, timers
from dotrain.errors import DotrainError, KubernetesUnreachable
from dotrain.leftovers import Leak
from dotrain.pricing import Price

MOST = 50
"""How many rows are shown at once: what is more is found with the filter."""

UNREAD = "…"


@dataclass(frozen=True)
class Row:
    """A cluster in a list.

    Parameters
    ----------
    name : str
        Its name.
    state : str
        DigitalOcean's word, or ``"incomplete"`` for a stack without a cluster.
    region, version, sizes : str
        Where it is, its Kubernetes version, and the Droplet sizes of its training nodes.
    nodes : int
        How many training nodes it has.
    created : datetime.datetime or None
        When it was made.
    hourly : float or None
        US dollars an hour of its nodes and control plane; None when that is not known.
    end : datetime.datetime or None
        When its max age is over; None without one.
    limit : datetime.timedelta or None
        How long nothing may run on it.
    described : mapping
        The cluster as the API describes it; empty for a stack without one.
    """

    name: str
    state: str
    region: str = ""
    version: str = ""
    sizes: str = ""
    nodes: int = 0
    created: dt.datetime | None = None
    hourly: float | None = None
    end: dt.datetime | None = None
    limit: dt.timedelta | None = None
    described: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def key(self) -> str:
        """What tells it from another cluster, also of the same name."""
        return str(self.described.get("id") or self.name)


class Idle(NamedTuple):
    """What a look at a cluster's Kubernetes API said: idle since when, or why it is not known."""

    since: dt.datetime | None = None
    error: DotrainError | None = None


@dataclass(frozen=True)
class Listing:
    """All clusters of an account, as of one moment.

    Parameters
    ----------
    at : datetime.datetime
        When the account was read.
    rows : tuple of Row
        The clusters.
    leaks : tuple of Leak or None
        What belongs to nothing; None when that was not read.
    priced : bool
        Whether prices were read.
    idle : mapping of str to Idle
        What is known of idleness, by the keys of the rows.
    """

    at: dt.datetime
    rows: tuple[Row, ...]
    leaks: tuple[Leak, ...] | None = None
    priced: bool = False
    idle: Mapping[str, Idle] = field(default_factory=dict)

    def with_idle(self, found: Mapping[str, Idle]) -> Listing:
        """Return the same with what else is known of idleness, by the keys of the rows."""
        return replace(self, idle={**self.idle, **found})


def of_account(
    listed: Mapping[str, Iterable[Mapping[str, Any]]],
    stacks: Iterable[str],
    leaks: Iterable[Leak],
    now: dt.datetime,
) -> Listing:
    """Return the clusters of an account.

    Parameters
    ----------
    listed : mapping
        What `leftovers.read` returned.
    stacks : iterable of str
        The names of the clusters that states know.
    leaks : iterable of Leak
        What belongs to nothing.
    now : datetime.datetime
        When that was read.
    """
    known = pricing.prices(listed["sizes"])
    rows = [_row(one, known, now) for one in listed["kubernetes_clusters"] if _name(one)]
    have = {row.name for row in rows}
    rows += [Row(name, "incomplete", hourly=0.0) for name in stacks if name not in have]
    return Listing(now, tuple(rows), tuple(leaks), priced=True)


def of_frame(frame: Any, now: dt.datetime) -> Listing:
    """Return what the frame of `dotrain.clusters` says: enough to show before anything is read."""
    return Listing(
        now,
        tuple(
            Row(
                one.name,
                one.state,
                one.region,
                one.version,
                one.sizes,
                int(one.nodes),
                None if one.state == "incomplete" else one.created.to_pydatetime(),
            )
            for one in frame.itertuples(index=False)
        ),
    )


def _name(cluster: Mapping[str, Any]) -> str | None:
    return names.cluster_of(cluster["tags"])


def _row(cluster: Mapping[str, Any], known: Mapping[str, Price], now: dt.datetime) -> Row:
    training = cluster["node_pools"][1:]
    bill = spending.of_cluster(cluster, known, now)
    return Row(
        _name(cluster) or "",
        cluster["status"]["state"],
        cluster["region"],
        cluster["version"],
        ", ".join(sorted({pool["size"] for pool in training})),
        sum(pool["count"] for pool in training),
        timers.created(cluster),
        pricing.total(line.hourly for line in bill),
        timers.ends(cluster),
        timers.of(cluster["tags"]).idle,
        cluster,
    )


def select(rows: Iterable[Row], words: str, state: str = "") -> list[Row]:
    """Return the rows that have all of `words` somewhere, and are in `state` where one is given."""
    wanted = words.casefold().split()
    return [
        row
        for row in rows
        if state in ("", row.state) and all(word in _said(row) for word in wanted)
    ]


def _said(row: Row) -> str:
    return f"{row.name} {row.state} {row.region} {row.version} {row.sizes}".casefold()


def states(rows: Iterable[Row]) -> list[str]:
    """Return the states that rows are in, each once."""
    return sorted({row.state for row in rows})


ORDERS = ("name", "state", "age", "$ an hour", "idle", "nodes", "ends")
"""What rows can be sorted by."""


def ordered(listing: Listing, rows: Iterable[Row], by: str, *, down: bool = False) -> list[Row]:
    """Return rows in an order; what is not known comes last either way.

    Parameters
    ----------
    listing : Listing
        What they are of.
    rows : iterable of Row
        Those to sort.
    by : str
        Out of `ORDERS`.
    down : bool
        Whether the most comes first.
    """

    def value(row: Row) -> Any:
        return {
            "name": row.name,
            "state": row.state,
            "age": row.created and listing.at - row.created,
            "$ an hour": row.hourly,
            "idle": _lasted(listing, row),
            "nodes": row.nodes,
            "ends": row.end,
        }[by]

    by_name = sorted(rows, key=lambda row: row.name)
    known = [row for row in by_name if value(row) is not None]
    unknown = [row for row in by_name if value(row) is None]
    return [*sorted(known, key=value, reverse=down), *unknown]


def _lasted(listing: Listing, row: Row) -> dt.timedelta | None:
    found = listing.idle.get(row.key)
    if found is None or found.error is not None:
        return None
    return listing.at - found.since if found.since else dt.timedelta(0)


def idle(listing: Listing, row: Row) -> str:
    """Return how long nothing has run on a cluster, in words, and how long that may be."""
    limit = f" (at most {durations.text(row.limit)})" if row.limit else ""
    found = listing.idle.get(row.key)
    if found is None:
        return f"not looked at{limit}" if row.described else ""
    if found.error is not None:
        return "unreachable" if isinstance(found.error, KubernetesUnreachable) else "not known"
    if found.since is None:
        return f"something runs{limit}"
    return f"for {durations.rough(max(listing.at - found.since, dt.timedelta(0)))}{limit}"


def advice(listing: Listing, rows: Iterable[Row]) -> list[str]:
    """Return why idleness is not known and what to do about that, each reason once."""
    of_reason: dict[tuple[str, str], tuple[list[str], str]] = {}
    for row in rows:
        error = listing.idle.get(row.key, Idle()).error
        if error is not None:
            of_reason.setdefault((error.why, error.fix), ([], str(error)))[0].append(row.name)
    return [f"{', '.join(names)}: {said}" for names, said in of_reason.values()]


def ends(listing: Listing, row: Row) -> str:
    """Return when a cluster ends, in words."""
    if row.end is None:
        return "never" if row.described else ""
    left = row.end - listing.at
    over = left <= dt.timedelta(0)
    return f"since {durations.rough(-left)}" if over else f"in {durations.rough(left)}"


def age(listing: Listing, row: Row) -> str:
    """Return how old a cluster is, in words."""
    if row.created is None:
        return ""
    return durations.rough(max(listing.at - row.created, dt.timedelta(0)))


def cost(listing: Listing, row: Row) -> str:
    """Return what a cluster costs an hour, in words."""
    if not listing.priced:
        return UNREAD
    return "unknown" if row.hourly is None else f"${row.hourly:.3f}"


def summary(rows: Sequence[Row], *, priced: bool) -> str:
    """Return how many clusters there are and what they cost, as a sentence."""
    counted = "1 cluster" if len(rows) == 1 else f"{len(rows)} clusters"
    if not priced or not rows:
        return f"{counted}."
    costs = [row.hourly for row in rows]
    known = money.text(sum(one for one in costs if one is not None))
    unknown = sum(one is None for one in costs)
    more = f", and {unknown} of them at a price that is not known" if unknown else ""
    verb = "costs" if len(rows) == 1 else "cost"
    return f"{counted}, which {verb} {known} an hour for nodes and control planes{more}."

"""One look at a cluster: what it should be, what the account has of it, what is being done to it.

A look costs two requests, whatever the number of nodes, and changes nothing:
what has expired stays until something else ends it. All that a panel, or the
cluster's own repr, says of a cluster is derived from a look, without asking.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dotrain import (
    account,
    config,
    durations,
    limits,
    money,
    phases,
    pricing,
    spending,
    timers,
)
from dotrain.address import Address
from dotrain.errors import ClusterNotFound, DotrainError
from dotrain.operation import Operation
from dotrain.phases import Phase, PoolRow
from dotrain.pricing import Line, Price
from dotrain.rules import Compared, Rule, compare, desired
from dotrain.sources import ME
from dotrain.spec import ClusterSpec, Resolved

__all__ = ["PoolRow", "Snapshot"]

_ENTRANCES = ("nodes", "control-plane")


@dataclass(frozen=True)
class Snapshot:
    """One look at a cluster.

    Parameters
    ----------
    name : str
        The cluster's name.
    at : datetime.datetime
        When it was looked at, in UTC.
    target_kind : str
        ``"digitalocean"`` or ``"sandbox"``.
    spec : ClusterSpec or None
        What it should be; None when its stack does not say.
    resolved : Resolved or None
        What the symbolic words of `spec` stood for.
    observed : account.Observed or None
        What the account has of it; None when it was not asked, or did not answer.
    error : DotrainError or None
        Why something of it is not known.
    operation : Operation or None
        The newest operation on it, running or ended.
    prices : mapping of str to Price
        By Droplet size; empty when they are not known.
    made : frozenset of str
        What the stack remembers to have made, by its names in the program.
    gone_nodes : tuple of Line
        What nodes have cost that are gone, as this machine has seen them.
    database : bool
        Whether the database and its firewall were looked at.
    """

    name: str
    at: dt.datetime
    target_kind: str
    spec: ClusterSpec | None = None
    resolved: Resolved | None = None
    observed: account.Observed | None = None
    error: DotrainError | None = None
    operation: Operation | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    made: frozenset[str] = frozenset()
    gone_nodes: tuple[Line, ...] = ()
    database: bool = False

    @property
    def cluster(self) -> Mapping[str, Any] | None:
        """The cluster as the API describes it; None when there is none, or it was not asked."""
        return self.observed.cluster if self.observed else None

    @property
    def gone(self) -> bool:
        """Whether nothing of it is known any more, or yet, and nobody makes it."""
        return isinstance(self.error, ClusterNotFound)

    @property
    def busy(self) -> bool:
        """Whether an operation works on it."""
        return self.operation is not None and self.operation.running

    @property
    def going(self) -> bool:
        """Whether it is being taken down: of what is left of it nothing is as it was wanted."""
        return self.busy and self.operation is not None and self.operation.kind == "down"

    @property
    def state(self) -> str:
        """How it is, in a word or two.

        DigitalOcean's word, such as ``"running"``, where there is a cluster;
        otherwise ``"being made"``, ``"being taken down"``, ``"no cluster"``
        (its stack has none), ``"gone"``, or ``"unknown"`` after an error.
        """
        if self.error is not None and not self.gone:
            return "unknown"
        if self.cluster is not None:
            return str(self.cluster["status"]["state"])
        if self.operation is not None and self.operation.running:
            return "being taken down" if self.operation.kind == "down" else "being made"
        if self.gone:
            return "gone"
        return "unknown" if self.observed is None else "no cluster"

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Its parts, in the order in which they are made, and how far each is."""
        operation = self.operation
        running = self.busy
        news = operation is not None and (running or operation.error is not None)
        return phases.phases(
            self.spec,
            self.observed,
            list(operation.progress.steps.values()) if operation and news else (),
            running=running,
            made=self.made,
            wanted=sum(row.wanted for row in self.pools),
        )

    @property
    def pools(self) -> tuple[PoolRow, ...]:
        """Its pools: those of the spec first, then what is there besides."""
        return phases.pools(self.spec, self.cluster)

    @property
    def age(self) -> dt.timedelta | None:
        """How long there has been a cluster; None without one."""
        return None if self.cluster is None else self.at - timers.created(self.cluster)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What its nodes and its control plane cost; nothing else of it is in a look."""
        if self.cluster is None:
            return ()
        return (*spending.of_cluster(self.cluster, self.prices, self.at), *self.gone_nodes)

    @property
    def hourly(self) -> float | None:
        """US dollars an hour of nodes and control plane; None when that is not known."""
        return pricing.total(line.hourly for line in self.lines)

    @property
    def monthly(self) -> float | None:
        """US dollars a month of the same, None when that is not known."""
        return pricing.total(line.monthly for line in self.lines)

    @property
    def so_far(self) -> float | None:
        """US dollars that nodes and control plane have cost at least, None when it is not known.

        Load balancers, volumes and the database are not in it; `Cluster.cost`
        has them.
        """
        return pricing.total(line.so_far for line in self.lines)

    @property
    def ends(self) -> dict[str, str]:
        """What limits it, in words: ``"end"``, ``"idle"`` and ``"budget"``, where there are any."""
        if self.cluster is None:
            return {}
        tags = self.cluster["tags"]
        idle, budget = timers.of(tags).idle, limits.budget(tags)
        said = {
            "end": timers.outlook(self.cluster, self.at),
            "idle": f"for {durations.text(idle)} at most" if idle is not None else "",
            "budget": f"{money.text(budget)} in all" if budget is not None else "",
        }
        return {what: text for what, text in said.items() if text}

    @property
    def entering(self) -> tuple[str, ...]:
        """Who may enter its nodes or its Kubernetes API, as the rules in force have it."""
        found = self.observed.rules() if self.observed and self.observed.cluster else ()
        return tuple(
            sorted(
                {
                    one.peer
                    for one in found
                    if one.direction == "inbound" and one.layer in _ENTRANCES
                }
            )
        )

    @property
    def rules(self) -> list[Compared]:
        """Its rules, those wanted and those in force; of the database when that was looked at."""
        if self.observed is None or self.spec is None or self.resolved is None:
            return []
        wanted = desired(
            self.spec,
            self.resolved,
            cluster_id=self.observed.cluster["id"] if self.observed.cluster else "",
            database_port=self.observed.database_port,
        )
        in_force = self.observed.rules()
        return compare(self._seen(wanted), self._seen(in_force), durations.stamp(self.at))

    @property
    def drifted(self) -> int:
        """How many of its rules are not as they should be."""
        return sum(bool(one.drift) for one in self.rules)

    def moved(self, address: Address) -> bool:
        """Return whether this machine should be let in and has another address than the known one.

        Parameters
        ----------
        address : Address
            What `dotrain.address.find` returned.
        """
        if self.spec is None or self.resolved is None:
            return False
        live = self.spec.without_expired(self.at)
        granted = any(one.source == ME for one in live.allow)
        return granted and self.resolved.me.get(config.identity(), ()) != address.cidrs

    def with_database_of(self, before: Snapshot) -> Snapshot:
        """Return it with what an earlier look saw of the database, if this one did not look."""
        wanted = self.spec is not None and self.spec.database is not None
        if self.database or not before.database or not wanted:
            return self
        if self.observed is None or before.observed is None:
            return self
        seen, old = self.observed, before.observed
        observed = replace(seen, database=old.database, trusted_sources=old.trusted_sources)
        return replace(self, observed=observed, database=True)

    def _seen(self, found: Iterable[Rule]) -> list[Rule]:
        return [one for one in found if self.database or one.layer != "database"]

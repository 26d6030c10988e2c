"""What a sweep finds out about a cluster beyond the list of clusters, and what is due then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dotrain import idleness, ledger, names, pricing, spending, verdicts
from dotrain.api import Api
from dotrain.errors import ApiError, DotrainError
from dotrain.pricing import Price
from dotrain.target import Target
from dotrain.verdicts import Seen, Verdict


@dataclass(frozen=True)
class Prices:
    """What is needed to say what clusters have cost: a few lists of the account.

    Parameters
    ----------
    known : mapping of str to Price
        The prices of sizes.
    beside : mapping
        The account's lists out of `spending.BESIDE`.
    """

    known: Mapping[str, Price]
    beside: Mapping[str, list[dict[str, Any]]]

    @classmethod
    def read(cls, api: Api) -> Prices:
        """Read them; raises as `Api.pages`."""
        return cls(
            pricing.prices(api.pages("/v2/sizes", "sizes")),
            {key: list(api.pages(f"/v2/{key}", key)) for key in spending.BESIDE},
        )

    def share_of_budget(
        self, target: Target, cluster: Mapping[str, Any], now: dt.datetime
    ) -> float | None:
        """Return the part of a cluster's budget that is spent, 1.0 for all; None without one.

        What this machine has seen of nodes that are gone counts, too; those
        that there are it remembers from now on.
        """
        name = names.cluster_of(cluster["tags"]) or cluster["name"]
        ledger.note(target, name, cluster, now)
        others = [
            *spending.of_nodes_gone(ledger.gone(target, name, cluster), self.known),
            *spending.beside(self.beside, [cluster], (), now, only=name),
        ]
        return spending.spent(cluster, self.known, now, others).share


@dataclass(frozen=True)
class Judge:
    """Says what is due on the clusters of an account.

    Parameters
    ----------
    target : Target
        The account.
    api : Api
        Its API.
    prices : Prices or None
        What is needed for budgets.
    prices_unknown : str
        Why that is not known; empty when it is, or no cluster has a budget.
    """

    target: Target
    api: Api
    prices: Prices | None = None
    prices_unknown: str = ""

    @classmethod
    def of(cls, target: Target, api: Api, clusters: Iterable[Mapping[str, Any]]) -> Judge:
        """Return one for `clusters`; prices are read when one of them has a budget."""
        judge = cls(target, api)
        if not any(verdicts.has_budget(one) for one in clusters):
            return judge
        try:
            return replace(judge, prices=Prices.read(api))
        except ApiError as error:
            return replace(judge, prices_unknown=str(error))

    def verdicts(self, cluster: Mapping[str, Any], now: dt.datetime) -> list[Verdict]:
        """Return what is due on a cluster, as the API describes it at `now`."""
        seen = Seen()
        if verdicts.may_be_idle(cluster, now):
            try:
                since = idleness.of_cluster(self.target, self.api, cluster, now)
                seen = replace(seen, idle_since=since)
            except DotrainError as error:
                seen = replace(seen, idle_unknown=str(error))
        if verdicts.has_budget(cluster):
            spent = None
            if self.prices:
                spent = self.prices.share_of_budget(self.target, cluster, now)
            seen = replace(seen, spent=spent, spent_unknown=self.prices_unknown)
        return verdicts.judge(cluster, seen, now)

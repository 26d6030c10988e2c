"""What a sweep finds out about a cluster beyond the list of clusters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from dotrain import idleness, kube, ledger, names, pricing, spending
from dotrain.api import Api
from dotrain.errors import KubernetesUnreachable
from dotrain.pricing import Price
from dotrain.target import Target


def idle_since(
    target: Target, api: Api, cluster: Mapping[str, Any], now: dt.datetime
) -> dt.datetime | None:
    """Return since when nothing runs on a cluster, None while something does.

    Raises
    ------
    DotrainError
        When it is not known.
    """
    if not target.has_kubernetes(cluster):
        raise KubernetesUnreachable(
            f"The cluster {cluster['name']!r} has no Kubernetes API.",
            "The sandbox makes one only where it is told to.",
            "Make it after dotrain.use_sandbox(kubernetes=True).",
        )
    with closing(kube.connect(target, api, cluster)) as connected:
        return idleness.idle_since(connected, now)


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

        What this machine has seen of nodes that are gone counts, too.
        """
        name = names.cluster_of(cluster["tags"]) or cluster["name"]
        others = [
            *spending.of_nodes_gone(ledger.gone(target, name, cluster), self.known),
            *spending.beside(self.beside, [cluster], (), now, only=name),
        ]
        return spending.spent(cluster, self.known, now, others).share

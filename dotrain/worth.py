"""What a thing of the account costs an hour, as far as the price list says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dotrain.pricing import Line

FREE = frozenset({"firewall", "VPC", "tag"})
"""Kinds that DigitalOcean does not charge for."""


def lines(
    kind: str, described: Mapping[str, Any], sizes: Iterable[Mapping[str, Any]]
) -> list[Line]:
    """Return what something costs, line by line; nothing for what is free.

    Parameters
    ----------
    kind : str
        Out of `belongings.KINDS`.
    described : mapping
        What the API says about it.
    sizes : iterable of mapping
        ``sizes`` of ``GET /v2/sizes``.
    """
    if kind in FREE:
        return []
    if kind == "cluster":
        return _cluster(described, sizes)
    if kind == "Droplet":
        price = (described.get("size") or {}).get("price_hourly")
        return [Line(f"Droplet {described['name']}", price)]
    return [Line(f"{kind} {described['name']}", None)]


def hourly(bill: Iterable[Line]) -> float | None:
    """Return the sum of a bill in US dollars an hour; None when a part of it is not known."""
    prices = [line.hourly for line in bill]
    known = [price for price in prices if price is not None]
    return sum(known) if known and len(known) == len(prices) else None


def _cluster(cluster: Mapping[str, Any], sizes: Iterable[Mapping[str, Any]]) -> list[Line]:
    prices = {size["slug"]: size.get("price_hourly") for size in sizes}
    bill = []
    for pool in cluster["node_pools"]:
        price = prices.get(pool["size"])
        item = f"pool {pool['name']}: {pool['count']} x {pool['size']}"
        bill.append(Line(item, None if price is None else price * pool["count"]))
    if cluster.get("ha"):
        bill.append(Line("highly available control plane", None))
    return bill

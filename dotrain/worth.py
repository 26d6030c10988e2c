"""What a thing of the account costs an hour, as far as a price of it is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from dotrain import pricing, published, spending
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
    item = f"{kind} {described['name']}"
    if kind == "cluster":
        now = dt.datetime.now(dt.timezone.utc)
        return spending.of_cluster(described, pricing.prices(sizes), now)
    if kind == "Droplet":
        return [Line(item, (described.get("size") or {}).get("price_hourly"))]
    if kind == "load balancer":
        return [pricing.published_line(item, published.balancer(described))]
    if kind == "volume":
        return [pricing.published_line(item, published.volume(described))]
    return [Line(item, None)]


def hourly(bill: Iterable[Line]) -> float | None:
    """Return the sum of a bill in US dollars an hour; None when a part of it is not known."""
    return pricing.total(line.hourly for line in bill)

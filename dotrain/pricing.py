"""What a spec costs, from DigitalOcean's own price list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain.spec import ClusterSpec


@dataclass(frozen=True)
class Line:
    """One line of a bill.

    Parameters
    ----------
    item : str
        What is paid for, such as ``"pool train: 2 x s-4vcpu-8gb"``.
    hourly : float or None
        US dollars an hour; None when the price list does not say.
    """

    item: str
    hourly: float | None


def lines(spec: ClusterSpec, sizes: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Return what each node pool of `spec` costs; training pools cost nothing while it is paused.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    sizes : iterable of mapping
        ``sizes`` of ``GET /v2/sizes``. It has no prices of databases and of
        highly available control planes, so those are lines without a price.
    """
    prices = {size["slug"]: size.get("price_hourly") for size in sizes}
    bill = []
    for pool in (spec.system, *spec.live_pools):
        price = prices.get(pool.size)
        bill.append(
            Line(
                f"pool {pool.name}: {pool.count} x {pool.size}",
                None if price is None else price * pool.count,
            )
        )
    if spec.ha:
        bill.append(Line("highly available control plane", None))
    if spec.database:
        bill.append(Line(f"database: {spec.database.nodes} x {spec.database.size}", None))
    return bill


def summary(bill: Iterable[Line]) -> str:
    """Return a bill in words; what has no known price is named, never taken as free.

    Examples
    --------
    >>> summary([Line("pool train: 2 x s-4vcpu-8gb", 0.14286)])
    '$0.143 an hour'
    """
    bill = list(bill)
    known = [line.hourly for line in bill if line.hourly is not None]
    unknown = [line.item for line in bill if line.hourly is None]
    parts = [f"${sum(known):.3f} an hour"] if known else []
    if unknown:
        parts.append(f"{' and '.join(unknown)} (price unknown)")
    return ", plus ".join(parts)

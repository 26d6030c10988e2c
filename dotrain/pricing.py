"""What a cluster costs: DigitalOcean's own price list, and what it publishes beside that.

Facts, from https://docs.digitalocean.com/products/kubernetes/details/pricing/
and https://docs.digitalocean.com/products/droplets/details/pricing/: nodes are
billed by the second at a Droplet's price, and in one calendar month for 28 days
(672 hours) at most. The price list says the same with its two prices, the
hourly and the monthly one; a GPU's monthly price in it is that of the whole
month. So what counts here is the hourly price, and a month never costs more
than the monthly one. The minimum of a cent for a node is left out.

What has no known price is None, and never zero, also in sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dotrain import published
from dotrain.spec import ClusterSpec

LIVE = "live"
PUBLISHED = f"published, as of {published.AS_OF}"
UNKNOWN = "unknown"


class Price(NamedTuple):
    """What one of something costs: US dollars an hour, and a month at most; None is unknown."""

    hourly: float | None
    monthly: float | None

    def times(self, number: float) -> Price:
        """Return the price of so many."""
        return Price(*(None if one is None else one * number for one in self))


NO_PRICE = Price(None, None)


@dataclass(frozen=True)
class Line:
    """One line of a bill.

    Parameters
    ----------
    item : str
        What is paid for, such as ``"pool train: 2 x s-4vcpu-8gb"``.
    hourly : float or None
        US dollars an hour; None when that is not known.
    monthly : float or None
        US dollars a month.
    most_hourly, most_monthly : float or None
        The same with as many nodes as the autoscaler may make.
    so_far : float or None
        US dollars since it was made; None also for what does not exist yet.
    price : str
        ``"live"`` from the price list, ``"published, as of …"``, or ``"unknown"``.
    cluster : str
        Whose it is.
    """

    item: str
    hourly: float | None
    monthly: float | None = None
    most_hourly: float | None = None
    most_monthly: float | None = None
    so_far: float | None = None
    price: str = UNKNOWN
    cluster: str = ""


def prices(sizes: Iterable[Mapping[str, Any]]) -> dict[str, Price]:
    """Return the price of each Droplet size.

    Parameters
    ----------
    sizes : iterable of mapping
        ``sizes`` of ``GET /v2/sizes``.
    """
    return {one["slug"]: Price(one.get("price_hourly"), one.get("price_monthly")) for one in sizes}


def lines(spec: ClusterSpec, sizes: Iterable[Mapping[str, Any]], version: str = "") -> list[Line]:
    """Return what `spec` costs; training pools cost nothing while it is paused.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    sizes : iterable of mapping
        ``sizes`` of ``GET /v2/sizes``. It has no prices of databases and of
        highly available control planes: see `dotrain.published`.
    version : str
        The Kubernetes version, where it is known.
    """
    known = prices(sizes)
    pools = (spec.system, *spec.live_pools)
    bill = [pool_line(one.name, one.size, one.count, known, most=one.max) for one in pools]
    if spec.highly_available(version):
        bill.append(control_plane())
    if spec.database:
        bill.append(database(spec.database.nodes, spec.database.size))
    return bill


def summary(bill: Iterable[Line]) -> str:
    """Return a bill in words; what has no known price is named, never taken as free.

    Examples
    --------
    >>> summary([Line("pool train: 2 x s-4vcpu-8gb", 0.14286, 96.0)])
    '$0.143 an hour ($96.00 a month)'
    """
    bill = list(bill)
    known = [line for line in bill if line.hourly is not None]
    unknown = [line.item for line in bill if line.hourly is None]
    monthly = [line.monthly for line in known if line.monthly is not None]
    parts = []
    if known:
        text = f"${sum(line.hourly or 0 for line in known):.3f} an hour"
        if len(monthly) == len(known):
            text += f" (${sum(monthly):,.2f} a month)"
        most = sum(line.most_hourly or line.hourly or 0 for line in known)
        if any((line.most_hourly or 0) > (line.hourly or 0) for line in known):
            text += f", at most ${most:.3f} an hour"
        parts.append(text)
    if unknown:
        parts.append(f"{' and '.join(unknown)} (price unknown)")
    return ", plus ".join(parts) or "nothing"


def total(parts: Iterable[float | None]) -> float | None:
    """Return the sum of `parts`, which is unknown when one of them is."""
    whole = 0.0
    for part in parts:
        if part is None:
            return None
        whole += part
    return whole


def pool_line(
    name: str,
    size: str,
    count: int,
    known: Mapping[str, Price],
    *,
    most: int | None = None,
    so_far: float | None = None,
) -> Line:
    """Return the line of a pool of nodes; `most` is how many the autoscaler may make."""
    price = known.get(size, NO_PRICE)
    scaled = f" (autoscaled, at most {most})" if most is not None else ""
    return Line(
        f"pool {name}: {count} x {size}{scaled}",
        *price.times(count),
        *price.times(count if most is None else most),
        so_far,
        UNKNOWN if price.hourly is None else LIVE,
    )


def published_line(item: str, monthly: float | None, so_far: float | None = None) -> Line:
    """Return the line of what costs so much a month on DigitalOcean's pages; None is unknown."""
    price = month(monthly)
    return Line(item, *price, *price, so_far, UNKNOWN if monthly is None else PUBLISHED)


def month(monthly: float | None) -> Price:
    """Return the price of what DigitalOcean publishes by the month."""
    return Price(None if monthly is None else monthly / published.HOURS_A_MONTH, monthly)


def control_plane(so_far: float | None = None) -> Line:
    """Return the line of a highly available control plane; any other is free."""
    item = "highly available control plane"
    return published_line(item, published.CONTROL_PLANE.monthly, so_far)


def database(nodes: int, size: str) -> Line:
    """Return the line of a managed database, whose price is not known."""
    return published_line(f"database: {nodes} x {size}", None)

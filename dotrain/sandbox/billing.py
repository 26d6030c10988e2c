"""What the account owes for this calendar month, for what exists: by the second, with a cap.

Nothing is kept of what is gone: here, that was free. The prices of what the API
does not price are plausible numbers, as those of the catalog are.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dotrain.sandbox import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dotrain.sandbox.answers import Call

_HOUR = 3600
_HOURS_A_MONTH = 672
_CONTROL_PLANE = 40.0
_BALANCER_NODE = 12.0
_VOLUME_GIB = 0.1
# Of a database: for each GiB of memory of a node.
_DATABASE_GIB = 15.2


def month_to_date(call: Call) -> float:
    """Return the US dollars of this calendar month (UTC), so far."""
    today = datetime.fromtimestamp(call.now, timezone.utc)
    first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
    return sum(
        min((call.now - max(created, first)) / _HOUR * hourly, monthly)
        for created, hourly, monthly in _everything(call)
    )


def _everything(call: Call) -> Iterator[tuple[float, float, float]]:
    """Yield since when there is something, its price an hour, and the most it costs a month."""
    for cluster in call.store.all("cluster"):
        for pool in cluster["pools"]:
            size = catalog.size(pool["size"])
            for node in pool["nodes"]:
                yield node["created"], size["price_hourly"], size["price_monthly"]
        if cluster["ha"]:
            yield cluster["created"], *_monthly(_CONTROL_PLANE)
    for balancer in call.store.all("load_balancer"):
        yield balancer["created"], *_monthly(_BALANCER_NODE * balancer["size_unit"])
    for volume in call.store.all("volume"):
        yield volume["created"], *_monthly(_VOLUME_GIB * volume["size_gigabytes"])
    for database in call.store.all("database"):
        memory = int(database["size"].rpartition("-")[2].removesuffix("gb"))
        yield database["created"], *_monthly(_DATABASE_GIB * memory * database["num_nodes"])


def _monthly(price: float) -> tuple[float, float]:
    return price / _HOURS_A_MONTH, price

"""What a cluster costs that stays: said wherever one is kept that was to go."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from dotrain import account, billing, durations, money, timers
from dotrain.api import Api
from dotrain.bills import Bill
from dotrain.errors import DotrainError, NothingElseEndsIt
from dotrain.spec import ClusterSpec
from dotrain.target import Target

_DAY = dt.timedelta(days=1)
_HOUR = dt.timedelta(hours=1)


def costs(target: Target, name: str) -> str:
    """Return in words until when the cluster `name` stays, and what it costs until then.

    When DigitalOcean does not say that, the words do; there is no error.
    """
    try:
        with closing(Api(target)) as api:
            cluster = account.cluster(api, name)
        if cluster is None:
            return f"The cluster {name!r} is gone, and costs nothing any more."
        return words(cluster, billing.cost(target, name), dt.datetime.now(dt.timezone.utc))
    except DotrainError as error:
        return f"The cluster {name!r} stays, and what it costs is not known: {error.what}"


def words(cluster: Mapping[str, Any], bill: Bill, now: dt.datetime) -> str:
    """Return the same of a cluster as DigitalOcean describes it, and its bill; pure."""
    name, end = cluster["name"], timers.ends(cluster)
    # What has no known price is named, and in no sum.
    hourly = sum(line.hourly for line in bill.lines if line.hourly is not None)
    beside = f", besides {' and '.join(bill.unknown)} (price unknown)" if bill.unknown else ""
    each = f"${hourly:.3f} an hour"
    if end is None:
        return (
            f"The cluster {name!r} stays until dotrain.down({name!r}), and costs {each}, "
            f"{money.text(hourly * (_DAY / _HOUR))} a day{beside}. With "
            f"dotrain.up({name!r}, max_age='12h') a sweep ends it."
        )
    age = durations.text(end - timers.created(cluster))
    if end <= now:
        until = f"stays until the next sweep, since its max age of {age} is over, and costs {each}"
    else:
        whole = money.text(hourly * ((end - now) / _HOUR))
        until = (
            f"stays until {end:%Y-%m-%d %H:%M} UTC, when a sweep ends it (max age {age}), and "
            f"costs {each}, {whole} until then"
        )
    return f"The cluster {name!r} {until}{beside}. dotrain.down({name!r}) ends it now."


def warn(spec: ClusterSpec) -> None:
    """Warn when nothing but this machine will take the cluster of `spec` down."""
    if spec.max_age is not None or spec.reaper:
        return
    name = spec.name
    warnings.warn(
        f"Only a process of this machine takes {name!r} down when its job has ended: while the "
        "machine sleeps, or when it or its hosted notebook ends, the cluster stays, and costs "
        f"what it costs. Give it an end of its own: dotrain.up({name!r}, max_age='12h'), which a "
        "sweep in cron or CI keeps, and reaper=True, which takes its training nodes.",
        NothingElseEndsIt,
        stacklevel=3,
    )

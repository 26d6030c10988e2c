"""How long a cluster may live and lie idle, as tags on it: who finds it finds them.

A tag is ``dotrain-max-age:12h`` or ``dotrain-idle:1h``. The age counts from the
moment at which DigitalOcean says that it made the cluster. So anybody with a
token of the account can act on both, without any state.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import durations, names
from dotrain.errors import SpecError
from dotrain.spec import ClusterSpec

MAX_AGE = names.limit("max-age")
IDLE = names.limit("idle")

# A warning comes in the last tenth of what a cluster may take, and no later than this.
_TENTH = 10
_LEAST_WARNING = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class Timers:
    """What the tags of a cluster say.

    Parameters
    ----------
    max_age : datetime.timedelta or None
        How long it may live.
    idle : datetime.timedelta or None
        How long nothing may run on it.
    unreadable : tuple of str
        Tags that are timers by their name and say no span: nobody acts on them.
    """

    max_age: dt.timedelta | None = None
    idle: dt.timedelta | None = None
    unreadable: tuple[str, ...] = ()


def tags(spec: ClusterSpec) -> list[str]:
    """Return the tags that say the timers of `spec`.

    Examples
    --------
    >>> tags(ClusterSpec("bert", max_age="12h"))
    ['dotrain-max-age:12h']
    """
    said = ((MAX_AGE, spec.max_age), (IDLE, spec.idle))
    return [f"{prefix}{span}" for prefix, span in said if span]


def of(carried: Iterable[str]) -> Timers:
    """Return what the tags of a cluster say; of two that differ, the one that leaves more time.

    Examples
    --------
    >>> of(["dotrain", "dotrain:bert", "dotrain-idle:1h"]).idle
    datetime.timedelta(seconds=3600)
    """
    spans: dict[str, dt.timedelta] = {}
    unreadable = []
    for tag in carried:
        for prefix in (MAX_AGE, IDLE):
            if not tag.startswith(prefix):
                continue
            try:
                span = durations.parse(tag.removeprefix(prefix))
            except SpecError:
                unreadable.append(tag)
            else:
                spans[prefix] = max(span, spans.get(prefix, span))
    return Timers(spans.get(MAX_AGE), spans.get(IDLE), tuple(unreadable))


def ends(cluster: Mapping[str, Any]) -> dt.datetime | None:
    """Return when a cluster, as the API describes it, is too old; None for never."""
    max_age = of(cluster["tags"]).max_age
    return None if max_age is None else created(cluster) + max_age


def created(one: Mapping[str, Any]) -> dt.datetime:
    """Return when DigitalOcean made a cluster or a node."""
    return durations.moment(one["created_at"])


def is_over(cluster: Mapping[str, Any], now: dt.datetime) -> bool:
    """Return whether a cluster has lived as long as it may."""
    end = ends(cluster)
    return end is not None and end <= now


def is_near(cluster: Mapping[str, Any], now: dt.datetime) -> bool:
    """Return whether the end is near enough to warn: the last tenth, at least 15 minutes."""
    end = ends(cluster)
    if end is None:
        return False
    return end - now <= warning(end - created(cluster))


def warning(span: dt.timedelta) -> dt.timedelta:
    """Return how long before the end of `span` that is warned of: a tenth, at least 15 minutes."""
    return max(span / _TENTH, _LEAST_WARNING)


def outlook(cluster: Mapping[str, Any], now: dt.datetime) -> str:
    """Return in words when a cluster ends; empty when it has no max age.

    Examples
    --------
    >>> bert = {"tags": ["dotrain-max-age:12h"], "created_at": "2026-01-01T00:00:00Z"}
    >>> outlook(bert, dt.datetime(2026, 1, 1, 11, 20, tzinfo=dt.timezone.utc))
    'ends in 40 min (max age 12h)'
    """
    end = ends(cluster)
    if end is None:
        return ""
    age = durations.text(end - created(cluster))
    if end <= now:
        return f"should have ended {durations.rough(now - end)} ago (max age {age})"
    return f"ends in {durations.rough(end - now)} (max age {age})"

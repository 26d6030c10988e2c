"""What a cluster may cost, as a tag that it carries: seen without any state, by whoever sweeps.

The tag is ``dotrain-budget:<US cents>``. DigitalOcean takes letters, digits,
colons, dashes and underscores in a tag, and so no point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dotrain import names
from dotrain.spec import ClusterSpec

_BUDGET = names.limit("budget")
# More digits than that are no sum that anybody spends.
_CENTS = re.compile(r"\d{1,15}", re.ASCII)

WARN_AT = 0.8
"""The share of a budget from which on dotrain warns."""


def tags(spec: ClusterSpec) -> list[str]:
    """Return the tags that say what a cluster of `spec` may cost.

    Examples
    --------
    >>> tags(ClusterSpec("bert", budget="$50"))
    ['dotrain-budget:5000']
    """
    if spec.budget is None:
        return []
    return [f"{_BUDGET}{round(spec.budget * 100)}"]


def budget(carried: Iterable[str]) -> float | None:
    """Return the US dollars that the tags `carried` allow, None when they set no limit.

    Where somebody added a second one, the smaller counts.

    Examples
    --------
    >>> budget(["k8s", "dotrain:bert", "dotrain-budget:5000"])
    50.0
    """
    sums = (cents for _, cents in _said(carried) if cents)
    return min((cents / 100 for cents in sums), default=None)


def unreadable(carried: Iterable[str]) -> list[str]:
    """Return the tags that are budgets by their name and say no sum: nobody acts on them.

    Examples
    --------
    >>> unreadable(["dotrain-budget:5000", "dotrain-budget:0", "dotrain-budget:much"])
    ['dotrain-budget:0', 'dotrain-budget:much']
    """
    return [tag for tag, cents in _said(carried) if not cents]


def _said(carried: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield each tag of a budget with its US cents, 0 where it says no sum."""
    for tag in carried:
        if tag.startswith(_BUDGET):
            value = tag.removeprefix(_BUDGET)
            yield tag, int(value) if _CENTS.fullmatch(value) else 0

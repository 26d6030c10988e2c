"""What a cluster may cost, as a tag that it carries: seen without any state, by whoever sweeps.

The tag is ``dotrain-budget:<US cents>``. DigitalOcean takes letters, digits,
colons, dashes and underscores in a tag, and so no point.
"""

from __future__ import annotations

from collections.abc import Iterable

from dotrain import names
from dotrain.spec import ClusterSpec

_BUDGET = names.limit("budget")

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
    values = (tag.removeprefix(_BUDGET) for tag in carried if tag.startswith(_BUDGET))
    found = [int(value) / 100 for value in values if value.isascii() and value.isdigit()]
    return min(found, default=None)

"""What a teardown takes, and what that costs until then: said before it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from dotrain import belongings, pricing, stack, worth
from dotrain.api import Api
from dotrain.belongings import Object, Search
from dotrain.target import Target


def describe(target: Target, name: str) -> str:
    """Return in words what `down` would delete, and what it costs an hour.

    Raises
    ------
    ClusterNotFound
        When there is neither a stack nor anything labelled with the name.
    ApiError
        When the account cannot be read.
    """
    remembered = stack.read(target, name)
    known = remembered.resources.get("cluster") if remembered else None
    with closing(Api(target)) as api:
        found = Search(api, name, filter(None, [known])).find()
        sizes = list(api.pages("/v2/sizes", "sizes")) if found else []
    if remembered is None and not found:
        raise belongings.nothing(name, target.kind)
    return text(name, found, sizes)


def text(name: str, found: Sequence[Object], sizes: Iterable[Mapping[str, Any]]) -> str:
    """Return in words what is found of a cluster, and what it costs an hour."""
    if not found:
        return f"Of {name} there is nothing but its state."
    sizes = list(sizes)
    there = {one.kind for one in found}
    # The machines of a cluster are in its line; without it each has its own.
    shown = [one for one in found if one.kind != "Droplet" or "cluster" not in there]
    rows = [f"  {one.kind} {one.name}{_nodes(one)}" for one in shown]
    bill = [line for one in shown for line in worth.lines(one.kind, one.described, sizes)]
    cost = f"It costs {pricing.summary(bill)}." if bill else "It costs nothing."
    lost = [kind for kind in belongings.DATA if kind in there]
    data = f" What is on each {' and '.join(lost)} is lost." if lost else ""
    return "\n".join([f"Of {name} there is:", *rows, cost + data])


def _nodes(one: Object) -> str:
    if one.kind != "cluster":
        return ""
    pools = [f"{pool['count']} x {pool['size']}" for pool in one.described["node_pools"]]
    return f" ({', '.join(pools)})"

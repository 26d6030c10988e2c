"""What a teardown takes, and what that costs until then: said before it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from dotrain import belongings, pricing, stack, worth
from dotrain.api import Api
from dotrain.belongings import Object, Search
from dotrain.target import Target


@dataclass(frozen=True)
class Item:
    """Something that a teardown takes.

    Parameters
    ----------
    kind : str
        Out of `belongings.KINDS`.
    name : str
        Its name.
    about : str
        What more there is to say, such as the nodes of a cluster.
    hourly : float or None
        US dollars an hour; None when that is not known.
    data : bool
        Whether people keep something on it.
    id : str
        DigitalOcean's id of it.
    """

    kind: str
    name: str
    about: str
    hourly: float | None
    data: bool
    id: str = ""

    @property
    def price(self) -> str:
        """What it costs, in words."""
        if self.kind in worth.FREE:
            return "free"
        return "unknown" if self.hourly is None else f"${self.hourly:.3f}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{f' ({self.about})' if self.about else ''}"


@dataclass(frozen=True)
class Contents:
    """What the account holds of a cluster, and what runs on it: all that a teardown takes.

    Parameters
    ----------
    name : str
        The cluster's name.
    items : tuple of Item
        What there is.
    cost : str
        What it costs together, as a sentence.
    jobs : str
        Which jobs are lost, as sentences; empty when none is.
    """

    name: str
    items: tuple[Item, ...]
    cost: str = ""
    jobs: str = ""

    @property
    def cluster_id(self) -> str:
        """The id of the cluster itself; empty where there is none, but what is left of one."""
        return next((one.id for one in self.items if one.kind == "cluster"), "")

    @property
    def lost(self) -> str:
        """What is lost with it that people keep, as a sentence; empty for nothing."""
        there = {one.kind for one in self.items if one.data}
        kinds = [kind for kind in belongings.DATA if kind in there]
        return f"What is on each {' and '.join(kinds)} is lost." if kinds else ""

    def __str__(self) -> str:
        if not self.items:
            said = [f"Of {self.name} there is nothing but its state."]
        else:
            rows = [f"  {one}" for one in self.items]
            cost = " ".join(filter(None, [self.cost, self.lost]))
            said = [f"Of {self.name} there is:", *rows, cost]
        return "\n".join(filter(None, [*said, self.jobs]))

    __repr__ = __str__


def read(target: Target, name: str) -> Contents:
    """Return what `down` would delete, and what it costs an hour.

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
    return of(name, found, sizes)


def of(name: str, found: Sequence[Object], sizes: Iterable[Mapping[str, Any]]) -> Contents:
    """Return what is found of a cluster, with what it costs an hour."""
    sizes = list(sizes)
    there = {one.kind for one in found}
    # The machines of a cluster are in its line; without it each has its own.
    shown = [one for one in found if one.kind != "Droplet" or "cluster" not in there]
    bills = [worth.lines(one.kind, one.described, sizes) for one in shown]
    whole = [line for bill in bills for line in bill]
    return Contents(
        name,
        tuple(
            Item(
                one.kind,
                one.name,
                _nodes(one),
                worth.hourly(bill),
                one.kind in belongings.DATA,
                one.id,
            )
            for one, bill in zip(shown, bills, strict=True)
        ),
        f"It costs {pricing.summary(whole)}." if whole else "It costs nothing.",
    )


def _nodes(one: Object) -> str:
    if one.kind != "cluster":
        return ""
    return ", ".join(f"{pool['count']} x {pool['size']}" for pool in one.described["node_pools"])

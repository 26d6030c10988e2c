"""What the fields of the Nodes tab ask for: which call that is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import changes, durations, losses
from dotrain.errors import SpecError
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec
from dotrain.widgets.kit import calls

TIMEOUT = "10m"
_GUARDED = ("cluster", "database")


@dataclass(frozen=True)
class Wish:
    """What the fields say of one pool.

    Parameters
    ----------
    pool : str
        The pool's name.
    size : str
        The size of each node.
    count : int
        How many nodes, where nobody else chooses that.
    least, most : int or None
        Between what the autoscaler keeps their number; None is without it.
    drain : bool
        Whether what runs on nodes of a pool that goes moves first.
    drain_timeout : str
        How long that may take.
    """

    pool: str
    size: str
    count: int
    least: int | None = None
    most: int | None = None
    drain: bool = True
    drain_timeout: str = TIMEOUT

    @classmethod
    def of(cls, pool: Pool, count: int | None = None) -> Wish:
        """Return the wish that a pool stays as it is; `count` is what the autoscaler has chosen."""
        number = pool.count if count is None else count
        return cls(pool.name, pool.size, number, pool.min, pool.max)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a wish.

    Parameters
    ----------
    arguments : mapping
        Those of `Cluster.resize`; none when nothing would change.
    spec : ClusterSpec or None
        What should be after it; None when something is wrong.
    problems : mapping of str to str
        What is wrong, by the field.
    lost : tuple of str
        What it may destroy, in short.
    """

    arguments: Mapping[str, Any]
    spec: ClusterSpec | None
    problems: Mapping[str, str]
    lost: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether there is something to do, and nothing wrong with it."""
        return bool(self.arguments) and self.spec is not None and not self.lost


def pool_of(spec: ClusterSpec, name: str) -> Pool | None:
    """Return the pool of training nodes of that name; None when there is none."""
    return next((pool for pool in spec.pools if pool.name == name), None)


def outcome(spec: ClusterSpec, wish: Wish) -> Outcome:
    """Return what becomes of `wish` on a cluster that should be `spec`.

    Examples
    --------
    >>> spec = ClusterSpec("bert")
    >>> outcome(spec, Wish("train", "s-2vcpu-4gb", 4)).arguments
    {'count': 4}
    """
    old = pool_of(spec, wish.pool)
    if old is None:
        gone = f"There is no pool {wish.pool!r} any more."
        return Outcome({}, None, {"pool": gone})
    asked = _asked(old, wish)
    problems = {} if "size" not in asked else _timeout(wish)
    if not asked:
        return Outcome({}, spec, problems)
    if len(spec.pools) > 1:
        asked["pool"] = wish.pool
    try:
        changed = changes.resized(
            spec,
            count=asked.get("count"),
            size=asked.get("size"),
            least=asked.get("min"),
            most=asked.get("max"),
            pool=wish.pool,
        )
    except SpecError as error:
        field = "most" if wish.most is not None or wish.least is not None else "count"
        return Outcome(asked, None, {**problems, field: str(error)})
    return Outcome(
        asked | _terms(asked, wish), None if problems else changed, problems, lost(spec, changed)
    )


def lost(old: ClusterSpec, new: ClusterSpec) -> tuple[str, ...]:
    """Return what changes from `old` to `new` and would destroy something, in short."""
    dropped = losses.causes(losses.without(old, new))
    return (*losses.suspects(old, new, _GUARDED), *dropped)


def moves(spec: ClusterSpec, wish: Wish) -> bool:
    """Return whether the pool's nodes get another size."""
    pool = pool_of(spec, wish.pool)
    return pool is not None and pool.size != wish.size


def undrained(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the same call that drains nothing."""
    rest = {key: value for key, value in arguments.items() if key != "drain_timeout"}
    return {**rest, "drain": False}


def source(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the call that does it, as one would write it in a cell."""
    return calls.of_cluster(name, "resize", **arguments)


def _asked(old: Pool, wish: Wish) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if wish.least is None and wish.most is None:
        if old.autoscaled or wish.count != old.count:
            asked["count"] = wish.count
    else:
        ends = {"min": (wish.least, old.min), "max": (wish.most, old.max)}
        asked |= {key: given for key, (given, had) in ends.items() if given != had}
    if wish.size != old.size:
        asked["size"] = wish.size
    return asked


def _terms(asked: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    """Return on which terms nodes go, where some do and it is not as usual."""
    if "size" not in asked:
        return {}
    if not wish.drain:
        return {"drain": False}
    return {} if wish.drain_timeout.strip() == TIMEOUT else {"drain_timeout": wish.drain_timeout}


def _timeout(wish: Wish) -> dict[str, str]:
    if not wish.drain:
        return {}
    try:
        durations.parse(wish.drain_timeout)
    except SpecError as error:
        return {"drain_timeout": str(error)}
    return {}

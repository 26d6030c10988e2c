"""What a change of nodes does and what it costs, in words; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping

from dotrain.pools import Pool
from dotrain.pricing import Line, Price, pool_line
from dotrain.spec import ClusterSpec
from dotrain.widgets.nodes.resizing import Outcome, Wish, pool_of

_PAUSED = (
    "The cluster is paused: this changes what its pools will be, and makes no node until it is "
    "resumed."
)


def words(spec: ClusterSpec, wish: Wish, done: Outcome, *, now: int) -> list[str]:
    """Return what will happen, in sentences to read one after the other.

    Parameters
    ----------
    spec : ClusterSpec
        What should be until now.
    wish : Wish
        What the fields say.
    done : Outcome
        What becomes of it.
    now : int
        How many nodes there are, or should be.
    """
    old = pool_of(spec, wish.pool)
    new = pool_of(done.spec, wish.pool) if done.spec else None
    if old is None or new is None or not done.arguments:
        return []
    if spec.paused:
        return [_PAUSED]
    said = [*_replacing(old, new, wish)] if new.size != old.size else [*_counting(new, now)]
    return [*said, *_scaling(old, new)]


def money(
    spec: ClusterSpec, wish: Wish, done: Outcome, prices: Mapping[str, Price], *, now: int
) -> str:
    """Return what it changes in money; what is not known stays so."""
    old = pool_of(spec, wish.pool)
    new = pool_of(done.spec, wish.pool) if done.spec else None
    if old is None or new is None:
        return ""
    before = pool_line(old.name, old.size, now, prices, most=old.max)
    if not done.arguments:
        return f"{_rate(before)}, as now."
    after = pool_line(new.name, new.size, _count(new, now), prices, most=new.max)
    if spec.paused:
        return f"{_rate(before)} → {_rate(after)} once it is resumed; nothing while it is paused."
    return f"{difference(before, after)}."


def difference(before: Line, after: Line) -> str:
    """Return what a pool costs before and after a change, and how much more or less that is.

    Examples
    --------
    >>> known = {"s-4vcpu-8gb": Price(0.08, 48.0)}
    >>> difference(*(pool_line("train", "s-4vcpu-8gb", count, known) for count in (1, 2)))
    '$0.08/h → $0.16/h, +$0.08/h, +$48.00 a month'
    """
    if before.hourly is None or after.hourly is None:
        same = before.item == after.item
        return (
            "Price unknown"
            if same
            else f"{_rate(before)} → {_rate(after)}: what it adds is not known"
        )
    if _rate(before) == _rate(after):
        return f"{_rate(after)}, as now"
    parts = [f"{_rate(before)} → {_rate(after)}"]
    if before.hourly == after.hourly:
        return parts[0]
    parts.append(f"{_signed(after.hourly - before.hourly, 3)}/h")
    if before.monthly is not None and after.monthly is not None:
        parts.append(f"{_signed(after.monthly - before.monthly, 2)} a month")
    return ", ".join(parts)


def _replacing(old: Pool, new: Pool, wish: Wish) -> list[str]:
    made = f"A new pool of {new.count} x {new.size} is made first, and both are paid for meanwhile."
    if wish.drain:
        gone = (
            f"Then what runs on the {old.size} nodes moves to it, as its PodDisruptionBudgets "
            f"allow and within {wish.drain_timeout.strip()}, and the old pool goes. What runs "
            "there starts again on its new node."
        )
    else:
        gone = (
            f"Then the {old.size} nodes are deleted at once: what runs on them is killed, and "
            "what it has not saved is lost."
        )
    return [made, gone, "The cluster stays."]


def _counting(new: Pool, now: int) -> list[str]:
    if new.autoscaled:
        return []
    said = [] if new.count == now else [f"{now} → {new.count} nodes: what runs is not touched."]
    if new.count < now:
        fewer = now - new.count
        which = "which node goes" if fewer == 1 else f"which {fewer} nodes go"
        said = [
            f"{now} → {new.count} nodes: DigitalOcean chooses {which}, without draining.",
            "What runs there is killed; a job starts that rank again.",
        ]
    return said


def _scaling(old: Pool, new: Pool) -> list[str]:
    if new.autoscaled and (old.min, old.max) != (new.min, new.max):
        return [
            f"From then on DigitalOcean's autoscaler keeps {new.min} to {new.max} nodes:",
            "one more when a Pod finds no room, one less when a node stays empty.",
        ]
    if old.autoscaled and not new.autoscaled:
        return ["The autoscaler is switched off."]
    return []


def _count(new: Pool, now: int) -> int:
    """Return how many nodes there will be, as far as that can be said."""
    if new.max is None or new.min is None:
        return new.count
    return max(new.min, min(now, new.max))


def _rate(line: Line) -> str:
    if line.hourly is None:
        return "price unknown"
    text = dollars(line.hourly)
    if line.most_hourly is not None and line.most_hourly > line.hourly:
        text += f" (at most {dollars(line.most_hourly)})"
    return text


def dollars(hourly: float) -> str:
    """Return a price an hour, to a tenth of a cent where it has one.

    Examples
    --------
    >>> dollars(0.08), dollars(0.07143), dollars(2.5)
    ('$0.08/h', '$0.071/h', '$2.50/h')
    """
    return f"${_trimmed(hourly, 3)}/h"


def _signed(amount: float, digits: int) -> str:
    return f"{'-' if amount < 0 else '+'}${_trimmed(abs(amount), digits)}"


def _trimmed(amount: float, digits: int) -> str:
    text = f"{amount:,.{digits}f}"
    # Cents always have two digits; a third only where it says something.
    return text[:-1] if digits > 2 and text.endswith("0") else text  # noqa: PLR2004

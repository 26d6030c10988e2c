"""What is asked for in the form: whether it can be, what it costs, and who gains access by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from dotrain import algebra, catalog, changes, losses, pricing, rules, settle
from dotrain.address import Address
from dotrain.engine.state import State
from dotrain.pricing import Line
from dotrain.rules import Rule
from dotrain.sources import ME
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target
from dotrain.widgets.form.offered import Offered
from dotrain.widgets.form.reading import TERMS, Reader
from dotrain.widgets.form.values import Values
from dotrain.widgets.kit import calls
from dotrain.widgets.nodes.differences import differences
from dotrain.widgets.sizes import words as sizing

# What stands for the name while that is wrong, so that the price is shown all the same.
_UNNAMED = "cluster"
# With these wrong there is something to price and to show all the same; with a size, or with
# somebody who may enter, too.
_DRAFTED = frozenset(
    {"name", "region", "version", "database_version", "max_age", "idle", "budget", "drain_timeout"}
)


@dataclass(frozen=True)
class Known:
    """What is known beside what is typed.

    Parameters
    ----------
    target : Target or None
        The account; None until it has been read.
    offered : Offered or None
        What it offers; None until it has been read.
    state : State or None
        What the stack of that name remembers; None for a new cluster.
    address : Address or None
        What ``"me"`` stands for; None until it has been found.
    identity : str
        Who says ``"me"`` here.
    lost : str
        Why the address is not known; empty where it is, or may still be found.
    """

    target: Target | None = None
    offered: Offered | None = None
    state: State | None = None
    address: Address | None = None
    identity: str = ME
    lost: str = ""


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Parameters
    ----------
    name : str
        The cluster's name, as it is typed.
    errors : mapping of str to str
        What is wrong, by field, in the order of reading.
    arguments : mapping
        The arguments of `dotrain.up` beside the name.
    spec : ClusterSpec or None
        What the cluster would be; None while anything is wrong.
    draft : ClusterSpec or None
        The same, also while something is wrong on which its price does not depend; that is left
        out: what is shown.
    before : ClusterSpec or None
        What it is now; None for a new one.
    lines : tuple of pricing.Line
        What it would cost.
    gained, lost : tuple of Rule
        Who would gain and lose access.
    causes : tuple of str
        What may destroy something of what there is.
    unfinished : bool
        Whether it was begun before, and did not get as far as a cluster.
    """

    name: str
    errors: Mapping[str, str]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    spec: ClusterSpec | None = None
    draft: ClusterSpec | None = None
    before: ClusterSpec | None = None
    lines: tuple[Line, ...] = ()
    gained: tuple[Rule, ...] = ()
    lost: tuple[Rule, ...] = ()
    causes: tuple[str, ...] = ()
    unfinished: bool = False

    @property
    def code(self) -> str:
        """The call of `dotrain.up` that does the same."""
        return calls.up(self.name, self.arguments)

    @property
    def same(self) -> bool:
        """Whether the cluster is there, and is what is asked for."""
        return self.before is not None and self.draft is not None and not self.changes

    @property
    def changes(self) -> list[str]:
        """What would be another than it is, in words; nothing for a new cluster."""
        if self.before is None or self.draft is None:
            return []
        return differences(self.before, self.draft)


def ask(values: Values, known: Known, now: dt.datetime) -> Asked:
    """Return what is asked for by what stands in the form.

    Parameters
    ----------
    values : Values
        What stands in the form.
    known : Known
        What is known beside that.
    now : datetime.datetime
        The present.
    """
    state = known.state
    remembered = state.spec if state else None
    before = remembered.without_expired(now) if remembered else None
    reader = Reader(values, before, now)
    arguments = reader.arguments()
    version = _check_offered(reader, values, before, known)
    asked = Asked(values.name, reader.ordered, arguments, before=before)
    asked = replace(asked, unfinished=state is not None and "cluster" not in state.resources)
    if not all(map(_drafted, reader.errors)):
        return asked
    name = _UNNAMED if "name" in reader.errors else values.name
    of_spec = {key: value for key, value in arguments.items() if key not in TERMS}
    draft = reader.tried("form", lambda: changes.asked(before, of_spec, name, now))
    if draft is None:
        return replace(asked, errors=reader.ordered)
    gained, lost = _check_access(reader, draft, known, force=values.force)
    causes = _check_losses(reader, values, draft, known)
    lines = pricing.lines(draft, known.offered.sizes if known.offered else (), version)
    return replace(
        asked,
        errors=reader.ordered,
        spec=None if reader.errors else draft,
        draft=draft,
        lines=tuple(lines),
        gained=gained,
        lost=lost,
        causes=causes,
    )


def _drafted(field: str) -> bool:
    return field in _DRAFTED or field.endswith(".size") or field.startswith("sources.")


def _check_offered(reader: Reader, values: Values, before: ClusterSpec | None, known: Known) -> str:
    """Note what is not offered, and return the Kubernetes version; empty while it is not known."""
    made = known.state.resolved if known.state else None
    offered = known.offered
    if offered is None:
        return made.version if made else ""
    same = before is not None and before.region == values.region
    had = {(pool.name, pool.size) for pool in before.pools} if before and same else set()
    reader.tried("region", lambda: catalog.check_region(values.region, offered.options))
    for place, pool in reader.pools.items():
        if (pool.name, pool.size) in had:
            continue
        reader.tried(f"{place}.size", partial(catalog.check_size, pool, offered.options))
        offer = offered.by_slug.get(pool.size)
        if (
            offer
            and "region" not in reader.errors
            and (why := sizing.refused(offer, values.region))
        ):
            reader.errors.setdefault(f"{place}.size", why)
    if reader.database and reader.database != (before.database if before else None):
        wanted = reader.database.engine, reader.database.version, offered.databases
        reader.tried("database_version", lambda: catalog.database_version(*wanted))
    if made:
        return made.version
    find = catalog.kubernetes_version
    return reader.tried("version", lambda: find(values.version, offered.options)) or ""


def _check_access(
    reader: Reader, spec: ClusterSpec, known: Known, *, force: bool
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Note what is wrong with who may enter, and return who would gain and lose access."""
    state = known.state
    others = dict(state.resolved.me) if state and state.resolved else {}
    # Until the address is known "me" stands for itself.
    mine = known.address.cidrs if known.address else others.get(known.identity, (ME,))
    cluster = state.resources.get("cluster", "") if state else ""
    wanted = rules.desired(
        spec,
        Resolved("", {**others, known.identity: mine}),
        cluster_id=cluster,
    )
    if known.lost and any(grant.source == ME for grant in spec.allow):
        reader.errors.setdefault("me", known.lost)
    reader.tried("allow", lambda: settle.check(spec, tuple(wanted)))
    if state is None or state.spec is None or "cluster" not in state.resources:
        return tuple(wanted), ()
    there = rules.desired(state.spec, Resolved("", others), cluster_id=cluster)
    if known.target and known.address and not force:
        target, here = known.target, known.address.cidrs
        change = settle.Access(tuple(there), tuple(wanted))
        reader.tried("force", lambda: settle.refuse_lockout(target, change, here=here))
    diff = algebra.diff(there, wanted)
    return diff.gained, diff.lost


def _check_losses(
    reader: Reader, values: Values, spec: ClusterSpec, known: Known
) -> tuple[str, ...]:
    """Note that something may be destroyed unless that is named, and return by which changes."""
    state = known.state
    if state is None or state.spec is None:
        return ()
    causes = losses.suspects(state.spec, spec, state.resources)
    if "cluster" in state.resources:
        causes += losses.causes(losses.without(state.spec, spec))
    if causes and values.replace.strip() != values.name:
        reader.errors.setdefault(
            "replace",
            f"This may destroy the cluster {values.name!r} or some of it, with what runs there and "
            f"its data, because of {' and '.join(causes)}. Make another cluster under another "
            f"name, take that back, or type {values.name!r} here if it is meant.",
        )
    return tuple(causes)

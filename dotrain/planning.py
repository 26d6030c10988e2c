"""Find out what an operation would do: the rules by comparing, the objects by asking Pulumi."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from dotrain import (
    account,
    algebra,
    departure,
    guard,
    losses,
    names,
    pricing,
    rules,
    settle,
    spending,
)
from dotrain.address import Address
from dotrain.api import Api
from dotrain.engine.preview import Planned
from dotrain.engine.state import State
from dotrain.plan import Plan, notes_on
from dotrain.spec import ClusterSpec, Resolved
from dotrain.turn import Turn

_OWN = ("nodes", "control-plane", "database")


@dataclass(frozen=True)
class Seen:
    """What can be told before the engine is asked.

    Parameters
    ----------
    resolved : Resolved
        What the words of the spec stand for.
    observed : Observed
        What the account holds of the cluster.
    wanted : list of Rule
        Every rule that the spec asks for.
    change : algebra.Change
        Who gains and who loses access.
    after, now : tuple of Line
        What it will cost, and what it costs.
    """

    resolved: Resolved
    observed: account.Observed
    wanted: list[rules.Rule]
    change: algebra.Change
    after: tuple[pricing.Line, ...]
    now: tuple[pricing.Line, ...]


def look(turn: Turn, spec: ClusterSpec, remembered: State | None, found: Address | None) -> Seen:
    """Return what can be told of `spec` before the engine is asked; raises as `plan`."""
    with closing(Api(turn.target)) as api:
        resolved = settle.settle(api, turn.target, spec, remembered, turn.progress, found=found)
        observed = account.observe(api, spec.name, database=spec.database is not None)
        sizes = list(api.pages("/v2/sizes", "sizes"))
        made = ("load_balancers", "volumes") if observed.cluster else ()
        beside = {key: list(api.pages(f"/v2/{key}", key)) for key in made}
    wanted = rules.desired(
        spec,
        resolved,
        cluster_id=observed.cluster["id"] if observed.cluster else "",
        database_port=observed.database_port,
    )
    settle.check(spec, tuple(wanted))
    in_force = [rule for rule in observed.rules() if rule.layer in _OWN]
    after, now = _cost(spec, resolved, observed, sizes, beside)
    change = algebra.diff(in_force, wanted)
    return Seen(resolved, observed, wanted, change, tuple(after), tuple(now))


def plan(turn: Turn, spec: ClusterSpec, found: Address | None) -> Plan:
    """Return what `applying.apply` would do for `spec`; changes nothing.

    Parameters
    ----------
    turn : Turn
        The operation.
    spec : ClusterSpec
        What should be.
    found : Address or None
        What ``"me"`` stands for here now.

    Raises
    ------
    SpecError, AddressError, ApiError, EngineError
        As `applying.apply`.
    """
    driver = turn.driver()
    remembered = driver.read()
    seen = look(turn, spec, remembered, found)
    old = remembered.spec if remembered else None
    known = remembered.resources if remembered else {}
    cluster = seen.observed.cluster or {}
    causes: list[str] = []
    if old:
        pools = losses.dropped(old, spec, known, cluster)
        causes = [*losses.suspects(old, spec, known), *losses.causes(pools)]
    if causes:
        steps = guard.preview(driver, turn, spec, seen.resolved, cluster)[1]
    else:
        # The slowest import of all (0.75 s), only where it is needed.
        from dotrain.program import create_program

        steps = driver.preview(create_program(spec, seen.resolved), turn.progress)
    notes = (
        *notes_on(seen.wanted),
        *_notes_on_nodes(spec, remembered, rebuilt=any(guard.destroyed(steps))),
        *_notes_on_losses(spec.name, steps, causes),
    )
    return Plan(
        spec.name,
        seen.change.gained,
        seen.change.lost,
        tuple(steps),
        seen.after,
        seen.now,
        notes,
    )


def _cost(
    spec: ClusterSpec,
    resolved: Resolved,
    observed: account.Observed,
    sizes: list[dict[str, Any]],
    beside: Mapping[str, list[dict[str, Any]]],
) -> tuple[list[pricing.Line], list[pricing.Line]]:
    """Return what a cluster would cost, and what it costs now."""
    after = pricing.lines(spec, sizes, resolved.version)
    if observed.cluster is None:
        return after, []
    moment = dt.datetime.now(dt.timezone.utc)
    # What Kubernetes made stays, whatever becomes of the nodes.
    made = spending.beside(beside, [observed.cluster], (), moment, only=spec.name)
    now = spending.of_cluster(observed.cluster, pricing.prices(sizes), moment)
    if observed.database:
        now.append(pricing.database(observed.database["num_nodes"], observed.database["size"]))
    return [*after, *made], [*now, *made]


def _notes_on_nodes(spec: ClusterSpec, remembered: State | None, *, rebuilt: bool) -> list[str]:
    leaving = sorted(departure.keys(spec, remembered))
    if rebuilt or not leaving:
        return []
    which = " and ".join(map(names.pool_of_key, leaving))
    return [f"The nodes of {which} are drained before they are deleted."]


def _notes_on_losses(name: str, steps: Sequence[Planned], causes: Sequence[str]) -> list[str]:
    gone = [f"the {step.kind}" for step in guard.destroyed(steps)]
    if not gone and not any(cause.startswith("pools") for cause in causes):
        return []
    lost = f"{' and '.join(gone)} with all data" if gone else "a pool with what runs on it"
    # Where a replacement has failed, what causes it is in the state already.
    why = causes or dict.fromkeys(one for step in guard.destroyed(steps) for one in step.because)
    return [f"This destroys {lost} ({'; '.join(why)}). up() does it with replace={name!r} only."]

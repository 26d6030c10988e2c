"""Find out what an operation would do: the rules by comparing, the objects by asking Pulumi."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from dotrain import account, algebra, pricing, rules, settle, spending
from dotrain.address import Address
from dotrain.api import Api
from dotrain.plan import Plan, notes_on
from dotrain.spec import ClusterSpec
from dotrain.turn import Turn

_OWN = ("nodes", "control-plane", "database")


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
        # A database that is not there yet has no port; any will do to compare.
        database_port=observed.database_port or 25060,
    )
    settle.check(spec, tuple(wanted))
    in_force = [rule for rule in observed.rules() if rule.layer in _OWN]
    change = algebra.diff(in_force, wanted)
    # The slowest import of all (0.75 s), only where it is needed.
    from dotrain.program import create_program

    steps = driver.preview(create_program(spec, resolved), turn.progress)
    after, now = _cost(spec, observed, sizes, beside)
    return Plan(
        spec.name,
        change.gained,
        change.lost,
        tuple(steps),
        tuple(after),
        tuple(now),
        notes_on(wanted),
    )


def _cost(
    spec: ClusterSpec,
    observed: account.Observed,
    sizes: list[dict[str, Any]],
    beside: Mapping[str, list[dict[str, Any]]],
) -> tuple[list[pricing.Line], list[pricing.Line]]:
    """Return what a cluster would cost, and what it costs now."""
    after = pricing.lines(spec, sizes)
    if observed.cluster is None:
        return after, []
    moment = dt.datetime.now(dt.timezone.utc)
    # What Kubernetes made stays, whatever becomes of the nodes.
    made = spending.beside(beside, [observed.cluster], (), moment, only=spec.name)
    now = spending.of_cluster(observed.cluster, pricing.prices(sizes), moment)
    if observed.database:
        now.append(pricing.database(observed.database["num_nodes"], observed.database["size"]))
    return [*after, *made], [*now, *made]

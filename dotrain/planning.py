"""Find out what an operation would do: the rules by comparing, the objects by asking Pulumi."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from itertools import chain
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
        beside = {key: list(api.pages(f"/v2/{key}", key)) for key in spending.BESIDE}
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
    now, after = _cost(spec, observed.cluster, sizes, beside)
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
    cluster: Mapping[str, Any] | None,
    sizes: list[dict[str, Any]],
    beside: Mapping[str, list[dict[str, Any]]],
) -> tuple[list[pricing.Line], list[pricing.Line]]:
    """Return what a cluster costs now, and what it would cost."""
    now = dt.datetime.now(dt.timezone.utc)
    clusters = [cluster] if cluster else []
    others = spending.beside(beside, clusters, (), now, only=spec.name)
    there = [spending.of_cluster(one, pricing.prices(sizes), now) for one in clusters]
    # What Kubernetes made stays; the database is in the spec.
    without = spending.beside({**beside, "databases": ()}, clusters, (), now, only=spec.name)
    return [*chain(*there), *others], [*pricing.lines(spec, sizes), *without]

"""Find out what an operation would do: the rules by comparing, the objects by asking Pulumi."""

from __future__ import annotations

import datetime as dt
from contextlib import closing

from dotrain import account, algebra, operations, pricing, rules, settle, worker
from dotrain.api import Api
from dotrain.engine.progress import Progress
from dotrain.plan import Plan, notes_on
from dotrain.spec import ClusterSpec
from dotrain.target import Target

_OWN = ("nodes", "control-plane", "database")


def plan(target: Target, spec: ClusterSpec) -> Plan:
    """Return what `operations.apply` would do for `spec`; changes nothing.

    Parameters
    ----------
    target : Target
        The account.
    spec : ClusterSpec
        What should be.

    Raises
    ------
    SpecError, AddressError, ApiError, EngineError
        As `operations.apply`.
    """
    wanted_spec = spec.without_expired(dt.datetime.now(dt.timezone.utc))

    def work(progress: Progress) -> Plan:
        driver = operations.open_driver(target, spec.name, progress)
        remembered = driver.read()
        with closing(Api(target)) as api:
            resolved = settle.settle(api, target, wanted_spec, remembered, progress, find_me=True)
            observed = account.observe(api, spec.name, database=wanted_spec.database is not None)
            bill = pricing.lines(wanted_spec, api.pages("/v2/sizes", "sizes"))
        wanted = rules.desired(
            wanted_spec,
            resolved,
            cluster_id=observed.cluster["id"] if observed.cluster else "",
            # A database that is not there yet has no port; any will do to compare.
            database_port=observed.database_port or 25060,
        )
        settle.check(wanted_spec, tuple(wanted))
        in_force = [rule for rule in observed.rules() if rule.layer in _OWN]
        change = algebra.diff(in_force, wanted)
        from dotrain.program import create_program

        steps = driver.preview(create_program(wanted_spec, resolved), progress)
        return Plan(
            spec.name,
            change.gained,
            change.lost,
            tuple(steps),
            tuple(bill),
            notes_on(wanted),
        )

    return worker.run(f"plan {spec.name}", work, interrupt=lambda: None)

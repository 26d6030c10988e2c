"""Make the account what a spec says: check first, then let Pulumi close the difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from dotrain import account, adoption, ahead, catalog, changes, ledger, names, pricing, settle
from dotrain.address import Address
from dotrain.api import Api
from dotrain.engine import state
from dotrain.engine.driver import Driver
from dotrain.errors import ApiError, NameInUse, OperationFailed, ReplacementRefused
from dotrain.spec import ClusterSpec, Resolved
from dotrain.turn import Turn


@dataclass(frozen=True)
class Options:
    """How to apply a spec.

    Parameters
    ----------
    before : ClusterSpec or None
        What the spec was made from: what has changed since then stays changed.
    found : Address or None
        What ``"me"`` stands for here now. Without it, what was found the last
        time stays, so that a change of size changes no rule.
    forget : str or None
        Who says ``"me"`` no more.
    force : bool
        Whether this machine may lose its access by it.
    refresh : bool
        Whether to read from DigitalOcean first what others have changed.
    """

    before: ClusterSpec | None = None
    found: Address | None = None
    forget: str | None = None
    force: bool = False
    refresh: bool = False


def apply(turn: Turn, spec: ClusterSpec, options: Options) -> None:
    """Make the account what `spec` says.

    Raises
    ------
    SpecError, AddressError, LockedOut, NameInUse, ReplacementRefused
        Before anything is changed.
    ApiError, EngineError
        See the two.
    """
    target, progress = turn.target, turn.progress
    driver = turn.driver()
    remembered = known = driver.read()
    unrecorded = ahead.read(target, spec.name)
    if remembered and remembered.resolved:
        said = {**remembered.resolved.me, **unrecorded}
        me = {who: cidrs for who, cidrs in said.items() if who != options.forget}
        known = replace(remembered, resolved=replace(remembered.resolved, me=me))
    if remembered and remembered.spec:
        spec = changes.onto(spec, options.before or remembered.spec, remembered.spec)
        refuse_replacement(remembered, remembered.spec, spec)
    with closing(Api(target)) as api:
        if remembered and remembered.spec:
            _note_nodes(api, turn, remembered.spec, spec)
        resolved = settle.settle(api, target, spec, known, progress, found=options.found)
        change = settle.access(remembered, spec, resolved)
        settle.check(spec, change.after)
        if not options.force:
            settle.refuse_lockout(target, change)
        # What came into force past the state, and is not what should be, Pulumi
        # has to see: by its state alone there might be nothing to do.
        strayed = any(resolved.me.get(who) != cidrs for who, cidrs in unrecorded.items())
        _converge(api, turn, driver, spec, resolved, refresh=options.refresh or strayed)
    ahead.clear(target, spec.name, unrecorded)
    driver.mark_settled()


def _note_nodes(api: Api, turn: Turn, old: ClusterSpec, new: ClusterSpec) -> None:
    """Note the nodes that a change of pools may take away: afterwards nobody knows of them."""
    if (old.pools, old.paused) == (new.pools, new.paused):
        return
    now, tag = dt.datetime.now(dt.timezone.utc), names.label(new.name)
    for cluster in account.clusters(api):
        if tag in cluster["tags"]:
            ledger.note(turn.target, new.name, cluster, now)


def _converge(
    api: Api, turn: Turn, driver: Driver, spec: ClusterSpec, resolved: Resolved, *, refresh: bool
) -> None:
    """Let Pulumi make it, and take in what is there without being known."""
    # The slowest import of all (0.75 s), only where it is needed.
    from dotrain.program import create_program

    remembered = driver.read()
    cut_off = remembered is not None and bool(remembered.pending)
    orphans = _preflight(api, turn, spec, remembered)
    adopted: set[str] = set()
    while True:
        if orphans:
            # Taken in as they are; what differs from the spec is changed after.
            driver.up(create_program(spec, resolved, orphans), turn.progress)
            adopted |= orphans.keys()
        try:
            driver.up(create_program(spec, resolved), turn.progress, refresh=refresh)
        except OperationFailed:
            cut_off = True
            # A request may have been carried out although its answer is an
            # error, or waiting for what it made may have failed.
            orphans = _hidden(api, turn, spec, driver.read())
            if orphans.keys() <= adopted:
                raise
            turn.progress.forgive()
            turn.progress.note("What failed was made all the same: taking it in.")
        else:
            break
    remembered = driver.read() if cut_off else None
    if remembered and remembered.pending:
        adoption.drop_unwanted(api, spec, remembered, turn)
        driver.forget_pending(turn.progress)


def _hidden(
    api: Api, turn: Turn, spec: ClusterSpec, remembered: state.State | None
) -> dict[str, str]:
    """Return what is there and not in the state, after an operation that failed."""
    try:
        orphans = adoption.find(api, spec, _missing(spec, remembered), account.clusters(api))
        known = remembered.resources.get("cluster") if remembered else None
        adoption.wait_until_ready(api, orphans, known, turn)
    except ApiError:
        # Why the operation failed says more than that its traces cannot be read.
        return {}
    return orphans


def _missing(spec: ClusterSpec, remembered: state.State | None) -> set[str]:
    """Return the names in the program of what the state does not know."""
    wanted = {"tag", "vpc", "firewall", "cluster", *map(names.pool_key, spec.pools)}
    if spec.database:
        wanted.add("database")
    return wanted - (remembered.resources.keys() if remembered else set())


def refuse_replacement(remembered: state.State, old: ClusterSpec, new: ClusterSpec) -> None:
    """Raise when going from `old` to `new` would destroy the cluster."""
    if "cluster" not in remembered.resources:
        return
    causes = [
        f"{field} {getattr(old, field)!r} to {getattr(new, field)!r}"
        for field in ("region", "system")
        if getattr(old, field) != getattr(new, field)
    ]
    if old.ha and not new.ha:
        causes.append("ha True to False")
    if "database" in remembered.resources and old.database:
        if new.database is None:
            causes.append("database to none")
        elif old.database.engine != new.database.engine:
            causes.append(f"database {old.database.engine} to {new.database.engine}")
    if causes:
        raise ReplacementRefused(
            f"The cluster {new.name!r} stays as it is.",
            f"DigitalOcean cannot change {' and '.join(causes)} in place: what runs there and its "
            "data would be lost.",
            f"Make another cluster under another name, or call down() on {new.name!r} first.",
        )


def _preflight(
    api: Api, turn: Turn, spec: ClusterSpec, remembered: state.State | None
) -> dict[str, str]:
    """Check what the API can tell before anything is made; return what is to be adopted.

    A stack that is complete and gets no new pool costs no request at all.
    """
    missing = _missing(spec, remembered)
    if not missing:
        return {}
    known = remembered.resources if remembered else {}
    if "cluster" in known:
        # A pool is new; otherwise the sizes were checked with the version.
        catalog.check(spec, api.get("/v2/kubernetes/options")["options"])
    bill = pricing.lines(spec, api.pages("/v2/sizes", "sizes"))
    turn.progress.note(f"{spec.name} costs {pricing.summary(bill)}.")
    found = adoption.wait_until_gone(api, spec.name, turn)
    _refuse_taken(spec.name, found)
    if "cluster" not in known:
        _refuse_other(spec, found)
    orphans = adoption.find(api, spec, missing, found)
    adoption.wait_until_ready(api, orphans, known.get("cluster"), turn)
    return orphans


def _refuse_taken(name: str, clusters: Iterable[Mapping[str, Any]]) -> None:
    for one in clusters:
        if one["name"] == name and names.label(name) not in one["tags"]:
            raise NameInUse(
                f"There is a cluster {name!r} already, which dotrain did not make.",
                f"It has no tag {names.label(name)!r}.",
                "Choose another name.",
            )


def _refuse_other(spec: ClusterSpec, clusters: Iterable[Mapping[str, Any]]) -> None:
    """Raise when the account has this cluster, and adopting it by `spec` would destroy some of it.

    Without the state nobody remembers what it should be, and what is not asked
    for would be taken for unwanted.
    """
    for one in clusters:
        if names.label(spec.name) not in one["tags"]:
            continue
        wanted = {names.pool_name(pool) for pool in spec.pools}
        has = {pool["name"] for pool in one["node_pools"][1:]}
        differs = []
        if one["region"] != spec.region:
            differs.append(f"it is in {one['region']} and not in {spec.region}")
        if one.get("ha") and not spec.ha:
            differs.append("its control plane is highly available")
        if has - wanted:
            differs.append(f"it has the pools {', '.join(sorted(has))}")
        if differs:
            raise ReplacementRefused(
                f"There is a cluster {spec.name!r} already, which this machine does not remember.",
                f"It would not survive what was asked for: {' and '.join(differs)}.",
                "Ask for what it is, and it is taken over as it is; use the machine or backend "
                "that made it; or call down() to delete it.",
            )

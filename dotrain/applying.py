"""Make the account what a spec says: check first, then let Pulumi close the difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from dotrain import (
    account,
    adoption,
    ahead,
    bodies,
    changes,
    departure,
    guard,
    ledger,
    losses,
    merging,
    names,
    reaping,
    rules,
    settle,
    shutting,
    vacating,
)
from dotrain.account import Leaving
from dotrain.address import Address
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.engine import state, workspace
from dotrain.engine.driver import Driver
from dotrain.errors import ApiError, ClusterNotFound, OperationFailed
from dotrain.losses import Lift
from dotrain.preflight import missing, preflight
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
    makes : bool
        Whether to make the cluster where there is none.
    refresh : bool
        Whether to read from DigitalOcean first what others have changed.
    replace : str or None
        The name of the cluster, when it may be destroyed with what is on it.
    leave : Terms or None
        On which terms pools leave that are not wanted any more. None lets them
        be: who may enter is changed without waiting for what runs on them.
    """

    before: ClusterSpec | None = None
    found: Address | None = None
    forget: str | None = None
    force: bool = False
    makes: bool = False
    refresh: bool = False
    replace: str | None = None
    leave: Terms | None = None


def apply(turn: Turn, spec: ClusterSpec, options: Options) -> None:
    """Make the account what `spec` says.

    Raises
    ------
    SpecError, AddressError, LockedOut, NameInUse, ReplacementRefused, ClusterNotFound
        Before anything is changed.
    KubernetesUnreachable, DrainFailed
        When pools are to leave and cannot yet, or the reaper could not be
        brought; everything else is done.
    ApiError, EngineError
        See the two.
    """
    target, progress = turn.target, turn.progress
    losses.require_named(spec.name, options.replace)
    driver = turn.driver()
    # What was cut off or failed may have made, or changed, more than the state knows.
    sound = driver.is_settled()
    remembered = known = driver.read()
    if remembered is None and not options.makes:
        raise _taken_down(spec.name)
    unrecorded = ahead.read(target, spec.name)
    if remembered and remembered.resolved:
        said = {**remembered.resolved.me, **unrecorded}
        me = {who: cidrs for who, cidrs in said.items() if who != options.forget}
        known = replace(remembered, resolved=replace(remembered.resolved, me=me))
    if remembered and remembered.spec:
        spec = merging.onto(spec, options.before or remembered.spec, remembered.spec)
    with closing(Api(target)) as api:
        # Also where what was asked for is refused.
        shutting.expired(api, known)
        if remembered and remembered.spec and _changes_nodes(remembered.spec, spec):
            _note_nodes(api, turn)
        resolved = settle.settle(api, target, spec, known, progress, found=options.found)
        change = settle.access(remembered, spec, resolved)
        settle.check(spec, change.after)
        if not options.force:
            settle.refuse_lockout(target, change)
        named = options.replace is not None
        lift, resolved = guard.check(
            api, turn, driver, spec, resolved, remembered=remembered, named=named
        )
        # What came into force past the state, and is not what should be, Pulumi
        # has to see: by its state alone there might be nothing to do.
        strayed = any(resolved.me.get(who) != cidrs for who, cidrs in unrecorded.items())
        # So it is with what an operation that failed has changed all the same:
        # to take that back would be nothing to do.
        failed = remembered is not None and not sound
        refresh = options.refresh or strayed or failed or _autoscaled(remembered, spec)
        work = _Work(api, turn, driver, spec, resolved)
        # With the cluster everything on it goes, and moves nowhere.
        rebuilt = lift is not None and "cluster" in lift.kinds
        leaving = () if rebuilt else departure.find(api, spec, remembered, turn)
        returned = vacating.returned(turn, spec, remembered)
        if lift:
            work.replace(lift, leaving)
        work.converge(leaving, refresh=work.lost(leaving, returned) or refresh)
        work.guard(sound=sound)
        ahead.clear(target, spec.name, unrecorded)
        for remark in changes.remarks(spec):
            progress.note(remark)
        if leaving and options.leave is None:
            which = " and ".join(one.name for one in leaving)
            progress.note(f"{which} is still to be drained and deleted: up() goes on with it.")
            return
        if options.leave:
            work.depart(leaving, returned, options.leave)
    reaping.bring(turn, spec, remembered)
    driver.mark_settled()


def _taken_down(name: str) -> ClusterNotFound:
    return ClusterNotFound(
        f"The cluster {name!r} is gone.",
        "Somebody has taken it down meanwhile.",
        f"Call dotrain.up({name!r}) to make another.",
    )


def _changes_nodes(old: ClusterSpec, new: ClusterSpec) -> bool:
    return (old.pools, old.paused) != (new.pools, new.paused)


def _note_nodes(api: Api, turn: Turn) -> None:
    """Note which nodes there are before some may go: afterwards nobody knows what they cost."""
    cluster = account.cluster(api, turn.name)
    if cluster is not None:
        ledger.note(turn.target, turn.name, cluster, dt.datetime.now(dt.timezone.utc))


def _autoscaled(remembered: state.State | None, spec: ClusterSpec) -> bool:
    """Return whether a pool changes of which DigitalOcean chooses the number of nodes.

    The provider sends that number with every change of the pool. So it has to
    be the one that the autoscaler has chosen last, and not the one of the state.
    """
    old = remembered.spec.live_pools if remembered and remembered.spec else ()
    before = {names.pool_key(pool): pool for pool in old if pool.autoscaled}
    return any(
        pool.autoscaled and before.get(names.pool_key(pool), pool) != pool
        for pool in spec.live_pools
    )


@dataclass(frozen=True)
class _Work:
    """What Pulumi is to do."""

    api: Api
    turn: Turn
    driver: Driver
    spec: ClusterSpec
    resolved: Resolved

    def up(
        self,
        adopt: Mapping[str, str] | None = None,
        leaving: Sequence[Leaving] = (),
        *,
        lift: Lift | None = None,
        refresh: bool = False,
    ) -> None:
        # The slowest import of all (0.75 s), only where it is needed.
        from dotrain.program import create_program

        program = create_program(self.spec, self.resolved, adopt, leaving=leaving, lift=lift)
        self.driver.up(program, self.turn.progress, refresh=refresh)

    def replace(self, lift: Lift, leaving: Sequence[Leaving]) -> None:
        """Destroy what somebody has named, and make it anew."""
        name, progress = self.spec.name, self.turn.progress
        progress.note(f"{' and '.join(sorted(lift.kinds))} of {name}: destroyed, as was asked for.")
        orphans = self._orphans(self.driver.read(), leaving)
        self.driver.unprotect(progress)
        if "cluster" in lift.kinds:
            orphans = self._surviving(orphans)
            # First: where it fails half-way, the old cluster may be gone all the same.
            workspace.kubeconfig(self.turn.target, name).unlink(missing_ok=True)
            progress.note("Kubeconfigs of the old cluster are void: kubeconfig() writes a new one.")
        try:
            self.up(orphans, leaving, lift=lift)
        except OperationFailed:
            self._shut_database()
            raise

    def _surviving(self, orphans: Mapping[str, str]) -> dict[str, str]:
        """Return what is not in the state, and does not go when the cluster goes.

        A database in the network of the old cluster keeps that, and is deleted first.
        """
        kept = {key: one for key, one in orphans.items() if not names.is_pool_key(key)}
        if "database" in kept:
            path = f"/v2/databases/{kept['database']}"
            if self.api.get(path)["database"]["region"] != self.spec.region:
                self.api.delete(path)
                self.turn.progress.note("Deleted the database, which was in no state yet.")
                del kept["database"]
        return kept

    def converge(self, leaving: Sequence[Leaving], *, refresh: bool) -> None:
        """Let Pulumi make it, and take in what is there without being known."""
        turn, driver, spec = self.turn, self.driver, self.spec
        remembered = driver.read()
        cut_off = remembered is not None and bool(remembered.pending)
        orphans = self._orphans(remembered, leaving)
        adopted: set[str] = set()
        while True:
            adopted |= orphans.keys()
            try:
                if orphans:
                    # Taken in as they are; what differs from the spec is changed after.
                    self.up(orphans, leaving)
                self.up(leaving=leaving, refresh=refresh)
            except OperationFailed as error:
                guard.explain(spec.name, error)
                cut_off = True
                # A request may have been carried out although its answer is an
                # error, or waiting for what it made may have failed.
                orphans = self._hidden()
                if orphans.keys() <= adopted:
                    self._shut_database()
                    raise
                turn.progress.forgive()
                turn.progress.note("What failed was made all the same: taking it in.")
            else:
                break
        remembered = driver.read() if cut_off else None
        if remembered and remembered.pending:
            driver.forget_pending(turn.progress)

    def _shut_database(self) -> None:
        """Let nobody else into a database that an operation has made before it failed."""
        remembered = self.driver.read()
        ids = remembered.resources if remembered else {}
        shutting.database(self.api, self.spec, self.resolved, ids, self.turn.progress)

    def guard(self, *, sound: bool) -> None:
        """See to it that the nodes have one firewall, and that it is in force.

        Where the last operation did all it should, only what this one did can
        have made it otherwise.
        """
        if sound and not self.turn.progress.did & {"create firewall", "update firewall"}:
            return
        remembered = self.driver.read()
        ids = remembered.resources if remembered else {}
        api, spec = self.api, self.spec
        if adoption.alone(api, spec.name, ids["firewall"], self.turn.progress):
            return
        self.turn.progress.note("The firewall is not in force on all nodes: sending it again.")
        sent = bodies.requests(spec, rules.desired(spec, self.resolved), ids)
        api.put(*sent["nodes"])
        if not adoption.alone(api, spec.name, ids["firewall"], self.turn.progress):
            raise OperationFailed(
                f"{self.turn.progress.title} stopped half-way.",
                f"DigitalOcean says that it failed to put the firewall {ids['firewall']} in force "
                "on some nodes, also when it was sent again.",
                "Run the same call again, which sends it once more; if that stays, give its id to "
                "DigitalOcean's support.",
            )

    def lost(self, leaving: Sequence[Leaving], returned: Collection[str]) -> bool:
        """Return whether pools may have become others than the state has, by what was cut off."""
        if not leaving and not returned:
            return False
        # Asked also where something has returned: it waits until nothing is being deleted.
        gone = departure.lost(self.api, self.spec, self.driver.read(), self.turn)
        return gone or bool(returned)

    def depart(self, leaving: Sequence[Leaving], returned: Collection[str], terms: Terms) -> None:
        """Empty the pools that leave, and have Pulumi delete them; else they go on working."""
        api, turn, spec = self.api, self.turn, self.spec
        if returned:
            # First: what runs on those that leave may have to move there.
            vacating.give_back(returned, turn, terms)
        if not leaving:
            return
        if departure.lost(api, spec, self.driver.read(), turn):
            self.converge(leaving, refresh=True)
        # To make the others has taken minutes.
        remembered = self.driver.read()
        leaving = departure.find(api, spec, remembered, turn)
        cluster = remembered.resources["cluster"] if remembered else ""
        with vacating.vacated(api, cluster, leaving, turn, terms):
            _note_nodes(api, turn)
            self.up()
        for one in account.leaving(api, cluster, {one.key: one.id for one in leaving}):
            # The provider takes an answer of 404 for the end of it.
            if one.nodes or not one.count:
                api.delete(f"/v2/kubernetes/clusters/{cluster}/node_pools/{one.id}")
                turn.progress.note(f"Deleted {one.name}, which was still there.")

    def _orphans(
        self, remembered: state.State | None, leaving: Sequence[Leaving]
    ) -> dict[str, str]:
        """Return what is there and not in the state, before anything is made."""
        known = remembered.resources if remembered else {}
        unwanted = {one.key: one.id for one in leaving if one.key not in known}
        adoption.wait_until_shown(self.api, unwanted, known.get("cluster"), self.turn)
        version = self.resolved.version
        return unwanted | preflight(self.api, self.turn, self.spec, remembered, version)

    def _hidden(self) -> dict[str, str]:
        """Return what is there and not in the state, after an operation that failed."""
        api, spec = self.api, self.spec
        remembered = self.driver.read()
        try:
            orphans = adoption.find(api, spec, missing(spec, remembered), account.clusters(api))
            known = remembered.resources.get("cluster") if remembered else None
            adoption.wait_until_ready(api, orphans, known, self.turn)
        except ApiError:
            # Why the operation failed says more than that its traces cannot be read.
            return {}
        return orphans

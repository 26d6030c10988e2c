"""What changes a cluster: check first, then let Pulumi close the difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from dotrain import account, ahead, catalog, names, pricing, settle, worker
from dotrain.api import Api
from dotrain.engine import install, locks, provider, state
from dotrain.engine.driver import Driver
from dotrain.engine.progress import Progress
from dotrain.engine.workspace import Workspace, backend
from dotrain.errors import ClusterNotFound, NameInUse, ReplacementRefused
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

_said: set[str] = set()


def open_driver(target: Target, stack: str, progress: Progress) -> Driver:
    """Return the driver of a stack, getting the engine and the provider if need be."""

    def note(text: str) -> None:
        # Which engine and which provider run is news once, not at every call.
        if text not in _said:
            _said.add(text)
            progress.note(text)

    engine = install.ensure(note)
    chosen = provider.choose(sandbox=target.is_sandbox, engine=engine, progress=note)
    return Driver(Workspace(target, stack, engine, chosen))


def read(target: Target, name: str) -> state.State | None:
    """Return what the stack of the cluster `name` remembers; never makes a stack."""
    local = backend(target)
    if local.directory is not None:
        return state.read(local, name)
    return open_driver(target, name, Progress(f"read {name}")).read()


def read_spec(target: Target, name: str) -> tuple[ClusterSpec, Resolved, state.State]:
    """Return the remembered spec of the cluster `name`.

    Raises
    ------
    ClusterNotFound
        When there is no such stack, or it never got as far as a spec.
    """
    remembered = read(target, name)
    if remembered is None or remembered.spec is None or remembered.resolved is None:
        raise ClusterNotFound(
            f"dotrain knows no cluster {name!r} on {target.kind}.",
            "There is no state of that name on this machine's backend.",
            "dotrain.clusters() lists the clusters that exist; dotrain.up() makes one.",
        )
    return remembered.spec, remembered.resolved, remembered


def stacks(target: Target) -> list[str]:
    """Return the names of all stacks in the backend of `target`."""
    local = backend(target)
    if local.directory is not None:
        return state.stacks(local)
    return open_driver(target, "", Progress("list stacks")).stacks()


def busy(target: Target, name: str) -> bool:
    """Return whether an operation is known to have the stack of `name`; asks no backend."""
    local = backend(target)
    if local.directory is None:
        return False
    return any(not lock.dead for lock in locks.find(local.locks(name)))


class Interruptible:
    """Hands an interrupt on to the driver, also one that came before there was one."""

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._asked = False

    def attach(self, driver: Driver) -> Driver:
        """Hand interrupts on to `driver` from now on, and return it."""
        self._driver = driver
        if self._asked:
            driver.interrupt()
        return driver

    def __call__(self) -> None:
        """Ask the driver to stop before its next step."""
        self._asked = True
        if self._driver is not None:
            self._driver.interrupt()


def apply(
    target: Target,
    spec: ClusterSpec,
    *,
    title: str,
    find_me: bool,
    me: Mapping[str, tuple[str, ...]] | None = None,
    force: bool = False,
    refresh: bool = False,
) -> None:
    """Make the account what `spec` says.

    Parameters
    ----------
    target : Target
        The account.
    spec : ClusterSpec
        What should be.
    title : str
        What this is to the user, such as ``"resize bert"``.
    find_me : bool
        Whether to find out anew what ``"me"`` stands for. Otherwise what was
        found the last time stays, so that a change of size changes no rule.
    refresh : bool
        Whether to read from DigitalOcean first what others have changed.

    Raises
    ------
    SpecError, AddressError, LockedOut, NameInUse, ReplacementRefused
        Before anything is changed.
    ApiError, EngineError
        See the two.
    """
    interrupt = Interruptible()
    spec = spec.without_expired(dt.datetime.now(dt.timezone.utc))

    def work(progress: Progress) -> None:
        driver = interrupt.attach(open_driver(target, spec.name, progress))
        remembered = known = driver.read()
        unrecorded = ahead.read(target, spec.name)
        if remembered and remembered.resolved:
            kept = {**remembered.resolved.me, **unrecorded} if me is None else me
            known = replace(remembered, resolved=replace(remembered.resolved, me=kept))
        if remembered and remembered.spec:
            refuse_replacement(remembered, remembered.spec, spec)
        with closing(Api(target)) as api:
            resolved = settle.settle(api, target, spec, known, progress, find_me=find_me)
            change = settle.access(remembered, spec, resolved)
            settle.check(spec, change.after)
            if not force:
                settle.refuse_lockout(target, change)
            adopted = _preflight(api, spec, remembered, progress)
        # The slowest import of all (0.75 s), only where it is needed.
        from dotrain.program import create_program

        if adopted:
            # Taken in as they are; what differs from the spec is changed after.
            driver.up(create_program(spec, resolved, adopted), progress)
        # What came into force past the state, and is not what should be, Pulumi
        # has to see: by its state alone there might be nothing to do.
        strayed = any(resolved.me.get(who) != cidrs for who, cidrs in unrecorded.items())
        driver.up(create_program(spec, resolved), progress, refresh=refresh or strayed)
        ahead.clear(target, spec.name, unrecorded)

    worker.run(title, work, interrupt=interrupt)


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
    api: Api, spec: ClusterSpec, remembered: state.State | None, progress: Progress
) -> dict[str, str]:
    """Check what the API can tell before anything is made; return what is to be adopted.

    A stack that is complete and gets no new pool costs no request at all.
    """
    known = remembered.resources if remembered else {}
    wanted = {"tag", "vpc", "firewall", "cluster", *map(names.pool_key, spec.pools)}
    if spec.database:
        wanted.add("database")
    missing = wanted - known.keys()
    if not missing:
        return {}
    if "cluster" in known:
        # A pool is new; otherwise the sizes were checked with the version.
        catalog.check(spec, api.get("/v2/kubernetes/options")["options"])
    bill = pricing.lines(spec, api.pages("/v2/sizes", "sizes"))
    progress.note(f"{spec.name} costs {pricing.summary(bill)}.")
    found = account.clusters(api)
    _refuse_taken(spec.name, found)
    if "cluster" not in known:
        _refuse_other(spec, found)
    return _adoptable(api, spec, missing, found)


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
        if names.label(spec.name) not in one["tags"] or one["status"]["state"] == "deleting":
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


def _adoptable(
    api: Api, spec: ClusterSpec, missing: set[str], clusters: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the ids of objects that an operation made and its state does not know.

    That happens when the engine is killed between a request and its note of
    the answer. A second one would be refused, or worse, made.
    """
    key_of = {"cluster": "cluster", "firewall": "firewall", "VPC": "vpc", "database": "database"}
    there: dict[str, str] = {}
    if missing & set(key_of.values()):
        for one in account.belongings(api, spec.name, None):
            there.setdefault(key_of.get(one.kind, ""), one.id)
    made = {names.pool_name(pool): names.pool_key(pool) for pool in spec.pools}
    for cluster in clusters:
        if names.label(spec.name) in cluster["tags"]:
            for pool in cluster["node_pools"]:
                there.setdefault(made.get(pool["name"], ""), pool["id"])
    return {key: there[key] for key in missing & there.keys()}

"""Make, find and remove clusters: the functions that notebooks begin and end with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dotrain import (
    billing,
    changes,
    departure,
    expiry,
    losses,
    operations,
    stack,
    starting,
)
from dotrain.checks import check_name
from dotrain.engine import state
from dotrain.errors import ClusterNotFound
from dotrain.facade import Cluster
from dotrain.grants import Grant
from dotrain.jobs import keeping, takedown
from dotrain.pools import Pool
from dotrain.spec import Database
from dotrain.target import current

if TYPE_CHECKING:
    import pandas as pd

    from dotrain.jobs.task import Task


def up(
    name: str,
    *,
    pool: Pool | None = None,
    pools: Iterable[Pool] | None = None,
    region: str | None = None,
    version: str | None = None,
    allow: str | Grant | Iterable[str | Grant] | None = None,
    open_to_world: bool | None = None,
    egress: str | Iterable[str] | None = None,
    database: Database | None = None,
    ha: bool | None = None,
    auto_upgrade: bool | None = None,
    max_age: str | dt.timedelta | None = None,
    idle: str | dt.timedelta | None = None,
    budget: str | float | None = None,
    reaper: bool | None = None,
    replace: str | None = None,
    drain: bool = True,
    drain_timeout: str = "10m",
    force: bool = False,
    wait: bool = True,
    then: Task | None = None,
) -> Cluster:
    """Make a cluster, or bring one to what is asked for, and return it when it is ready.

    What is not given stays as it is, and on a new cluster is as `ClusterSpec`
    has it: one training pool, in nyc3, for nobody but this machine. Running it
    again changes nothing; after a failure it goes on where it stopped. Nothing
    that holds data or runs something is destroyed unless `replace` names it. A
    cluster that is paused stays so; `Cluster.resume` ends that.

    Parameters
    ----------
    name : str
        The cluster's name: 1 to 40 lower-case letters, digits and hyphens.
    pool : Pool, optional
        The pool of training nodes.
    pools : iterable of Pool, optional
        All pools, instead of `pool`. One that is there and not among them goes,
        with `replace`.
    region : str, optional
        A DigitalOcean region such as ``"nyc3"``.
    version : str, optional
        The Kubernetes version of a new cluster: ``"1.34"`` is its newest patch.
    allow : str, Grant or iterable of them, optional
        Who may enter: ``"me"``, IP addresses, CIDRs (by ssh, the Kubernetes API
        and to the database), or a `Grant` that says where and for how long.
    open_to_world : bool, optional
        Whether `allow` may let everybody in.
    egress : str or iterable of str, optional
        What nodes may reach: ``"web"``, ``"open"``, ``"locked"`` or rules such as
        ``"tcp 443 to 203.0.113.0/24"``.
    database : Database, optional
        A managed database that trusts those in `allow` and the cluster.
    ha : bool, optional
        A highly available control plane.
    auto_upgrade : bool, optional
        Patch upgrades in the maintenance window.
    max_age : str or datetime.timedelta, optional
        How long the cluster may live, from its creation, such as ``"12h"``:
        `sweep` deletes it after that. ``"none"`` takes it back.
    idle : str or datetime.timedelta, optional
        How long nothing may run on it, such as ``"1h"``: `sweep` takes its
        training nodes after that. ``"none"`` takes it back.
    budget : str or float, optional
        US dollars that the cluster may cost in all, such as ``"$50"``;
        ``"none"`` takes it back. From 80 % on, `up`, `get` and the
        cluster itself say so; `sweep` acts when it is spent.
    reaper : bool, optional
        Whether a job in the cluster itself takes the training nodes when one of
        these limits is reached, also while no `sweep` runs. It needs a token of
        its own in ``DOTRAIN_REAPER_TOKEN``; docs/time.md says what it can do.
    replace : str, optional
        The cluster's name, when it may be destroyed for what is asked: the
        cluster and its database are made anew, empty, where they cannot be
        changed, and pools that are not asked for any more go.
    drain : bool
        Whether what runs on nodes that go moves to others first, as `Cluster.resize`
        has it.
    drain_timeout : str
        How long that may take.
    force : bool
        Whether this machine may lose its access by it.
    wait : bool
        Whether to wait until it is ready. Otherwise it is made meanwhile, in a
        process that the end of this kernel does not end; `get` waits for it.
    then : Task, optional
        A job to run on it when it is ready, which ``.job()`` then returns. A
        task that can never run there is refused before anything is made. With
        its ``down_after`` the cluster goes when the job has succeeded, as
        `Cluster.run` has it.

    Returns
    -------
    Cluster
        Running, with its nodes.

    Raises
    ------
    SpecError
        What was asked for is wrong: InvalidName, InvalidAddress, OpenToWorld,
        UnknownRegion, UnknownSize, UnknownVersion; TaskDoesNotFit for `then`.
    NameInUse
        The account has a cluster of that name which dotrain did not make.
    ReplacementRefused
        The change would destroy the cluster, its database or a pool with
        nodes, or go on with a replacement that has failed; it says which, and
        what causes it.
    KubernetesUnreachable, DrainFailed
        Nodes that are to go cannot be drained, and stay.
    LockedOut
        The change would shut this machine out.
    JobNameTaken, JobRefused, KubernetesError
        When the job of `then` cannot be submitted: the cluster stays, and the
        error says what it costs.
    ConfigError, AddressError, ApiError, EngineError
        See each.

    Warns
    -----
    BudgetRunsOut
        When 80 % of the budget is spent, or more.

    Examples
    --------
    >>> import dotrain
    >>> sandbox = dotrain.use_sandbox()
    >>> cluster = dotrain.up("bert", pool=dotrain.Pool(size="s-4vcpu-8gb", count=2))
    >>> cluster.spec.pools
    (Pool('train', size='s-4vcpu-8gb', count=2),)
    """
    check_name(name, "cluster")
    target = current()
    remembered = stack.read(target, name)
    arguments = {
        "pool": pool,
        "pools": pools,
        "region": region,
        "version": version,
        "allow": allow,
        "open_to_world": open_to_world,
        "egress": egress,
        "database": database,
        "ha": ha,
        "auto_upgrade": auto_upgrade,
        "max_age": max_age,
        "idle": idle,
        "budget": budget,
        "reaper": reaper,
    }
    before = remembered.spec if remembered else None
    spec = changes.asked(before, arguments, name, dt.datetime.now(dt.timezone.utc))
    losses.require_named(name, replace)
    if then is not None:
        starting.refuse(target, then, spec, wait=wait)
    operations.apply(
        target,
        spec,
        before=before,
        title=f"up {name}",
        find_me=True,
        makes=True,
        force=force,
        replace=replace,
        leave=departure.terms(drain, drain_timeout),
        wait=wait,
    )
    if spec.budget is not None and wait:
        billing.warn_of_budget(target, name)
    cluster = Cluster(name, target)
    if then is not None:
        starting.submit(target, cluster, then)
    return cluster


def get(name: str, *, wait: bool = True) -> Cluster:
    """Return the cluster `name`, from any notebook and after any restart; makes nothing.

    An operation that runs on it, begun by a kernel that may be gone, is shown
    until it ends. Interrupt that, and it goes on by itself. What has expired on
    it is ended first. When the cluster is near the end of its max age, it warns.
    Where it is to go after a job, and the process for that was killed or has
    failed, it says so; the job's `wait` takes it up again.

    Parameters
    ----------
    name : str
        The cluster's name.
    wait : bool
        Whether to wait for an operation that runs on it.

    Returns
    -------
    Cluster
        As `up` returned it.

    Raises
    ------
    ClusterNotFound
        When there is none.
    OperationInterrupted
        When the waiting was interrupted.

    Warns
    -----
    BudgetRunsOut
        When 80 % of the budget is spent, or more.
    EndsSoon
        In the last tenth of its max age, and at least 15 minutes before its end.
    FinisherKilled
        When what was to take it down after a job was killed, or has failed.

    Examples
    --------
    >>> dotrain.get("bert").spec.name
    'bert'
    """
    target = current()
    check_name(name, "cluster")
    begun = operations.running(target, name)
    if begun is not None and wait:
        # Why it failed, if it did, is shown, and said by the cluster's repr.
        begun.follow()
    cluster, remembered = find(name)
    if remembered and remembered.spec:
        if expiry.over(remembered.spec):
            expiry.current(target, name)
        expiry.warn(target, remembered.spec)
        if remembered.spec.budget is not None:
            billing.warn_of_budget(target, name)
    if remembered and "cluster" in remembered.resources:
        takedown.warn(target, name, remembered.resources["cluster"])
    return cluster


def find(name: str) -> tuple[Cluster, state.State | None]:
    """Return the cluster `name` and what its stack remembers, and change nothing.

    Raises
    ------
    ClusterNotFound
        When there is none.
    """
    target = current()
    check_name(name, "cluster")
    remembered = stack.read(target, name)
    if remembered is None and operations.running(target, name) is None:
        kept = keeping.names(target, name)
        fix = (
            f" dotrain.job({name!r}, {kept[0]!r}) has what is kept of a job on it." if kept else ""
        )
        raise ClusterNotFound(
            f"dotrain knows no cluster {name!r} on {target.kind}.",
            "There is no state of that name in this backend.",
            f"dotrain.clusters() lists the clusters that exist; dotrain.up() makes one.{fix}",
        )
    return Cluster(name, target), remembered


def down(name: str, *, confirm: str | None = None) -> pd.DataFrame:
    """Delete the cluster `name`, as `Cluster.down` does, also when its state is lost.

    Parameters
    ----------
    name : str
        The cluster's name.
    confirm : str, optional
        The name once more. Without it what will go, and what it costs, is shown,
        and the name is asked for.

    Returns
    -------
    pandas.DataFrame
        A row for each kind of object: kind (str), found (int, before), left
        (int, after: all 0).

    Raises
    ------
    ClusterNotFound
        When neither the state nor the account knows the name.
    ConfirmationRequired, TeardownIncomplete, ApiError, EngineError
        See each.

    Examples
    --------
    >>> int(dotrain.down("bert", confirm="bert").left.sum())
    0
    """
    check_name(name, "cluster")
    return Cluster(name, current()).down(confirm=confirm)

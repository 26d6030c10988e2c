"""End what should have ended: clusters that are too old, idle ones, spent budgets, expired grants.

It goes by what clusters carry in the account, and needs no state. The account
is read as lists; a request for one cluster is made where something is done
about it, or where its own Kubernetes API has to be asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dotrain import account, changes, expiry, operations, probes, stack, timers, verdicts
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.errors import (
    ApiError,
    ClusterNotFound,
    DotrainError,
    OperationInterrupted,
    StackLocked,
    SweepIncomplete,
)
from dotrain.probes import Prices
from dotrain.target import Target, current
from dotrain.verdicts import Seen, Verdict

if TYPE_CHECKING:
    import pandas as pd

# Seconds to wait for an operation on another machine: the next sweep comes.
_PATIENCE = 2.0
# A cluster whose firewall is closed to this machine takes seconds to find that out.
_AT_ONCE = 16

REVOKE = "revoke"


@dataclass(frozen=True)
class Row:
    """What a sweep did, or would do, about one cluster.

    Parameters
    ----------
    cluster : str
        Its name.
    action : str
        That of a `Verdict`, or ``"revoke"`` for a grant that has expired.
    why : str
        The reason, in words.
    ends : datetime.datetime or None
        When the cluster's max age ends.
    outcome : str
        ``"done"``, ``"would be done"``, why it was left or failed; empty where
        there is nothing to do.
    """

    cluster: str
    action: str
    why: str
    ends: dt.datetime | None = None
    outcome: str = ""


def sweep(*, dry_run: bool = False) -> pd.DataFrame:
    """End what should have ended, on every cluster of the account that dotrain made.

    A cluster that has lived as long as its max age says goes, with everything
    around it. One that has been idle for too long, or whose budget is spent,
    loses its training nodes. That goes by the tags on the cluster, so any
    machine with a token of the account can do it, without state. Grants that
    have expired end on the clusters that this backend remembers; any other call
    about such a cluster does that, too.

    It is for cron and CI, so that all this happens while nobody calls. Two at
    once do no harm, and a cluster on which an operation runs is left to the
    next one. What is not known, such as whether a cluster is idle whose
    Kubernetes API does not let this machine in, is never acted on, and said.

    Parameters
    ----------
    dry_run : bool
        Whether to say what would be done, and do nothing.

    Returns
    -------
    pandas.DataFrame
        A row for each limit and each expired grant, and none for a cluster
        without. Columns cluster, action, why (str), ends (datetime, UTC: when
        the max age ends), outcome (str). The action is ``"down"``, ``"pause"``,
        ``"revoke"``, ``"warn"`` (it is near), ``"unknown"`` or ``"keep"``; the
        outcome ``"done"``, ``"would be done"`` or why not.

    Raises
    ------
    SweepIncomplete
        When something failed; all else was done. It carries the frame.
    ConfigError
        When this machine is not set up.

    Examples
    --------
    >>> sorted(dotrain.sweep(dry_run=True).columns)
    ['action', 'cluster', 'ends', 'outcome', 'why']
    """
    from dotrain import frames

    work = _Sweep(current(), dt.datetime.now(dt.timezone.utc), dry_run=dry_run)
    work.clusters()
    work.grants()
    frame = frames.swept(work.rows)
    if work.failures:
        first = work.failures[0]
        raise SweepIncomplete(
            f"The sweep could not do all it should: {first.what}",
            " ".join(str(error) for error in (first.why, *work.failures[1:]) if error),
            "What could be done is done: mend this, and sweep again.",
            frame=frame,
        ) from first
    return frame


@dataclass
class _Sweep:
    """One sweep: what was done so far, and what failed."""

    target: Target
    now: dt.datetime
    dry_run: bool = False
    rows: list[Row] = field(default_factory=list)
    failures: list[DotrainError] = field(default_factory=list)

    def clusters(self) -> None:
        """Act on the limits of every cluster of dotrain's in the account."""
        try:
            with closing(Api(self.target)) as api:
                ours = [one for one in account.clusters(api) if verdicts.name_of(one)]
                # Those that should be gone for longest cost most.
                ours.sort(key=lambda one: (timers.ends(one) or self.now, one["name"]))
                for cluster, seen in zip(ours, self._look(api, ours), strict=True):
                    for verdict in verdicts.judge(cluster, seen, self.now):
                        self._carry_out(cluster, verdict)
        except ApiError as error:
            # Grants may still be ended, or fail for a reason of their own.
            self.failures.append(error)

    def grants(self) -> None:
        """End the grants that have expired, on the clusters that the backend remembers."""
        gone = {row.cluster for row in self.rows if row.action == verdicts.DOWN}
        for name in stack.stacks(self.target):
            if name in gone:
                continue
            try:
                self._end_grants(name)
            except OperationInterrupted:
                raise
            except DotrainError as error:
                self.failures.append(error)

    def _end_grants(self, name: str) -> None:
        remembered = stack.read(self.target, name)
        spec = remembered.spec if remembered else None
        over = expiry.over(spec) if spec else []
        rows = [Row(name, REVOKE, f"{changes.describe(one)} is over") for one in over]
        if self.dry_run:
            self._note(rows, "would be done")
        elif spec and over:
            self._act(rows, lambda: expiry.end(self.target, name, spec))

    def _look(self, api: Api, clusters: list[dict[str, Any]]) -> list[Seen]:
        """Return what else is known about clusters, in their order."""
        prices: Prices | None = None
        prices_unknown = ""
        if any(verdicts.has_budget(one) for one in clusters):
            try:
                prices = Prices.read(api)
            except ApiError as error:
                prices_unknown = str(error)

        def look(cluster: Mapping[str, Any]) -> Seen:
            seen = Seen()
            if verdicts.may_be_idle(cluster, self.now):
                try:
                    since = probes.idle_since(self.target, api, cluster, self.now)
                    seen = replace(seen, idle_since=since)
                except DotrainError as error:
                    seen = replace(seen, idle_unknown=str(error))
            if verdicts.has_budget(cluster):
                spent = prices.share_of_budget(self.target, cluster, self.now) if prices else None
                seen = replace(seen, spent=spent, spent_unknown=prices_unknown)
            return seen

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(look, clusters))

    def _carry_out(self, cluster: Mapping[str, Any], verdict: Verdict) -> None:
        name = cluster["name"]
        rows = [Row(name, verdict.action, verdict.why, timers.ends(cluster))]
        if verdict.action not in (verdicts.DOWN, verdicts.PAUSE):
            self._note(rows, "")
        elif self.dry_run:
            self._note(rows, "would be done")
        elif verdict.action == verdicts.DOWN:
            self._act(rows, lambda: self._take_down(name))
        else:
            self._act(rows, lambda: _pause(self.target, cluster))

    def _take_down(self, name: str) -> None:
        try:
            gone = operations.down(self.target, name, only_if_over=True, patience=_PATIENCE)
        except ClusterNotFound:
            # Another sweep was quicker.
            return
        if gone.empty:
            raise _Left("it may live on: it was extended meanwhile")

    def _act(self, rows: list[Row], act: Callable[[], object]) -> None:
        """Do something unless an operation runs on the cluster, and note how it went."""
        doing = operations.running(self.target, rows[0].cluster)
        if doing is not None:
            self._note(rows, f"left: {doing.title or 'an operation'} is running")
            return
        try:
            act()
        except OperationInterrupted:
            raise
        except (_Left, StackLocked) as reason:
            self._note(rows, f"left: {reason}")
        except DotrainError as error:
            self._note(rows, f"failed: {error}")
            self.failures.append(error)
        else:
            self._note(rows, "done")

    def _note(self, rows: Iterable[Row], outcome: str) -> None:
        self.rows += [replace(row, outcome=outcome) for row in rows]


class _Left(Exception):
    """Why something that should be done is not."""


def _pause(target: Target, cluster: Mapping[str, Any]) -> None:
    """Take the training nodes of a cluster; the cluster and its own services stay.

    Where its state is known that notes it, so that no `up` brings them back
    before somebody resumes it.
    """
    name = cluster["name"]
    remembered = stack.read(target, name)
    if remembered and remembered.spec and not remembered.spec.paused:
        operations.apply(
            target,
            replace(remembered.spec, paused=True),
            before=remembered.spec,
            title=f"pause {name}",
            find_me=False,
            # What is idle has nothing to move; what has no money left, no time.
            leave=Terms(drain=False),
            patience=_PATIENCE,
        )
        return
    path = f"/v2/kubernetes/clusters/{cluster['id']}"
    with closing(Api(target)) as api:
        for pool in verdicts.training_pools(cluster):
            _take_pool(api, path, pool["id"])


def _take_pool(api: Api, path: str, pool: str) -> None:
    try:
        api.delete(f"{path}/node_pools/{pool}")
    except ApiError:
        # Another sweep may have been quicker.
        now = api.get(path)["kubernetes_cluster"]
        if any(one["id"] == pool for one in verdicts.training_pools(now)):
            raise

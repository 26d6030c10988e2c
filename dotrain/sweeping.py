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

from dotrain import account, changes, expiry, operations, pausing, stack, timers, verdicts
from dotrain.api import Api
from dotrain.errors import (
    ApiError,
    ClusterNotFound,
    ConfigError,
    DotrainError,
    NotFound,
    OperationInterrupted,
    StackLocked,
    SweepIncomplete,
    TeardownIncomplete,
)
from dotrain.probes import Judge
from dotrain.target import Target, current

if TYPE_CHECKING:
    import pandas as pd

# Seconds to wait for an operation on another machine: the next sweep comes.
_PATIENCE = 2.0
# A cluster whose firewall is closed to this machine takes seconds to find that out.
_AT_ONCE = 16
# A clock that is kept right is right to the second.
_CLOCKS_APART = dt.timedelta(minutes=5)

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
    Kubernetes API does not let this machine in, is never acted on, and said. A
    tag that names a cluster which is not there is told: a teardown was cut off,
    or an `up` on another machine has begun. It is a failure when something
    carries it.

    Parameters
    ----------
    dry_run : bool
        Whether to say what would be done, and do nothing.

    Returns
    -------
    pandas.DataFrame
        A row for each limit, each expired grant and each cluster of which only
        the tag is there, and none for a cluster without. Columns cluster,
        action, why (str), ends (datetime, UTC: when the max age ends), outcome
        (str). The action is ``"down"``, ``"pause"``, ``"revoke"``, ``"warn"``
        (it is near), ``"unknown"``, ``"leftover"`` or ``"keep"``; the outcome
        ``"done"``, ``"would be done"`` or why not.

    Raises
    ------
    SweepIncomplete
        When something failed; all else was done. It carries the frame.
    ConfigError
        When this machine is not set up, or its clock is more than five minutes
        from DigitalOcean's: then nothing was done.

    Examples
    --------
    >>> sorted(dotrain.sweep(dry_run=True).columns)
    ['action', 'cluster', 'ends', 'outcome', 'why']
    """
    from dotrain import frames

    work = _Sweep(current(), _now(), dry_run=dry_run)
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
        """Act on the limits of every cluster of dotrain's in the account.

        Raises
        ------
        ConfigError
            When this machine's clock is wrong: nothing is done.
        """
        try:
            with closing(Api(self.target)) as api:
                # Before the clusters: a tag is there before its cluster, and after it.
                tags = self._tags(api)
                found = account.clusters(api)
                self.now = _now()
                _check_clock(api.date, self.now)
                ours = [one for one in found if verdicts.name_of(one)]
                judge = Judge.of(self.target, api, ours)
                for cluster, rows in self._judged(judge, ours):
                    self._carry_out(judge, cluster, rows)
                self._tell_leftovers(verdicts.leftovers(tags, found))
        except ApiError as error:
            # Grants may still be ended, or fail for a reason of their own.
            self.failures.append(error)

    def grants(self) -> None:
        """End the grants that have expired, on the clusters that the backend remembers."""
        gone = {row.cluster for row in self.rows if row.action == verdicts.DOWN}
        try:
            names = stack.stacks(self.target)
        except OperationInterrupted:
            raise
        except DotrainError as error:
            # What was done about clusters is still to be told.
            self.failures.append(error)
            return
        for name in names:
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

    def _tags(self, api: Api) -> list[dict[str, Any]]:
        try:
            return list(api.pages("/v2/tags", "tags"))
        except ApiError as error:
            self.failures.append(error)
            return []

    def _judged(
        self, judge: Judge, clusters: list[dict[str, Any]]
    ) -> list[tuple[dict[str, Any], list[Row]]]:
        """Return clusters with what there is to do about each."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            rows = list(pool.map(lambda one: self._judge(judge, one), clusters))
        judged = [one for one in zip(clusters, rows, strict=True) if one[1]]
        # Those that should be gone for longest cost most.
        return sorted(judged, key=lambda one: (one[1][0].ends or self.now, one[0]["name"]))

    def _judge(self, judge: Judge, cluster: Mapping[str, Any]) -> list[Row]:
        name = cluster["name"]
        try:
            ends = timers.ends(cluster)
            found = judge.verdicts(cluster, self.now)
            return [Row(name, one.action, one.why, ends) for one in found]
        except Exception as error:  # noqa: BLE001 - whatever is odd about one stops no other
            failure = ApiError(
                f"What is due on {name!r} cannot be told.",
                f"{type(error).__name__}: {error}.",
                "Look at the cluster and its tags in DigitalOcean's control panel.",
            )
            failure.__cause__ = error
            self.failures.append(failure)
            return [Row(name, verdicts.UNKNOWN, str(failure))]

    def _carry_out(self, judge: Judge, cluster: Mapping[str, Any], rows: list[Row]) -> None:
        due = {
            verdicts.DOWN: lambda: self._take_down(judge.api, cluster),
            verdicts.PAUSE: lambda: self._pause(judge, cluster),
        }
        for action, act in due.items():
            # A cluster that is idle and has no money left is paused once.
            matching = [row for row in rows if row.action == action]
            if matching and self.dry_run:
                self._note(matching, "would be done")
            elif matching:
                self._act(matching, act)
        self._note([row for row in rows if row.action not in due], "")

    def _take_down(self, api: Api, cluster: Mapping[str, Any]) -> None:
        name = cluster["name"]
        try:
            gone = operations.down(self.target, name, only_if_over=True, patience=_PATIENCE)
        except ClusterNotFound:
            raise _Left("it was gone already") from None
        if not gone.empty:
            return
        now = account.cluster(api, name)
        if now is None:
            raise _Left(f"the cluster was gone already; dotrain down {name} takes what it left")
        raise _Left(f"it may live on: it {timers.outlook(now, _now()) or 'has no max age'} now")

    def _pause(self, judge: Judge, cluster: Mapping[str, Any]) -> None:
        """Take the training nodes, if that is still due: other clusters took their time."""
        now = _now()
        try:
            there = judge.api.get(f"/v2/kubernetes/clusters/{cluster['id']}")["kubernetes_cluster"]
        except NotFound:
            raise _Left("it was gone already") from None
        found = judge.verdicts(there, now)
        if not any(one.action == verdicts.PAUSE for one in found):
            said = "; ".join(one.why for one in found) or "it has no limits"
            raise _Left(f"it is not due any more: {said}")
        pausing.pause(self.target, there, patience=_PATIENCE)

    def _tell_leftovers(self, found: Mapping[str, int]) -> None:
        """Say what tags name a cluster that is not there; whether it was meant to go, none does."""
        for name, resources in found.items():
            if operations.busy(self.target, name):
                continue
            verdict = verdicts.leftover(resources)
            rows = [Row(name, verdict.action, verdict.why)]
            fix = f"dotrain down {name} takes what is there, where no up is running"
            self._note(rows, f"failed: {fix}" if resources else f"left: {fix}")
            if resources:
                what = f"Something of {name!r} is left."
                self.failures.append(TeardownIncomplete(what, f"{verdict.why}.", f"{fix}."))

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


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _check_clock(date: dt.datetime | None, now: dt.datetime) -> None:
    """Refuse to go by a clock that is wrong: by it whole clusters are deleted."""
    if date is None or abs(now - date) > _CLOCKS_APART:
        theirs = "nothing" if date is None else f"{date:%Y-%m-%d %H:%M} UTC"
        raise ConfigError(
            "The sweep did nothing: this machine's clock is not to be trusted.",
            f"It says {now:%Y-%m-%d %H:%M} UTC, and DigitalOcean's API says {theirs}.",
            "Set the clock, for example with `timedatectl set-ntp true`, and sweep again.",
        )

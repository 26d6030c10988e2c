"""What becomes of the model by what happens, and what has to hold after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant

from dotrain import errors, stack, target
from tests.histories import model, seen
from tests.histories.faults import Fault
from tests.histories.model import Cluster, Wish
from tests.histories.worlds import WHO, World

NAMES = ("ada", "bert")
DATA = ("clusters", "databases")
HERE = "203.0.113.7"


def rehearsed(histories: int, steps: int, *, shrink: bool = True) -> settings:
    """Return how many histories there are, how long, and what is told of one that fails.

    They are the same each time, unless ``DOTRAIN_HISTORIES`` asks for others.
    """
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    return settings(
        max_examples=histories,
        stateful_step_count=steps,
        derandomize="DOTRAIN_HISTORIES" not in os.environ,
        database=None,
        deadline=None,
        print_blob=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


class Told(RuleBasedStateMachine):
    """The account, dotrain and the model beside each other; `world` is where they are."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.account = self.world.account
        self.clusters: dict[str, Cluster] = {}
        self.at = HERE
        self.steps = 0
        self.looked: object = None
        self.calls = 0
        self.touched: set[str] = set()

    # How a call is made, and what becomes of the model.

    def _there(self, name: str) -> Cluster | None:
        """Return the cluster, if it can be worked on; one that is not there is found missing."""
        had = self.clusters.get(name)
        if had is None:
            assert stack.read(target.current(), name) is None
            return None
        return had if had.known and had.alive and not had.going else None

    def _opens(self, name: str) -> set[model.Rule]:
        self.touched.add(name)
        had = self.clusters[name]
        ids = self._ids(name)["clusters"]
        return had.wish.opens(had.me, min(ids, default=""))

    def _call(
        self, act: Callable[[], Any], fault: Fault | None, *, destroys: bool = False
    ) -> tuple[Exception | None, bool]:
        """Make a call; return the error it ended with, and whether it has met the fault."""
        kept = set() if destroys else self._data()
        self.calls += 1
        if fault and fault.takes_long and self.world.waits:
            fault = None
        if fault:
            self.account.meet(fault.told())
        error: errors.DotrainError | None = None
        try:
            act()
        except errors.DotrainError as failure:
            error = failure
        if error:
            assert error.what, repr(error)
            assert error.fix or error.why, repr(error)
            assert self.account._token not in str(error)
        lost = kept - self._data()
        assert not lost, f"nobody had named {lost} to be destroyed"
        hit = bool(fault) and self.account.met
        self.account.meet()
        return error, hit

    def _change(
        self,
        name: str,
        act: Callable[[], Any],
        after: Wish,
        fault: Fault | None,
        *,
        finds_me: bool = False,
        mends: bool = False,
        refused: type[Exception] | None = None,
        named: bool = False,
        lets_be: bool = False,
    ) -> None:
        self.touched.add(name)
        had, before = self.clusters.get(name), self._ids(name)
        others = self._pools(name) - after.nodes() if had and (had.failed or had.leaving) else set()
        me = self.at if had is None or (finds_me and after.says_me) else had.me
        error, hit = self._call(act, fault, destroys=named)
        if error is None:
            assert refused is None, f"{name} was to be refused with {refused}"
            made = Cluster(after, me, old=self._is_old(had, name, before))
            # To change who may enter waits for nothing that runs on pools that leave.
            made.leaving = others if lets_be else set()
            if had and had.touched and not mends:
                made.touched, made.may = True, had.may | self._ever(name, before, me, after)
            self.clusters[name] = made
            return
        if refused and isinstance(error, refused):
            return
        if not hit and (named or not self._is_torn(name, error, after)):
            message = f"{name}: nothing was wrong, and yet: {error}"
            raise AssertionError(message) from error
        self._believe(name, had, after, me, before)
        made, new = self.clusters.get(name), self._ids(name)["databases"] - before["databases"]
        if made and new and fault and fault.at == "change trusted sources":
            # What would shut a new one is what is refused; that is told.
            made.may |= model.OPEN_DATABASE

    def _is_torn(self, name: str, error: Exception | None, after: Wish) -> bool:
        """Return whether a replacement had failed, so that whatever does not name it is refused."""
        if not isinstance(error, errors.ReplacementRefused):
            return False
        had, objects = self.clusters[name], self.account.objects()
        return had.failed and model.is_another(after, objects, name)

    def _pools(self, name: str) -> set[tuple[str, str, int]]:
        return {
            (pool["name"], pool["size"], pool["count"])
            for one in model.labelled(self.account.objects()["clusters"], name)
            for pool in one["node_pools"]
        }

    def _data(self) -> set[str]:
        """Return the ids of what must not be destroyed unless it is named."""
        objects = self.account.objects()
        kept = [model.labelled(objects[kind], name) for kind in DATA for name in NAMES]
        return {one["id"] for found in kept for one in found}

    def _ids(self, name: str) -> dict[str, set[str]]:
        """Return the ids of its clusters and databases."""
        objects = self.account.objects()
        return {kind: {one["id"] for one in model.labelled(objects[kind], name)} for kind in DATA}

    def _is_old(self, had: Cluster | None, name: str, before: dict[str, set[str]]) -> bool:
        """Return whether it is one that had grown old, and no other."""
        return bool(had and had.old and before["clusters"] & self._ids(name)["clusters"])

    def _ever(self, name: str, before: dict[str, set[str]], me: str, wish: Wish) -> set[model.Rule]:
        """Return what a wish opens, whichever cluster its database trusts."""
        ids = self._ids(name)["clusters"] | before["clusters"] | {""}
        return set().union(*(wish.opens(me, one) for one in ids))

    def _believe(
        self, name: str, had: Cluster | None, after: Wish, me: str, before: dict[str, set[str]]
    ) -> None:
        """Take over what is remembered of a call that was refused: before it, or after it."""
        remembered = stack.read(target.current(), name)
        if remembered is None or remembered.spec is None or remembered.resolved is None:
            assert had is None or not had.known, f"the state of {name} is lost"
            return
        wish = seen.wish_of(remembered.spec)
        assert wish in (after, had.wish if had else after), f"{wish} was never asked for"
        places = {me, had.me} if had else {me}
        (mine,) = remembered.resolved.me.get(WHO, (f"{had.me if had else me}/32",))
        now = mine.removesuffix("/32")
        assert now in places, f"{now} is not where this machine was"
        made = Cluster(wish, now, failed=True)
        made.old = self._is_old(had, name, before)
        made.going = had.going if had else False
        made.touched = had.touched if had else False
        made.alive = had.alive if had else True
        made.may = set(had.may) if had else set()
        for one in (after, wish, *([had.wish] if had else [])):
            for place in places:
                made.may |= self._ever(name, before, place, one)
        self.clusters[name] = made

    # What always holds.

    @invariant()
    def nothing_was_unguarded(self) -> None:
        assert self.account.breaches == []

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        """The account is what the model says, and what dotrain shows is the account."""
        self.steps += 1
        if self.looked == self._moment():
            return
        objects = self.account.objects()
        for name in NAMES:
            seen.check_account(objects, name, self.clusters.get(name))
        there = {name: one for name, one in self.clusters.items() if name in self.touched}
        seen.check_rules(objects, there)
        self.touched.clear()
        seen.LOOKS[self.steps % len(seen.LOOKS)](objects, self.clusters, self.at)
        self.looked = self._moment()

    def _moment(self) -> object:
        """Return what is another one as soon as anything has changed."""
        return self.account.store.changes, self.calls

"""Random histories: public calls, what others do meanwhile, and faults, against the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

import dotrain
from dotrain import errors, stack, target
from tests.histories import model
from tests.histories.access import Access
from tests.histories.faults import Fault, unsafe
from tests.histories.model import Cluster, Wish
from tests.histories.others import THEIRS
from tests.histories.told import HERE, NAMES

_SIZES = ("s-2vcpu-4gb", "s-4vcpu-8gb")
_POOLS = st.sampled_from(["train", "train", "more"])
_NEVER_SPENT = 5000.0
_counts = st.integers(1, 3)


class Histories(Access):
    """What happens to an account, one call after the other."""

    names = Access.names

    # How it begins.

    @initialize(target=names, start=st.sampled_from(["plain", "plain", "database", "nothing"]))
    def begin(self, start: str) -> str:
        if start == "nothing":
            self.world.begin()
        else:
            self.world.begin_with(start)
            wish = Wish((("train", _SIZES[0], 1),), database="pg" if start == "database" else None)
            self.clusters["bert"] = Cluster(wish, HERE)
        self.looked = self._moment()
        return "bert"

    # What is asked of dotrain.

    @rule(
        target=names,
        name=st.sampled_from(NAMES),
        size=st.sampled_from(_SIZES),
        count=_counts,
        second=st.booleans(),
        database=st.booleans(),
        fault=unsafe(
            "make cluster", "see clusters", "see cluster", "make pool", "see pool",
            "make firewall", "see firewall", "make VPC", "make tag", "make database",
            "see database", "change trusted sources", "see prices", "credentials",
        ),
    )  # fmt: skip
    def up(
        self, name: str, size: str, count: int, fault: Fault | None, *, second: bool, database: bool
    ) -> str:
        had = self.clusters.get(name)
        if had is not None and (not had.known or not had.alive):
            return name
        before = had.wish if had else None
        pools: tuple[tuple[str, str, int], ...] = (("train", size, count),)
        if second or (before and before.has_pool("more")):
            # One that is there stays: to leave it out is refused.
            pools = (*pools, ("more", _SIZES[0], 1))
        after = replace(before, pools=pools) if before else Wish(pools)
        asked: dict[str, Any] = {
            "pools": [dotrain.Pool(pool, size=size, count=count) for pool, size, count in pools]
        }
        if database or after.database:
            after = replace(after, database=after.database or "pg")
            asked["database"] = _database(after.database)
        self._change(name, lambda: dotrain.up(name, **asked), after, fault, finds_me=True)
        return name

    @rule(name=names, pool=_POOLS, count=_counts, fault=unsafe("change pool", "see pool"))
    def resize(self, name: str, pool: str, count: int, fault: Fault | None) -> None:
        self._resize(name, pool, fault, count=count)

    @rule(
        name=names,
        pool=_POOLS,
        size=st.sampled_from(_SIZES),
        fault=unsafe("make pool", "see pool", "delete pool", "see cluster"),
    )
    def change_size(self, name: str, pool: str, size: str, fault: Fault | None) -> None:
        self._resize(name, pool, fault, size=size)

    def _resize(self, name: str, pool: str, fault: Fault | None, **change: Any) -> None:
        had = self._there(name)
        if had and had.wish.has_pool(pool):
            call = dotrain.get(name).resize
            after = had.wish.with_pool(pool, **change)
            self._change(name, lambda: call(pool=pool, **change), after, fault)

    @rule(
        name=names,
        region=st.sampled_from(["nyc3", "ams3"]),
        fault=unsafe(
            "delete pool", "delete cluster", "see cluster", "make cluster", "make pool",
            "delete VPC", "make VPC", "delete database", "make database", "change trusted sources",
        ),
    )  # fmt: skip
    def move_the_cluster(self, name: str, region: str, fault: Fault | None) -> None:
        """Have it destroyed, and made in another region."""
        if had := self._there(name):
            after = replace(had.wish, region=region)
            self._replace(name, after, fault, region=region)

    @rule(
        name=names,
        engine=st.sampled_from(["pg", "mysql"]),
        fault=unsafe("delete database", "make database", "see database", "change trusted sources"),
    )
    def change_engine(self, name: str, engine: str, fault: Fault | None) -> None:
        """Have another database, whatever is in the one that there is."""
        if had := self._there(name):
            after = replace(had.wish, database=engine)
            self._replace(name, after, fault, database=_database(engine))

    def _replace(self, name: str, after: Wish, fault: Fault | None, **asked: Any) -> None:
        call = dotrain.up
        self._change(
            name,
            lambda: call(name, **asked, replace=name),
            after,
            fault,
            finds_me=True,
            refused=errors.ReplacementRefused if self._is_kept(name, after) else None,
            named=True,
        )

    def _is_kept(self, name: str, after: Wish) -> bool:
        """Return whether its network has to go, and somebody else uses that."""
        objects = self.account.objects()
        gone = {
            one["vpc_uuid"]
            for one in model.labelled(objects["clusters"], name)
            if one["region"] != after.region
        }
        return any(
            one["vpc_uuid"] in gone and one["name"].startswith(THEIRS)
            for one in objects["load_balancers"]
        )

    @rule(name=names, pause=st.booleans(), fault=unsafe("delete pool", "make pool", "see pool"))
    def pause(self, name: str, pause: bool, fault: Fault | None) -> None:
        if had := self._there(name):
            cluster = dotrain.get(name)
            call = cluster.pause if pause else cluster.resume
            self._change(name, call, replace(had.wish, paused=pause), fault)

    @rule(
        name=names,
        fault=unsafe("see firewall", "see cluster", "see pool", "change firewall", "make cluster"),
    )
    def mend(self, name: str, fault: Fault | None) -> None:
        """Have everything as it should be, also what others have changed."""
        had = self.clusters.get(name)
        if had and had.known:
            call = dotrain.get(name).up
            remembered = stack.read(target.current(), name)
            # Of a teardown that stopped half-way there may be no spec any more.
            whole = remembered is not None and remembered.spec is not None
            refused = None if whole else errors.ClusterNotFound
            self._change(name, call, had.wish, fault, finds_me=True, mends=True, refused=refused)

    @rule(
        name=names,
        fault=unsafe(
            "delete cluster", "see clusters", "see firewalls", "delete firewall", "delete VPC",
            "delete tag", "delete database", "see volumes",
        ),
    )  # fmt: skip
    def down(self, name: str, fault: Fault | None) -> None:
        had = self.clusters.get(name)
        # What is left trusts the cluster by an id that goes first.
        opened = self._opens(name) if had else set()
        error, hit = self._call(lambda: dotrain.down(name, confirm=name), fault, destroys=True)
        if error is None:
            assert had, f"{name} was taken down, and there was none"
            del self.clusters[name]
        elif had is None:
            assert hit or isinstance(error, errors.ClusterNotFound), error
        elif had.going and isinstance(error, errors.ClusterNotFound):
            # Only the last look at what is left had failed.
            del self.clusters[name]
        else:
            assert hit, f"down() failed, and nothing was wrong: {error}"
            had.may |= opened
            had.failed = had.going = True
            had.known = stack.read(target.current(), name) is not None

    @rule(
        name=names,
        max_age=st.sampled_from(["12h", "none"]),
        budget=st.sampled_from([None, _NEVER_SPENT]),
    )
    def limit(self, name: str, max_age: str, budget: float | None) -> None:
        if had := self._there(name):
            after = replace(had.wish, max_age=None if max_age == "none" else max_age)
            asked: dict[str, Any] = {"max_age": max_age}
            if budget is not None:
                after = replace(after, budget=budget)
                asked["budget"] = budget
            self._change(name, lambda: dotrain.up(name, **asked), after, None, finds_me=True)

    @rule(dry_run=st.booleans(), fault=unsafe("delete cluster", "see clusters", "delete VPC"))
    def sweep(self, dry_run: bool, fault: Fault | None) -> None:
        """What is older than it may be goes, whoever has its state; nothing else does."""
        due = {name for name in self.clusters if self._is_over(name)}
        odd = any(not one.alive or one.going for one in self.clusters.values())
        there = {one["name"] for one in self.account.objects()["clusters"]}
        opened = {name: self._opens(name) for name in due}
        error, hit = self._call(lambda: dotrain.sweep(dry_run=dry_run), fault, destroys=True)
        assert error is None or hit or odd, f"sweep() failed, and nothing was wrong: {error}"
        left = {one["name"] for one in self.account.objects()["clusters"]}
        assert there - left <= (set() if dry_run else due), f"it took {there - left}"
        if error is None and not dry_run:
            assert not due & left, f"it left {due & left}"
        for name in due - set(() if not dry_run else due):
            had = self.clusters[name]
            if error is None:
                del self.clusters[name]
            else:
                had.may |= opened[name]
                had.failed = had.going = True
                had.known = stack.read(target.current(), name) is not None

    def _is_over(self, name: str) -> bool:
        had = self.clusters[name]
        return had.old and had.alive and not had.going and had.wish.max_age is not None

    @rule(name=names)
    def grow_old(self, name: str) -> None:
        """A day goes by for a cluster."""
        if had := self._there(name):
            self.account.age(name, 86_400)
            had.old = True

    @rule(name=names)
    def plan(self, name: str) -> None:
        if self._there(name):
            last = self.account.journal.last
            dotrain.get(name).plan(egress="web")
            assert not [one for one in self.account.journal.after(last) if one["method"] != "GET"]


def _database(engine: str | None) -> dotrain.Database:
    return dotrain.Database(engine or "pg", size="db-s-1vcpu-1gb")

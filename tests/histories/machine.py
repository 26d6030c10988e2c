"""Random histories: public calls, what others do meanwhile, and faults, against the model."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, rule

import dotrain
from dotrain import errors, stack, target
from tests.histories import model, seen
from tests.histories.faults import Fault, faults
from tests.histories.model import Cluster, Grant, Wish
from tests.histories.told import HERE, NAMES, Told

PLACES = (HERE, "203.0.113.9", "198.51.100.4")
_SOURCES = ("198.51.100.0/24", "192.0.2.17")
_GUEST = "203.0.113.64/28"
_SERVICES = (model.ALL, ("ssh",), ("api",), ("ssh", "jupyter"))
_SIZES = ("s-2vcpu-4gb", "s-4vcpu-8gb")
_POOLS = st.sampled_from(["train", "train", "more"])
_NEVER_SPENT = 5000.0
_counts = st.integers(1, 3)


def _unsafe(*endpoints: str) -> st.SearchStrategy[Fault | None]:
    """Draw what goes wrong at one of some endpoints; nothing, more often than not."""
    return st.none() | st.none() | faults(*endpoints)


class Histories(Told):
    """What happens to an account, one call after the other."""

    names = Bundle("names")

    # How it begins.

    @initialize(target=names, start=st.sampled_from(["plain", "plain", "database", "nothing"]))
    def begin(self, start: str) -> str:
        if start == "nothing":
            self.world.begin()
        else:
            self.world.begin_with(start)
            wish = Wish((("train", _SIZES[0], 1),), database=start == "database")
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
        fault=_unsafe(
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
            after = replace(after, database=True)
            asked["database"] = dotrain.Database("pg", size="db-s-1vcpu-1gb")
        self._change(name, lambda: dotrain.up(name, **asked), after, fault, finds_me=True)
        return name

    @rule(
        name=names,
        source=st.sampled_from(_SOURCES),
        to=st.sampled_from(_SERVICES),
        fault=_unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def allow(self, name: str, source: str, to: tuple[str, ...], fault: Fault | None) -> None:
        if had := self._there(name):
            after = had.wish.with_grant(Grant(model.cidr(source), to))
            self._change(name, lambda: dotrain.get(name).allow(source, to=to), after, fault)

    @rule(
        name=names,
        to=st.sampled_from(_SERVICES),
        fault=_unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def allow_for_an_hour(self, name: str, to: tuple[str, ...], fault: Fault | None) -> None:
        if had := self._there(name):
            after = had.wish.with_grant(Grant(_GUEST, to))
            call = dotrain.get(name).allow
            self._change(name, lambda: call(_GUEST, to=to, expires="1h"), after, fault)

    @rule(
        name=names,
        fault=_unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def an_hour_goes_by(self, name: str, fault: Fault | None) -> None:
        """What was granted for an hour ends with the next call that can end it."""
        had = self._there(name)
        if not had or not any(one.source == _GUEST for one in had.wish.grants):
            return
        self.world.let_grants_end(name)
        after = had.wish.without(_GUEST)
        if not any("api" in one.to for one in after.grants):
            after = after.with_grant(Grant(model.NOBODY, ("api",)))
        had.may |= self._opens(name)
        error, hit = self._call(lambda: _looked_at(name), fault)
        assert error is None or hit, f"{name}: nothing was wrong, and yet: {error}"
        self._change(name, lambda: _looked_at(name), after, None)

    @rule(
        name=names,
        source=st.sampled_from(["me", *_SOURCES]),
        force=st.booleans(),
        fault=_unsafe("change firewall", "change cluster", "change trusted sources"),
    )
    def revoke(self, name: str, source: str, force: bool, fault: Fault | None) -> None:
        had = self._there(name)
        if not had:
            return
        after = had.wish.without("me" if source == "me" else model.cidr(source))
        refused = self._why_refused(had, after, force=force)
        self._change(
            name,
            lambda: dotrain.get(name).revoke(source, force=force),
            after,
            fault,
            refused=refused,
        )

    def _why_refused(self, had: Cluster, after: Wish, *, force: bool) -> type[Exception] | None:
        """Return what a change of who may enter is refused with."""
        if after == had.wish or not after.grants:
            return errors.SpecError
        if not any(layer == "control-plane" for layer, *_ in after.opens(had.me, "")):
            return errors.InvalidAddress
        lost = had.wish.reached_by(self.at, had.me) and not after.reached_by(self.at, had.me)
        return errors.LockedOut if lost and not force else None

    @rule(
        name=names,
        fault=_unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def allow_me(self, name: str, fault: Fault | None) -> None:
        if had := self._there(name):
            after = had.wish if had.wish.says_me else had.wish.with_grant(Grant("me"))
            call = dotrain.get(name).allow_me
            self._change(name, call, after, fault, finds_me=True)

    @rule(name=names, pool=_POOLS, count=_counts, fault=_unsafe("change pool", "see pool"))
    def resize(self, name: str, pool: str, count: int, fault: Fault | None) -> None:
        self._resize(name, pool, fault, count=count)

    @rule(
        name=names,
        pool=_POOLS,
        size=st.sampled_from(_SIZES),
        fault=_unsafe("make pool", "see pool", "delete pool", "see cluster"),
    )
    def change_size(self, name: str, pool: str, size: str, fault: Fault | None) -> None:
        self._resize(name, pool, fault, size=size)

    def _resize(self, name: str, pool: str, fault: Fault | None, **change: Any) -> None:
        had = self._there(name)
        if had and had.wish.has_pool(pool):
            call = dotrain.get(name).resize
            after = had.wish.with_pool(pool, **change)
            self._change(name, lambda: call(pool=pool, **change), after, fault)

    @rule(name=names, pause=st.booleans(), fault=_unsafe("delete pool", "make pool", "see pool"))
    def pause(self, name: str, pause: bool, fault: Fault | None) -> None:
        if had := self._there(name):
            cluster = dotrain.get(name)
            call = cluster.pause if pause else cluster.resume
            self._change(name, call, replace(had.wish, paused=pause), fault)

    @rule(name=names, preset=st.sampled_from(["web", "locked"]), fault=_unsafe("change firewall"))
    def egress(self, name: str, preset: str, fault: Fault | None) -> None:
        if had := self._there(name):
            after = replace(had.wish, egress=preset)
            self._change(name, lambda: dotrain.get(name).egress(preset), after, fault)

    @rule(
        name=names,
        fault=_unsafe("see firewall", "see cluster", "see pool", "change firewall", "make cluster"),
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
        fault=_unsafe(
            "delete cluster", "see clusters", "see firewalls", "delete firewall", "delete VPC",
            "delete tag", "delete database", "see volumes",
        ),
    )  # fmt: skip
    def down(self, name: str, fault: Fault | None) -> None:
        had = self.clusters.get(name)
        # What is left trusts the cluster by an id that goes first.
        opened = self._opens(name) if had else set()
        error, hit = self._call(lambda: dotrain.down(name, confirm=name), fault)
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

    @rule(dry_run=st.booleans(), fault=_unsafe("delete cluster", "see clusters", "delete VPC"))
    def sweep(self, dry_run: bool, fault: Fault | None) -> None:
        """What is older than it may be goes, whoever has its state; nothing else does."""
        due = {name for name in self.clusters if self._is_over(name)}
        odd = any(not one.alive or one.going for one in self.clusters.values())
        there = {one["name"] for one in self.account.objects()["clusters"]}
        opened = {name: self._opens(name) for name in due}
        error, hit = self._call(lambda: dotrain.sweep(dry_run=dry_run), fault)
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

    # What happens to it without dotrain.

    @rule(place=st.sampled_from(PLACES))
    def move(self, place: str) -> None:
        """This machine is somewhere else."""
        self.at = place
        self.world.move(place)

    @rule(name=names)
    def open_by_hand(self, name: str) -> None:
        """Somebody lets the whole world in."""
        had = self._there(name)
        if not had:
            return
        for one in model.labelled(self.account.objects()["firewalls"], name):
            kept = ("name", "outbound_rules", "droplet_ids", "tags")
            world = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}
            rules = [*one["inbound_rules"], world]
            body = {key: one[key] for key in kept}
            self.account.by_hand("PUT", f"/v2/firewalls/{one['id']}", inbound_rules=rules, **body)
        had.may |= {("nodes", "inbound", "tcp", "22", "0.0.0.0/0")} | self._opens(name)
        had.touched = True

    @rule(name=names)
    def delete_by_hand(self, name: str) -> None:
        """Somebody deletes the cluster in the control panel."""
        had = self._there(name)
        if had:
            had.may |= self._opens(name)
            for one in model.labelled(self.account.objects()["clusters"], name):
                self.account.by_hand("DELETE", f"/v2/kubernetes/clusters/{one['id']}")
            had.alive = False
            had.touched = True

    @rule(name=names, kind=st.sampled_from(["volume", "balancer"]))
    def kubernetes_makes(self, name: str, kind: str) -> None:
        """A Service or a claim makes something that costs."""
        if not self._there(name):
            return
        for one in model.labelled(self.account.objects()["clusters"], name):
            seen.kubernetes_made(self.account, one, kind, f"made-{self.steps}")

    @rule(kind=st.sampled_from(["cluster", "firewall", "volume", "tag"]))
    def stranger(self, kind: str) -> None:
        """Somebody else makes something of his own."""
        seen.strange(self.account, kind, f"theirs-{self.steps}")

    @rule(name=names)
    def forget(self, name: str) -> None:
        """The state is lost: another machine has made it."""
        had = self._there(name)
        if had:
            self.world.forget(name)
            had.known = False
            had.may |= self._opens(name)
            had.touched = True


def _looked_at(name: str) -> None:
    """Look at a cluster; what that warns of is raised."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "What has expired")
        try:
            dotrain.get(name)
        except UserWarning as warning:
            cause = warning.__context__
            assert isinstance(cause, errors.DotrainError)
            raise cause from None

"""What is asked of dotrain about who may enter, and where nodes may go."""

from __future__ import annotations

import warnings
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

import dotrain
from dotrain import errors
from tests.histories import model
from tests.histories.faults import Fault, unsafe
from tests.histories.model import Cluster, Grant, Wish
from tests.histories.others import Others

_SOURCES = ("198.51.100.0/24", "192.0.2.17")
_GUEST = "203.0.113.64/28"
_SERVICES = (model.ALL, ("ssh",), ("api",), ("ssh", "jupyter"))


class Access(Others):
    """What changes who may enter, one call after the other."""

    names = Others.names

    @rule(
        name=names,
        source=st.sampled_from(_SOURCES),
        to=st.sampled_from(_SERVICES),
        fault=unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def allow(self, name: str, source: str, to: tuple[str, ...], fault: Fault | None) -> None:
        if had := self._there(name):
            after = had.wish.with_grant(Grant(model.cidr(source), to))
            self._change(
                name, lambda: dotrain.get(name).allow(source, to=to), after, fault, lets_be=True
            )

    @rule(
        name=names,
        to=st.sampled_from(_SERVICES),
        fault=unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def allow_for_an_hour(self, name: str, to: tuple[str, ...], fault: Fault | None) -> None:
        if had := self._there(name):
            after = had.wish.with_grant(Grant(_GUEST, to))
            call = dotrain.get(name).allow
            self._change(
                name, lambda: call(_GUEST, to=to, expires="1h"), after, fault, lets_be=True
            )

    @rule(
        name=names,
        fault=unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
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
        assert error is None or hit or self._is_torn(name, error, after), f"{name}: {error}"
        self._change(name, lambda: _looked_at(name), after, None, lets_be=True)
        peers = {peer for *_, peer in model.in_force(self.account.objects(), name)}
        assert _GUEST not in peers, f"{name} lets in {_GUEST}, whose time is over"

    @rule(
        name=names,
        source=st.sampled_from(["me", *_SOURCES]),
        force=st.booleans(),
        fault=unsafe("change firewall", "change cluster", "change trusted sources"),
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
            lets_be=True,
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
        fault=unsafe("change firewall", "see firewall", "change cluster", "see cluster"),
    )
    def allow_me(self, name: str, fault: Fault | None) -> None:
        if had := self._there(name):
            after = had.wish if had.wish.says_me else had.wish.with_grant(Grant("me"))
            call = dotrain.get(name).allow_me
            self._change(name, call, after, fault, finds_me=True, lets_be=True)

    @rule(name=names, preset=st.sampled_from(["web", "locked"]), fault=unsafe("change firewall"))
    def egress(self, name: str, preset: str, fault: Fault | None) -> None:
        if had := self._there(name):
            after = replace(had.wish, egress=preset)
            self._change(name, lambda: dotrain.get(name).egress(preset), after, fault, lets_be=True)


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

"""Who may enter a cluster: the part of `Cluster` that changes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dotrain import changes, config, grants, moving, stack
from dotrain.guarded import Guarded, present
from dotrain.sources import ME
from dotrain.spec import ClusterSpec
from dotrain.watch import Watch

if TYPE_CHECKING:
    import pandas as pd


class Granting(Guarded):
    """What is granted and taken back; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def allow(
        self,
        source: str,
        *,
        to: str | Iterable[str] | None = None,
        label: str = "",
        expires: str | dt.timedelta | dt.datetime | None = None,
        force: bool = False,
    ) -> pd.DataFrame:
        """Let somebody in, or change for how long.

        The same source, services and label again, with another `expires` or
        none, change when that grant ends: also one that had no end gets one.
        What others on a shared cluster enter by as ``"me"`` does not end sooner
        by it.

        Parameters
        ----------
        source : str
            ``"me"``, an IP address, a CIDR, or ``"nodes"``.
        to : str or iterable of str, optional
            Services (``"ssh"``, ``"https"``, ``"api"``, ``"database"``,
            ``"jupyter"``, ``"tensorboard"``, ``"torchrun"``, ``"nccl"``) or a
            protocol and ports (``"tcp 8000-9000"``); by default ssh, api and
            database.
        label : str
            What it is for; `revoke` takes it.
        expires : str, datetime.timedelta or datetime.datetime, optional
            When it ends: a span such as ``"8h"``, or an instant with its time
            zone, which may be text: ``"2026-01-02T20:00Z"``. The next call after
            that takes it out, or ``dotrain sweep``.
        force : bool
            Whether this machine may lose its access by it.

        Returns
        -------
        pandas.DataFrame
            As `rules` does.

        Raises
        ------
        SpecError
            A bad source, service, port, label or end; OpenToWorld.
        LockedOut, ApiError, EngineError
            See each.
        """
        grant = grants.make(source, to, label=label, expires=expires, now=present())
        # What has expired may have had this label; it ends with this operation.
        before, resolved, _ = stack.read_spec(self._target, self.name)
        others = resolved.me.keys() - {config.identity()}
        spec = changes.granted(before.without_expired(present()), grant, others=others)
        return self._apply(spec, before, "allow", find_me=grant.source == ME, force=force)

    def revoke(
        self,
        source: str | None = None,
        *,
        label: str | None = None,
        to: str | Iterable[str] | None = None,
        force: bool = False,
    ) -> pd.DataFrame:
        """Take back what was allowed.

        Connections that exist are not cut: DigitalOcean's firewalls decide about
        new ones.

        Parameters
        ----------
        source : str, optional
            Whose access. On a cluster that several people share, ``"me"`` is
            this one's alone.
        label : str, optional
            The label of the grant.
        to : str or iterable of str, optional
            Only these services of it.
        force : bool
            Whether this machine may lose its access by it.

        Returns
        -------
        pandas.DataFrame
            As `rules` does.

        Raises
        ------
        SpecError
            When nothing is named, or nothing like it is granted.
        LockedOut, ApiError, EngineError
            See each.
        """
        spec, resolved, _ = stack.read_spec(self._target, self.name)
        services = (to,) if isinstance(to, str) else to
        who = config.identity()
        if source == ME and label is None and services is None and resolved.me.keys() - {who}:
            # Others say "me" here, too: the grant stays theirs.
            return self._apply(spec, spec, "revoke", forget=who, force=force)
        changed = changes.revoked(spec, source, label, services)
        return self._apply(changed, spec, "revoke", force=force)

    def allow_me(self) -> pd.DataFrame:
        """Let this machine in under the address it has now, and its old address no more.

        It goes through DigitalOcean's API, so it also works while the cluster
        itself is out of reach. The rules are in force at once, also while
        another operation has the stack; then they are recorded, which has to
        wait for its turn. What others on a shared cluster call ``"me"`` stays
        as it is.

        Returns
        -------
        pandas.DataFrame
            As `rules` does.

        Raises
        ------
        AddressError, ApiError
            Before anything is recorded.
        EngineError
            When it could not be recorded. The address is in force none the
            less, and the next operation on the cluster records it.
        """
        moving.let_me_in(self._target, self.name)
        return self.rules()

    def watch_me(self, *, every: float = 60.0) -> Watch:
        """Call `allow_me` whenever this machine's address has moved, until stopped.

        It goes by what is granted: when ``"me"`` is revoked or has expired,
        there is nothing to follow.

        Parameters
        ----------
        every : float
            Seconds between two looks at the public address. A change of this
            machine's own address, as on another network, is noticed within a
            second or two.

        Returns
        -------
        Watch
            With ``.moves``, ``.error`` and ``.stop()``; it also ends with the kernel.

        Raises
        ------
        SpecError
            When `every` is not a positive number.
        """
        return moving.watch(self._target, self.name, every)

    def egress(self, *entries: str) -> pd.DataFrame:
        """Say what nodes may reach.

        Parameters
        ----------
        *entries : str
            ``"web"`` (DNS, NTP, HTTP and HTTPS), ``"open"`` or ``"locked"`` (DNS
            and NTP), and rules such as ``"tcp 443 to 203.0.113.0/24"``.

        Returns
        -------
        pandas.DataFrame
            As `rules` does.

        Raises
        ------
        SpecError
            When an entry is neither a preset nor a rule.
        """
        before = self.spec
        return self._apply(replace(before, egress=entries), before, "egress")

    def _apply(
        self, spec: ClusterSpec, before: ClusterSpec, verb: str, **options: Any
    ) -> pd.DataFrame:
        self._change(spec, before, verb, **options)
        return self.rules()

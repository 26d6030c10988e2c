"""Who may enter a cluster: the part of `Cluster` that shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from dotrain import (
    account,
    changes,
    durations,
    expiry,
    inspection,
    operations,
    stack,
)
from dotrain.api import Api
from dotrain.auditing import Suppression
from dotrain.plan import Plan
from dotrain.rules import Compared, compare, desired
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

if TYPE_CHECKING:
    import pandas as pd


class Guarded:
    """What is guarded by firewalls; `Cluster` is all there is to it.

    A grant that has expired is ended by the next call, whatever that is, other
    than `plan` and `audit`, which report it, and what changes nothing and asks
    nobody: `spec`, `outputs`, and showing the cluster.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self._target = target

    @property
    def spec(self) -> ClusterSpec:
        """What the cluster should be, as its stack remembers it."""
        return stack.read_spec(self._target, self.name)[0]

    def rules(self) -> pd.DataFrame:
        """Return every rule that lets anything in or out: those wanted, and those in force.

        Returns
        -------
        pandas.DataFrame
            Columns layer, direction, protocol, ports, peer, label, expires,
            source, drift (all str). The layer is ``"nodes"``,
            ``"control-plane"``, ``"database"`` or ``"doks-managed"`` (made by
            DigitalOcean, not to be changed). The source is ``"spec"`` for what
            the spec asks for and ``"observed"`` for what is only in force. The
            drift is empty where both agree, else ``"missing"``, ``"extra"`` or
            ``"expired"``.

        Raises
        ------
        ClusterNotFound, ApiError
            See each.

        Examples
        --------
        >>> rules = dotrain.get("bert").rules()
        >>> sorted(rules[rules.direction == "inbound"].layer.unique())
        ['control-plane', 'doks-managed', 'nodes']
        """
        from dotrain import frames

        return frames.rules(self._compared())

    def drift(self) -> pd.DataFrame:
        """Return the rules that are not as they should be; `up` mends them.

        Returns
        -------
        pandas.DataFrame
            As `rules`, with those rows only where drift is not empty.
        """
        from dotrain import frames

        return frames.rules(one for one in self._compared() if one.drift)

    def plan(self, **asked: Any) -> Plan:
        """Return what `up` would do, without doing it.

        Parameters
        ----------
        **asked : optional
            As for `dotrain.up`; nothing for what the spec asks for already.

        Returns
        -------
        Plan
            Who gains and who loses access, what is replaced, what it costs.
        """
        return operations.plan(self._target, changes.asked(self.spec, asked, self.name, present()))

    def exposure(self) -> pd.DataFrame:
        """Return who can reach what in effect, whoever made the rule.

        That is dotrain's own rules, the firewalls that DigitalOcean manages for
        the cluster, and the load balancers of Kubernetes services.

        Returns
        -------
        pandas.DataFrame
            Columns peer, reaches, protocol, ports, via, note (all str).
        """
        from dotrain import frames

        spec, _, observed = self._observe()
        return frames.exposure(inspection.exposed(self._target, spec, observed))

    def audit(self, *, suppress: Iterable[Suppression] = ()) -> inspection.Audit:
        """Return what is wrong with this cluster, its firewalls, database and load balancers.

        Parameters
        ----------
        suppress : iterable of Suppression
            What is accepted, each with its reason.

        Returns
        -------
        Audit
            With ``.passed``, ``.frame`` (a DataFrame), ``.to_json()`` and
            ``.to_sarif()``. The ids are those of Trivy (``DIG-``), Checkov (``CKV_DIO_``),
            ScoutSuite, and dotrain's own (``DOT-``).
        """
        return inspection.inspect(
            self._target, cluster=self.name, account=False, suppressions=suppress
        )

    def _change(self, spec: ClusterSpec, before: ClusterSpec, verb: str, **options: Any) -> None:
        title = f"{verb} {self.name}"
        options = {"find_me": False, **options}
        operations.apply(self._target, spec, before=before, title=title, **options)

    def _compared(self) -> list[Compared]:
        spec, resolved, observed = self._observe()
        wanted = desired(
            spec,
            resolved,
            cluster_id=observed.cluster["id"] if observed.cluster else "",
            database_port=observed.database_port,
        )
        return compare(wanted, observed.rules(), durations.stamp(present()))

    def _observe(self, *, ending: bool = True) -> tuple[ClusterSpec, Resolved, account.Observed]:
        read = expiry.current if ending else stack.read_spec
        spec, resolved, _ = read(self._target, self.name)
        with closing(Api(self._target)) as api:
            found = account.observe(api, self.name, database=spec.database is not None)
            return spec, resolved, found


def present() -> dt.datetime:
    """Return the present, in UTC."""
    return dt.datetime.now(dt.timezone.utc)

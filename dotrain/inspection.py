"""Audit an account: read what there is, and hold it against the checks of `dotrain.auditing`."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dotrain import address, auditing, exposure, markup, names, rules, stack
from dotrain.account import Observed
from dotrain.api import Api
from dotrain.auditing import Finding, Own, Subject, Suppression, by_design, report
from dotrain.errors import AddressError, NotFound
from dotrain.exposure import Exposed
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target, current

if TYPE_CHECKING:
    import pandas as pd

_COLOURS = {"CRITICAL": "#b00020", "HIGH": "#b00020", "MEDIUM": "#8a5a00"}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    findings : tuple of Finding
        Worst first; what is suppressed is there with its reason.
    """

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing of MEDIUM or worse is left that nobody accepted."""
        return report.passed(self.findings)

    @property
    def frame(self) -> pd.DataFrame:
        """The findings.

        Returns
        -------
        pandas.DataFrame
            Columns id, severity, what, where, fix, suppressed (all str).
        """
        return report.frame(self.findings)

    def to_json(self) -> str:
        """Return the findings as JSON."""
        return report.to_json(self.findings)

    def to_sarif(self) -> str:
        """Return the findings as SARIF 2.1.0, which code hosts read."""
        return report.to_sarif(self.findings)

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "failed"
        lines = [f"audit {verdict}: {len(self.findings)} findings"]
        for one in self.findings:
            accepted = f" [accepted: {one.suppressed}]" if one.suppressed else f" {one.fix}"
            lines.append(f"  {one.severity:<8} {one.id}  {one.where}: {one.what}{accepted}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:left;color:{colour}">{html.escape(text)}</td>'
                for text in (one.severity, one.id, one.where, one.what, one.suppressed or one.fix)
            )
            + "</tr>"
            for one in self.findings
            for colour in ("inherit" if one.suppressed else _COLOURS.get(one.severity, "inherit"),)
        )
        verdict = "passed" if self.passed else "failed"
        return markup.block(f"<strong>audit {verdict}</strong><table>{rows}</table>")


def inspect(
    target: Target, *, cluster: str | None, account: bool, suppressions: Iterable[Suppression]
) -> Audit:
    """Return what is wrong with a cluster, with all of dotrain's, or with the account.

    Parameters
    ----------
    target : Target
        The account.
    cluster : str or None
        The one cluster to look at.
    account : bool
        Whether to look at what dotrain did not make, too.
    suppressions : iterable of Suppression
        What is accepted; what dotrain's defaults accept is added.
    """
    with closing(Api(target)) as api:
        found = {
            key: tuple(api.pages(path, key))
            for path, key in (
                ("/v2/kubernetes/clusters", "kubernetes_clusters"),
                ("/v2/firewalls", "firewalls"),
                ("/v2/databases", "databases"),
                ("/v2/load_balancers", "load_balancers"),
                ("/v2/droplets", "droplets"),
            )
        }
        if not account:
            found = _of_dotrain(found, cluster)
        trusted = {one["id"]: _trusted(api, one["id"]) for one in found["databases"]}
    accepted = list(suppressions)
    own = {}
    for one in found["kubernetes_clusters"]:
        name = names.cluster_of(one["tags"])
        remembered = stack.read(target, name) if name else None
        if name and remembered and remembered.spec and remembered.resolved:
            own[name] = _own(remembered.spec, remembered.resolved, one, found["databases"])
            accepted += by_design(remembered.spec)
    subject = Subject(
        clusters=found["kubernetes_clusters"],
        firewalls=found["firewalls"],
        databases=found["databases"],
        load_balancers=found["load_balancers"],
        droplets=found["droplets"],
        trusted_sources=trusted,
        own=own,
        address=_address(target) if own else (),
        suppressions=tuple(accepted),
    )
    return Audit(tuple(auditing.audit(subject)))


def exposed(target: Target, spec: ClusterSpec, observed: Observed) -> list[Exposed]:
    """Return who can reach what of a cluster in effect, its load balancers included.

    Parameters
    ----------
    target : Target
        The account.
    spec : ClusterSpec
        What should be.
    observed : Observed
        What is.
    """
    network = (observed.cluster or {}).get("vpc_uuid")
    with closing(Api(target)) as api:
        balancers = [
            one
            for one in api.pages("/v2/load_balancers", "load_balancers")
            if network and one.get("vpc_uuid") == network
        ]
    return exposure.of(
        observed.cluster,
        observed.firewalls,
        observed.database if spec.database else None,
        observed.trusted_sources,
        balancers,
    )


def _of_dotrain(
    found: Mapping[str, tuple[dict[str, Any], ...]], cluster: str | None
) -> dict[str, tuple[dict[str, Any], ...]]:
    """Return what dotrain made, and what is on its nodes and in its networks."""

    def ours(one: Mapping[str, Any]) -> bool:
        name = names.cluster_of(one.get("tags") or ())
        return name is not None and cluster in (None, name)

    clusters = tuple(one for one in found["kubernetes_clusters"] if ours(one))
    managed = {f"k8s:{one['id']}" for one in clusters}
    networks = {one["vpc_uuid"] for one in clusters if one.get("vpc_uuid")}
    return {
        "kubernetes_clusters": clusters,
        "firewalls": tuple(
            one for one in found["firewalls"] if ours(one) or managed & set(one.get("tags") or ())
        ),
        "databases": tuple(one for one in found["databases"] if ours(one)),
        "load_balancers": tuple(
            one for one in found["load_balancers"] if one.get("vpc_uuid") in networks
        ),
        "droplets": tuple(one for one in found["droplets"] if ours(one)),
    }


def _trusted(api: Api, database: str) -> tuple[dict[str, Any], ...]:
    try:
        return tuple(api.get(f"/v2/databases/{database}/firewall").get("rules") or ())
    except NotFound:
        # Deleted since it was listed.
        return ()


def _own(
    spec: ClusterSpec,
    resolved: Resolved,
    cluster: Mapping[str, Any],
    databases: Iterable[Mapping[str, Any]],
) -> Own:
    tag = names.label(spec.name)
    database = next((one for one in databases if tag in (one.get("tags") or ())), None)
    port = rules.port_of(database)
    live = spec.without_expired(dt.datetime.now(dt.timezone.utc))
    wanted, kept = (
        rules.desired(one, resolved, cluster_id=cluster["id"], database_port=port)
        for one in (spec, live)
    )
    opened = {rules.key(rule) for rule in kept}
    expired = tuple(rule for rule in wanted if rules.key(rule) not in opened)
    me = tuple(cidr for cidrs in resolved.me.values() for cidr in cidrs)
    return Own(tuple(kept), expired, me)


def _address(target: Target) -> tuple[str, ...]:
    try:
        return address.find(target).cidrs
    except AddressError:
        return ()


def audit(*, account: bool = False, suppress: Iterable[Suppression] = ()) -> Audit:
    """Return what is wrong with all clusters that dotrain made, or with the whole account.

    Parameters
    ----------
    account : bool
        Whether to look at clusters, firewalls and databases that dotrain did
        not make, too.
    suppress : iterable of Suppression
        What is accepted, each with its reason.

    Returns
    -------
    Audit
        As `Cluster.audit` does.

    Raises
    ------
    ConfigError, ApiError
        See each.
    """
    return inspect(current(), cluster=None, account=account, suppressions=suppress)

"""Settle what a spec leaves open, and check what that makes of it, before anything is changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dotrain import address, algebra, catalog, config, rules
from dotrain.address import Address
from dotrain.api import Api
from dotrain.engine.progress import Progress
from dotrain.engine.state import State
from dotrain.errors import AddressError, InvalidAddress, LockedOut, SpecError
from dotrain.sources import ME, parse_network
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

# DigitalOcean's limits: rules of a firewall, sources of one, trusted sources of a database.
_MAX_RULES = 50
_MAX_SOURCES = 1000
_MAX_TRUSTED = 100


@dataclass(frozen=True)
class Access:
    """Who could enter before, and who will.

    Parameters
    ----------
    before : tuple of rules.Rule
        The rules of the last operation; none for a new cluster.
    after : tuple of rules.Rule
        The rules of this one.
    """

    before: tuple[rules.Rule, ...]
    after: tuple[rules.Rule, ...]


def settle(
    api: Api,
    target: Target,
    spec: ClusterSpec,
    remembered: State | None,
    progress: Progress,
    *,
    found: Address | None,
) -> Resolved:
    """Return what the symbolic words of `spec` stand for now.

    Parameters
    ----------
    api : Api
        The account, asked about what is new.
    target : Target
        The account.
    spec : ClusterSpec
        What should be.
    remembered : State or None
        What the stack remembers.
    progress : Progress
        What to report to.
    found : Address or None
        What ``"me"`` stands for here now; without it, what it stood for the
        last time stays.

    Raises
    ------
    AddressError
        When ``"me"`` is needed and not known for certain.
    UnknownChoice
        When DigitalOcean does not offer what a new cluster or database needs.
    """
    before = remembered.resolved if remembered else None
    if before and remembered and "cluster" in remembered.resources:
        _refuse_upgrade(spec, remembered.spec, before.version)
    me = dict(before.me) if before else {}
    if any(grant.source == ME for grant in spec.allow):
        if found is None and not me:
            found = address.find(target)
        if found is not None:
            me[config.identity()] = found.cidrs
            if found.note:
                progress.note(found.note)
            progress.note(f"'me' is {' and '.join(found.cidrs)}.")
    else:
        me = {}
    if before and remembered and "cluster" in remembered.resources:
        version = before.version
    else:
        offered = api.get("/v2/kubernetes/options")["options"]
        catalog.check(spec, offered)
        version = catalog.kubernetes_version(spec.version, offered)
    old = remembered.spec.database if remembered and remembered.spec else None
    same = old and spec.database and old.engine == spec.database.engine
    database = before.database_version if before and same else None
    if spec.database and database is None:
        offered = api.get("/v2/databases/options")["options"]
        database = catalog.database_version(spec.database.engine, spec.database.version, offered)
    return Resolved(version, me, database)


def _refuse_upgrade(spec: ClusterSpec, old: ClusterSpec | None, version: str) -> None:
    asked = spec.version
    if asked is None or (old and asked == old.version) or version.startswith(asked):
        return
    raise SpecError(
        f"The Kubernetes version of {spec.name!r} stays {version}.",
        "A version is chosen when a cluster is made.",
        "Leave version= out; to upgrade, use DigitalOcean's control panel.",
    )


def access(remembered: State | None, spec: ClusterSpec, resolved: Resolved) -> Access:
    """Return who could enter as the stack remembers it, and who will."""
    before: list[rules.Rule] = []
    if remembered and remembered.spec and remembered.resolved:
        before = rules.desired(remembered.spec, remembered.resolved)
    return Access(tuple(before), tuple(rules.desired(spec, resolved)))


def check(spec: ClusterSpec, wanted: tuple[rules.Rule, ...]) -> None:
    """Raise when DigitalOcean would refuse `wanted`, or nobody could use the cluster.

    Raises
    ------
    InvalidAddress
        When no IPv4 address may reach the Kubernetes API: what DigitalOcean
        makes of an empty list is nothing to rely on.
    SpecError
        When a firewall would have more rules or sources than DigitalOcean allows.
    """
    if not any(rule.layer == "control-plane" for rule in wanted):
        raise InvalidAddress(
            f"Nobody could reach the Kubernetes API of {spec.name!r}.",
            "Its firewall takes IPv4 only, and no IPv4 source is allowed to 'api'.",
            "Allow at least one, for example 'me'.",
        )
    sources = Counter((r.layer, r.direction, r.protocol, r.ports) for r in wanted)
    on_nodes = sum(layer == "nodes" for layer, *_ in sources)
    most = max(sources.values())
    trusted = sum(rule.layer == "database" for rule in wanted)
    for number, limit, what in (
        (on_nodes, _MAX_RULES, "rules of the nodes' firewall"),
        (most, _MAX_SOURCES, "sources of one rule"),
        (trusted, _MAX_TRUSTED, "trusted sources of the database"),
    ):
        if number > limit:
            raise SpecError(
                f"{number} {what} are too many.",
                f"DigitalOcean allows {limit}.",
                "Summarise sources in fewer CIDRs, or revoke what is not needed.",
            )


def refuse_lockout(target: Target, change: Access, *, here: tuple[str, ...] | None = None) -> None:
    """Raise when this machine can reach the Kubernetes API now and could not after `change`.

    Parameters
    ----------
    target : Target
        The account.
    change : Access
        Who could enter, and who will.
    here : tuple of str, optional
        The CIDRs of this machine, where they are known already.

    Raises
    ------
    LockedOut
        With what to do about it.
    """
    lost = [one for one in change.before if one.layer == "control-plane"]
    kept = [one for one in change.after if one.layer == "control-plane"]
    if not lost or algebra.subsumes(kept, lost):
        return
    try:
        mine = [parse_network(cidr) for cidr in here or address.find(target).cidrs]
    except AddressError:
        # Where this machine is not known, nobody can say that it is locked out.
        return

    def reaches(some: list[rules.Rule]) -> bool:
        return any(
            algebra.admits(some, "control-plane", "inbound", "tcp", port=443, address=str(network))
            for network in mine
        )

    if reaches(lost) and not reaches(kept):
        raise LockedOut(
            "This would lock you out.",
            f"{' and '.join(map(str, mine))}, where you are, may reach the Kubernetes API now and "
            "could not after this.",
            "Keep a grant that covers it, or pass force=True if that is meant.",
        )

"""Refuse what would destroy a cluster, its database or a pool with nodes, unless it is named.

What changes in the spec tells whether that can be at all, which costs nothing.
Only then, or where a replacement that was named has not ended well, the engine
is asked what it would do. Beside this the engine itself protects cluster and
database, whatever brings a change about, until somebody names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dotrain import account, catalog, losses
from dotrain.api import Api
from dotrain.belongings import Search
from dotrain.engine.driver import Driver
from dotrain.engine.preview import Planned
from dotrain.engine.state import PROTECTED, State
from dotrain.errors import NotFound, OperationFailed, ReplacementRefused
from dotrain.losses import Lift
from dotrain.spec import ClusterSpec, Resolved
from dotrain.turn import Turn


def check(
    api: Api,
    turn: Turn,
    driver: Driver,
    spec: ClusterSpec,
    resolved: Resolved,
    *,
    remembered: State | None,
    named: bool,
) -> tuple[Lift | None, Resolved]:
    """Return what may be destroyed, None for nothing, and what its words stand for when made anew.

    Parameters
    ----------
    api : Api
        The account.
    turn : Turn
        The operation.
    driver : Driver
        The engine.
    spec : ClusterSpec
        What should be.
    resolved : Resolved
        What its words stand for.
    remembered : State or None
        What the stack remembers.
    named : bool
        Whether somebody has named the cluster, so that it may be destroyed.

    Raises
    ------
    ReplacementRefused
        When something would be destroyed, and nobody has named it.
    SpecError
        When DigitalOcean does not offer what would be made instead.
    """
    if remembered is None or remembered.spec is None:
        return None, resolved
    causes = losses.suspects(remembered.spec, spec, remembered.resources)
    torn = remembered.unprotected
    # Somebody who has named it may go on with what was cut off, of which the
    # remembered spec says nothing any more.
    if not (causes or named or torn or losses.without(remembered.spec, spec)):
        return None, resolved
    cluster = _cluster(api, remembered)
    pools = losses.dropped(remembered.spec, spec, remembered.resources, cluster)
    causes += losses.causes(pools)
    if not (causes or named or torn):
        return None, resolved
    lift, steps = preview(driver, turn, spec, resolved, cluster)
    # What was deleted before an operation was cut off is to be made, or taken in.
    kinds = {step.kind for step in destroyed(steps)} & remembered.resources.keys()
    if not named and not causes and _is_there(api, kinds, remembered, cluster):
        raise _unfinished(spec.name, steps, cluster)
    if not named and causes and (kinds or pools):
        raise _refusal(spec.name, steps, pools, causes)
    if not kinds:
        return None, resolved
    if any(step.kind == "VPC" and step.verb == "replace" for step in steps):
        _refuse_tenants(api, spec.name, cluster)
    if "cluster" in kinds:
        options = api.get("/v2/kubernetes/options")["options"]
        catalog.check(spec, options)
        version = catalog.kubernetes_version(spec.version, options)
        resolved = replace(resolved, version=version)
    return replace(lift, kinds=frozenset(kinds)), resolved


def preview(
    driver: Driver, turn: Turn, spec: ClusterSpec, resolved: Resolved, cluster: Mapping[str, Any]
) -> tuple[Lift, list[Planned]]:
    """Return what the engine would do if nothing were protected, and what has to be lifted for it.

    Parameters
    ----------
    driver : Driver
        The engine.
    turn : Turn
        The operation.
    spec : ClusterSpec
        What should be.
    resolved : Resolved
        What its words stand for.
    cluster : mapping
        The cluster as the API describes it; empty when there is none.
    """
    # The slowest import of all (0.75 s), only where it is needed.
    from dotrain.program import create_program

    lift = Lift(inputs=("ha",) if _loses_ha(cluster, spec) else ())
    program = create_program(spec, resolved, lift=lift)
    return lift, driver.preview(program, turn.progress, unprotected=True)


def _loses_ha(cluster: Mapping[str, Any], spec: ClusterSpec) -> bool:
    return bool(cluster.get("ha")) and not spec.highly_available(cluster["version"])


def explain(name: str, error: OperationFailed) -> None:
    """Raise ReplacementRefused when it was the engine that refused to destroy something.

    That is so where neither what changes in the spec nor the state has told of it.
    """
    if any("`protect` flag" in failure for failure in error.failures):
        raise _unfinished(name, (), {}) from error


def destroyed(steps: Iterable[Planned]) -> list[Planned]:
    """Return the steps that destroy a cluster or a database."""
    return [one for one in steps if one.kind in PROTECTED and one.verb in ("replace", "delete")]


def _cluster(api: Api, remembered: State) -> Mapping[str, Any]:
    if "cluster" not in remembered.resources:
        return {}
    path = f"/v2/kubernetes/clusters/{remembered.resources['cluster']}"
    try:
        cluster: dict[str, Any] = api.get(path)["kubernetes_cluster"]
    except NotFound:
        return {}
    return cluster


def _is_there(
    api: Api, kinds: Iterable[str], remembered: State, cluster: Mapping[str, Any]
) -> bool:
    """Return whether any of what would be destroyed exists, and is not being deleted already."""
    if "cluster" in kinds and cluster and not account.is_going(cluster):
        return True
    if "database" not in kinds:
        return False
    try:
        api.get(f"/v2/databases/{remembered.resources['database']}")
    except NotFound:
        return False
    return True


def _refuse_tenants(api: Api, name: str, cluster: Mapping[str, Any]) -> None:
    """Raise when the network has to go, and a load balancer is in it that would not.

    What Kubernetes made goes with it. What somebody else put there keeps the
    network, for whose end the engine waits half an hour when the cluster has gone.
    """
    own: set[str] = set()
    if cluster:
        path = f"/v2/kubernetes/clusters/{cluster['id']}/destroy_with_associated_resources"
        own = {one["id"] for one in api.get(path).get("load_balancers") or ()}
    there = Search(api, name, filter(None, [cluster.get("id")])).find({"VPC", "load balancer"})
    tenants = [one.name for one in there if one.kind == "load balancer" and one.id not in own]
    if tenants:
        raise ReplacementRefused(
            f"The cluster {name!r} stays as it is.",
            f"Its network has to go with it, and {' and '.join(tenants)} is in that network: no "
            "Service of the cluster has made that load balancer.",
            f"Delete it, or have dotrain.down({name!r}) delete all that is there; then call up() "
            "again.",
        )


def _refusal(
    name: str, steps: Sequence[Planned], pools: Mapping[str, int], causes: Sequence[str]
) -> ReplacementRefused:
    lost = [f"the {step.kind}" for step in destroyed(steps)]
    lost += [f"the pool {pool} (nodes: {count})" for pool, count in sorted(pools.items())]
    return ReplacementRefused(
        f"The cluster {name!r} stays as it is.",
        f"This would destroy {' and '.join(lost)}, with what runs there and its data, because of "
        f"{' and '.join(causes)}.",
        f"Make another cluster under another name, or pass replace={name!r} if that is meant.",
    )


def _unfinished(
    name: str, steps: Iterable[Planned], cluster: Mapping[str, Any]
) -> ReplacementRefused:
    example = f"region={cluster['region']!r}" if cluster else "its region"
    lost = [
        f"the {step.kind} ({', '.join(step.because)})" if step.because else f"the {step.kind}"
        for step in destroyed(steps)
    ]
    return ReplacementRefused(
        f"The cluster {name!r} stays as it is.",
        "It is not what its spec says, as a replacement of it has failed: to go on would destroy "
        f"{' and '.join(lost) or 'it or its database'}.",
        f"Ask up({name!r}) for what there is, for example {example}, to keep it, or pass "
        f"replace={name!r} to go on with the replacement.",
    )

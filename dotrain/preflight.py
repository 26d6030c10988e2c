"""Check what the API can tell before anything is made, and find what is to be taken in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dotrain import adoption, catalog, names, pricing
from dotrain.api import Api
from dotrain.engine.state import State
from dotrain.errors import NameInUse, ReplacementRefused
from dotrain.spec import ClusterSpec
from dotrain.turn import Turn


def missing(spec: ClusterSpec, remembered: State | None) -> set[str]:
    """Return the names in the program of what the state does not know."""
    wanted = {"tag", "vpc", "firewall", "cluster", *map(names.pool_key, spec.live_pools)}
    if spec.database:
        wanted.add("database")
    return wanted - (remembered.resources.keys() if remembered else set())


def preflight(
    api: Api, turn: Turn, spec: ClusterSpec, remembered: State | None, version: str
) -> dict[str, str]:
    """Check what the API can tell before anything is made; return what is to be adopted.

    A stack that is complete and gets no new pool costs no request at all.

    Parameters
    ----------
    api : Api
        The account.
    turn : Turn
        The operation.
    spec : ClusterSpec
        What should be.
    remembered : State or None
        What the stack remembers.
    version : str
        The Kubernetes version.

    Raises
    ------
    NameInUse
        When the account has such a cluster, which dotrain did not make.
    ReplacementRefused
        When it has one that would not survive what is asked for.
    UnknownChoice
        When DigitalOcean does not offer what is asked for.
    """
    absent = missing(spec, remembered)
    if not absent:
        return {}
    known = remembered.resources if remembered else {}
    if "cluster" in known:
        # A pool is new; otherwise the sizes were checked with the version.
        catalog.check(spec, api.get("/v2/kubernetes/options")["options"])
    bill = pricing.lines(spec, api.pages("/v2/sizes", "sizes"), version)
    if "cluster" not in known and spec.highly_available(version) and not spec.ha:
        turn.progress.note(
            f"With Kubernetes {version}, DigitalOcean makes a highly available control plane, "
            "which is in the price: version='1.35' has none."
        )
    turn.progress.note(f"{spec.name} costs {pricing.summary(bill)}.")
    found = adoption.wait_until_gone(api, spec.name, turn)
    _refuse_taken(spec.name, found)
    if "cluster" not in known:
        _refuse_other(spec, found)
    orphans = adoption.find(api, spec, absent, found)
    adoption.wait_until_ready(api, orphans, known.get("cluster"), turn)
    return orphans


def _refuse_taken(name: str, clusters: Iterable[Mapping[str, Any]]) -> None:
    for one in clusters:
        if one["name"] == name and names.label(name) not in one["tags"]:
            raise NameInUse(
                f"There is a cluster {name!r} already, which dotrain did not make.",
                f"It has no tag {names.label(name)!r}.",
                "Choose another name.",
            )


def _refuse_other(spec: ClusterSpec, clusters: Iterable[Mapping[str, Any]]) -> None:
    """Raise when the account has this cluster, and adopting it by `spec` would destroy some of it.

    Without the state nobody remembers what it should be, and what is not asked
    for would be taken for unwanted.
    """
    for one in clusters:
        if names.label(spec.name) not in one["tags"]:
            continue
        wanted = {names.pool_name(pool) for pool in spec.pools}
        pools = one["node_pools"][1:]
        has = {pool["name"] for pool in pools}
        differs = []
        if one["region"] != spec.region:
            differs.append(f"it is in {one['region']} and not in {spec.region}")
        if one.get("ha") and not spec.highly_available(one["version"]):
            differs.append("its control plane is highly available")
        if has - wanted:
            differs.append(f"it has the pools {', '.join(sorted(has))}")
        if differs:
            raise ReplacementRefused(
                f"There is a cluster {spec.name!r} already, which this machine does not remember.",
                f"It would not survive what was asked for: {' and '.join(differs)}.",
                f"{_how_to_ask(pools)}, and it is taken over as it is; use the machine or backend "
                "that made it; or call down() to delete it.",
            )


def _how_to_ask(pools: Iterable[Mapping[str, Any]]) -> str:
    """Return how to ask for a cluster that has `pools`, as a sentence's beginning."""
    sizes: dict[str, list[str]] = {}
    for pool in pools:
        name = (pool.get("labels") or {}).get(names.POOL_LABEL, pool["name"])
        sizes.setdefault(name, []).append(pool["name"])
    # A change of size was cut off, and no spec can have both.
    twice = [" and ".join(sorted(several)) for several in sizes.values() if len(several) > 1]
    if not twice:
        return "Ask for what it is"
    return f"Delete one of {' and one of '.join(twice)} in the control panel and ask for the rest"

"""The calls of the matrix, as far as dotrain itself makes requests: in this process, no engine."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

import dotrain
from dotrain import (
    account,
    address,
    ahead,
    billing,
    connections,
    contents,
    departure,
    enforce,
    frames,
    planning,
    settle,
    stack,
    sweeping,
    target,
    teardown,
    vacating,
)
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.engine.progress import Progress
from dotrain.errors import ClusterNotFound
from dotrain.facade import Cluster
from dotrain.preflight import preflight
from dotrain.turn import Turn
from tests.live import labelled
from tests.live.conftest import Sandbox

NAME, OVER, SPENT = "bert", "over", "spent"
"""A cluster with a stack; one that is to go, and one that has cost too much, both without."""

DELAY = 0.05
"""Seconds that the sandbox takes to delete a machine, once the cluster is there."""

HOME, AWAY = "203.0.113.7", "198.51.100.4"
_PATIENCE = 2.0
_NEW_SIZE = "s-4vcpu-8gb"


@dataclass(frozen=True)
class Call:
    """A call.

    Parameters
    ----------
    make : callable
        Makes it on a sandbox, and returns what it returned, to be compared.
    before : callable
        Brings about what it needs.
    after : callable
        Takes back what it has changed, when it is over.
    """

    make: Callable[[Sandbox], Any]
    before: Callable[[Sandbox], None] | None = None
    after: Callable[[Sandbox], None] | None = None

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, and so always returns the same."""
        return self.after is None


def make(sandbox: Sandbox) -> None:
    """Make the cluster that has a stack, with all that a cluster can have around it."""
    dotrain.up(
        NAME,
        pool=dotrain.Pool(size="s-2vcpu-4gb", count=1, min=1, max=3),
        database=dotrain.Database("pg"),
        max_age="12h",
        budget="$5000",
    )
    (cluster,) = sandbox.objects("clusters")
    labelled.storage(sandbox, "data", f"k8s:{cluster['id']}")
    labelled.balancer(sandbox, cluster["vpc_uuid"])
    before = None
    while before != (before := sandbox.call("GET", "/__sandbox__/objects")):
        # Something is still being made.
        time.sleep(0.5)
    sandbox.call("POST", "/__sandbox__/settings", delay=DELAY)


@contextmanager
def quick() -> Iterator[None]:
    """Wait for little: the same code, in less time."""
    with pytest.MonkeyPatch.context() as patch:
        # What refuses to go is asked again for a quarter of an hour.
        patch.setattr(teardown, "_PATIENCE", _PATIENCE)
        patch.setattr(teardown, "_FIRST_WAIT", DELAY / 2)
        # A minute from now, a cluster has cost something.
        patch.setattr(sweeping, "_now", lambda: _now() + dt.timedelta(minutes=1))
        yield


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _turn(name: str) -> Turn:
    return Turn(target.current(), name, Progress(f"test {name}"), "an-operation")


def _cluster() -> Cluster:
    return Cluster(NAME, target.current())


def _down(name: str) -> Any:
    """Do what an operation does in a process of its own."""
    return frames.gone(teardown.down(_turn(name)))


def _up(_: Sandbox) -> Any:
    """Make sure that `up` could make what is there already: what it asks when the state is lost."""
    turn, api = _turn(NAME), Api(target.current())
    spec = stack.read_spec(turn.target, NAME)[0]
    with closing(api):
        found = address.find(turn.target)
        resolved = settle.settle(api, turn.target, spec, None, turn.progress, found=found)
        orphans = preflight(api, turn, spec, None, resolved.version)
    billing.warn_of_budget(turn.target, NAME)
    return resolved, orphans


def _plan(_: Sandbox) -> Any:
    turn = _turn(NAME)
    spec, _, remembered = stack.read_spec(turn.target, NAME)
    seen = planning.look(turn, spec, remembered, address.find(turn.target))
    return seen.resolved, seen.wanted, seen.change, seen.after, seen.now


def _rules(_: Sandbox) -> Any:
    return _cluster().rules()


def _cost(_: Sandbox) -> Any:
    return _cluster().cost(), dotrain.bill()


def _leaks(_: Sandbox) -> Any:
    return dotrain.leaks()


def _allow_me(_: Sandbox) -> Any:
    _let_in(AWAY)
    return _cluster().rules()


def _let_in(cidr: str) -> None:
    here = target.current()
    spec, _, remembered = stack.read_spec(here, NAME)
    enforce.let_in(here, spec, remembered, address.Address((f"{cidr}/32",)), title="allow_me")


def _come_home(_: Sandbox) -> None:
    _let_in(HOME)
    here = target.current()
    ahead.clear(here, NAME, ahead.read(here, NAME))


def _resize(_: Sandbox) -> Any:
    """Do what comes before the engine makes another pool, and before it deletes the old one."""
    turn, api = _turn(NAME), Api(target.current())
    spec, resolved, remembered = stack.read_spec(turn.target, NAME)
    spec = replace(spec, pools=(dotrain.Pool(size=_NEW_SIZE, count=1),))
    with closing(api):
        account.cluster(api, NAME)
        orphans = preflight(api, turn, spec, remembered, resolved.version)
        leaving = departure.find(api, spec, remembered, turn)
        cluster = remembered.resources["cluster"]
        with vacating.vacated(api, cluster, leaving, turn, Terms(drain=True)):
            pass
    return orphans, leaving


def _give_back(sandbox: Sandbox) -> None:
    for one in sandbox.objects("clusters"):
        pool = one["node_pools"][1]
        path = f"{labelled.CLUSTERS}/{one['id']}/node_pools/{pool['id']}"
        scale = {"auto_scale": True, "min_nodes": 1, "max_nodes": 3}
        sandbox.call("PUT", path, name=pool["name"], count=pool["count"], **scale)


def _around(sandbox: Sandbox) -> None:
    """Make a cluster without a stack, and something of each kind around it."""
    network = labelled.guard(sandbox, OVER)
    cluster = labelled.bare(sandbox, OVER, vpc_uuid=network)
    labelled.storage(sandbox, f"{OVER}-data", f"k8s:{cluster['id']}")
    # With the cluster's own goes what Kubernetes made; this is left by a teardown that was cut off.
    labelled.storage(sandbox, f"{OVER}-kept", f"dotrain:{OVER}")
    labelled.balancer(sandbox, network)
    size = {"size": "db-s-1vcpu-1gb", "num_nodes": 1, "region": "nyc3"}
    named = {"name": f"dotrain-{OVER}", "tags": ["dotrain", f"dotrain:{OVER}"]}
    sandbox.call("POST", "/v2/databases", engine="pg", version="16", **size, **named)


def _spent(sandbox: Sandbox) -> None:
    labelled.bare(sandbox, SPENT, "dotrain-budget:1", size="c-32")


def _sweep(_: Sandbox) -> Any:
    return dotrain.sweep()


def _teardown(_: Sandbox) -> Any:
    here = target.current()
    # Not the connection that an earlier case has left.
    connections._shared.clear()
    _cluster()._keep_what_ended()
    try:
        contents.read(here, OVER)
        return _down(OVER)
    except ClusterNotFound:
        return "gone"


def _remove(_: Sandbox) -> None:
    for name in (OVER, SPENT):
        with suppress(ClusterNotFound):
            _down(name)


CALLS = {
    "up": Call(_up),
    "allow_me": Call(_allow_me, after=_come_home),
    "resize": Call(_resize, after=_give_back),
    "plan": Call(_plan),
    "rules": Call(_rules),
    "cost": Call(_cost),
    "sweep": Call(_sweep, _spent, _remove),
    "down": Call(_teardown, _around, _remove),
    "leaks": Call(_leaks),
}

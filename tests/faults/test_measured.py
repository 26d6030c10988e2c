"""What the matrix says that each call asks for is what it asks for, with the real engine."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import dotrain
from dotrain.engine import workspace
from dotrain.target import current
from tests.faults.calls import AWAY, NAME, OVER, make
from tests.faults.endpoints import LIBRARY, PROVIDER, USED, used
from tests.live import labelled
from tests.live.conftest import Sandbox, sandbox

__all__ = ["sandbox"]

pytestmark = pytest.mark.slow


SEARCHED = {"GET /v2/kubernetes/clusters"}
"""What the provider looks through to take in a pool, of which it is given the id alone."""


class Measured:
    """Notes which endpoints calls ask for, by the call and who asks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.asked: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._sandbox = sandbox

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        before = self._sandbox.last_request()
        yield
        for who in (LIBRARY, PROVIDER):
            self.asked[name, who] |= used(self._sandbox.requests(before), who)


def test_each_call_asks_for_what_the_matrix_has(sandbox: Sandbox) -> None:
    during = Measured(sandbox)
    with during("up"):
        make(sandbox)
    cluster = dotrain.get(NAME)
    reads: dict[str, Callable[[], Any]] = {"plan": cluster.plan, "rules": cluster.rules}
    reads |= {"leaks": dotrain.leaks, "sweep": dotrain.sweep}
    for name, call in reads.items():
        with during(name):
            call()
    with during("cost"):
        cluster.cost()
        dotrain.bill()
    # An address that has moved.
    dotrain.use_sandbox(address=AWAY)
    with during("allow_me"):
        cluster.allow_me()
    for change in ({"min": 1, "max": 4}, {"size": "s-4vcpu-8gb"}):
        with during("resize"):
            cluster.resize(**change)
    # A state that was lost, with all copies of it.
    here = current()
    shutil.rmtree(workspace.directory(here, NAME))
    for path in (here.directory / "state").rglob(f"{NAME}*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    with during("up"):
        dotrain.up(NAME, pool=cluster_pool(sandbox), database=dotrain.Database("pg"))
    labelled.whole(sandbox, OVER, "dotrain-max-age:1s")
    labelled.storage(sandbox, "left", f"dotrain:{OVER}")
    time.sleep(1)
    with during("down"):
        # A sweep takes down what no state knows, as `down` does.
        dotrain.sweep()
        dotrain.down(NAME, confirm=NAME)
    for (name, who), asked in during.asked.items():
        assert asked - names(name, who) == set(), (name, who)


def cluster_pool(sandbox: Sandbox) -> dotrain.Pool:
    (cluster,) = sandbox.objects("clusters")
    pool = cluster["node_pools"][1]
    return dotrain.Pool(size=pool["size"], count=pool["count"], min=1, max=3)


def names(call: str, who: str) -> set[str]:
    """Return what the matrix has of a call.

    The engine may refresh or change, in any operation, what another has made: of the provider's
    requests it is enough that one call has them.
    """
    uses = [use for use in USED if use == (call, who) or use[1] == who == PROVIDER]
    found = {str(endpoint) for use in uses for endpoint in USED[use]}
    return found | SEARCHED if who == PROVIDER else found

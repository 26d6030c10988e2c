"""Nodes of another size take over what runs on the old ones, or the old ones go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

import dotrain
from dotrain.errors import DrainFailed, KubernetesUnreachable
from tests.kubernetes import work
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(90)

OLD, NEW = "train-s-2vcpu-4gb", "train-s-4vcpu-8gb"


@pytest.fixture(scope="module")
def other(sandbox: Sandbox) -> Iterator[dotrain.Cluster]:
    """A cluster of this module's own: its nodes come and go."""
    made = dotrain.up("sized", pool=dotrain.Pool(size="s-2vcpu-4gb", count=2))
    yield made
    made.down(confirm="sized")


def pools(cluster: dotrain.Cluster) -> dict[str, int]:
    """Return how many nodes Kubernetes has of each training pool."""
    frame = cluster.nodes()
    return frame[frame.pool != "system"].groupby("pool").size().to_dict()


def refused(cluster: dotrain.Cluster, error: type[Exception], **options) -> str:
    with pytest.raises(error) as caught:
        cluster.resize(**options)
    return str(caught.value)


def test_what_a_budget_holds_keeps_the_old_pool_working_and_the_next_call_goes_on(other) -> None:
    endpoint, kubeconfig = other.outputs["k8s_cluster_endpoint"], other.kubeconfig()
    with work.deployed(other, "web", 4):
        with work.budget(other, "web", 4):
            said = refused(other, DrainFailed, size="s-4vcpu-8gb", drain_timeout="1s")
            assert "web" in said
            frame = other.nodes()
            # Both pools are there, and the old one takes Pods as before.
            assert pools(other) == {"train": 4}
            assert frame.schedulable.all()
            assert len(work.running(other, "web")) == 4
        before = other.operation
        other.resize(size="s-4vcpu-8gb")
        frame = other.nodes()
        assert set(frame[frame.pool == "train"]["size"]) == {"s-4vcpu-8gb"}
        work.until(lambda: len(work.running(other, "web")) == 4)
        assert before is not None
    assert other.outputs["k8s_cluster_endpoint"] == endpoint
    assert kubeconfig == other.kubeconfig()


DRAIN = """
import os, signal, sys
from contextlib import closing
import dotrain
from dotrain import account, target, vacating
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.engine.progress import Progress
from dotrain.turn import Turn
dotrain.use_sandbox(kubernetes=True)
turn = Turn(target.current(), "sized", Progress("resize sized"), "")
with closing(Api(target.current())) as api:
    made = account.cluster(api, "sized")
    ids = {pool["name"]: pool["id"] for pool in made["node_pools"][1:]}
    leaving = account.leaving(api, made["id"], ids)
    with vacating.vacated(api, made["id"], leaving, turn, Terms()):
        print((~dotrain.get("sized").nodes().schedulable).sum(), flush=True)
        if sys.argv[1] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt
"""


def test_nodes_that_were_emptied_and_stay_take_pods_again(other) -> None:
    def drain(end: str) -> None:
        code = [sys.executable, "-c", DRAIN, end]
        ran = subprocess.run(code, capture_output=True, text=True, timeout=60, check=False)
        assert ran.stdout == "2\n", ran.stderr

    drain("interrupted")
    assert other.nodes().schedulable.all()
    drain("killed")
    assert other.nodes().schedulable.sum() == 1
    other.up()
    assert other.nodes().schedulable.all()


def test_a_cluster_out_of_reach_is_said_so_before_anything_is_changed(other, sandbox) -> None:
    before = sandbox.last_request()
    dotrain.use_sandbox(address="198.51.100.9")
    try:
        said = refused(other, KubernetesUnreachable, size="s-2vcpu-2gb")
        assert "198.51.100.9" in said
        assert "allow_me()" in said
        assert "drain=False" in said
    finally:
        dotrain.use_sandbox()
    assert sandbox.changes(before) == []


def test_a_pause_takes_the_training_nodes_out_of_kubernetes_too(other) -> None:
    with work.deployed(other, "patient", 2):
        left = other.pause()
        assert pools(other) == {}
        assert [line.item for line in left.lines if line.hourly] == ["pool system: 1 x s-1vcpu-2gb"]
        other.resume()
        assert pools(other) == {"train": 2}
        work.until(lambda: len(work.running(other, "patient")) == 2)

"""Nodes are emptied as the owners of what runs there allow, or take Pods as before."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

import dotrain
from dotrain import draining, idleness
from dotrain.errors import AddressMoved, DrainFailed, KubernetesError
from dotrain.kube import Kube
from tests.kubernetes import work

pytestmark = pytest.mark.long(40)

SCRATCH = {"volumes": [{"name": "scratch", "emptyDir": {}}]}


class Interrupted(Exception):
    """What somebody stops a drain with."""


def drain(cluster: dotrain.Cluster, *nodes: str, timeout: float = 20, **options: Any) -> list[str]:
    """Drain, and return what was said."""
    said: list[str] = options.pop("said", [])
    client = options.pop("kube", None) or cluster._kube()
    stop = options.pop("stop", lambda: None)
    pools = options.pop("pools", ())
    note = options.pop("note", said.append)
    draining.drain(client, nodes, timeout=timeout, note=note, stop=stop, pools=pools)
    return said


@contextlib.contextmanager
def failing(cluster: dotrain.Cluster, what: str, **labels: str) -> Iterator[None]:
    """Have the API server answer 500 to changes, because what it has to ask is not there.

    To those of a kind of object that have these labels.
    """
    client = cluster._kube()
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/failing"
    hook = {
        "name": "failing.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["*"],
                "resources": [what, "limitranges"],
            }
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "objectSelector": {"matchLabels": labels},
    }
    manifest = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "failing"},
        "webhooks": [hook],
    }
    client.apply(path, manifest)
    try:
        work.until(lambda: fails(client, labels))
        yield
    finally:
        client.delete(path)


def fails(client: Kube, labels: dict[str, str]) -> bool:
    """Say whether `failing` is in force, which takes a moment."""
    probe = {"metadata": {"name": "probe", "labels": labels}, "spec": {"limits": []}}
    try:
        client._send(
            "POST",
            url="limitranges",
            namespace="default",
            params={"dryRun": "All"},
            content=json.dumps({"apiVersion": "v1", "kind": "LimitRange", **probe}),
        )
    except KubernetesError as error:
        return error.status == 500
    return False


def running(cluster: dotrain.Cluster, app: str) -> int:
    return len(work.running(cluster, app))


def cordoned(cluster: dotrain.Cluster) -> set[str]:
    frame = cluster.nodes()
    return set(frame[~frame.schedulable].name)


@pytest.fixture
def nodes(cluster: dotrain.Cluster):
    """The two training nodes, which take Pods again afterwards."""
    found = work.training_nodes(cluster)
    yield found
    for name in found:
        cluster._kube().patch(
            work.Node,
            name,
            {
                "spec": {"unschedulable": None},
                "metadata": {"annotations": {"dotrain/cordoned": None}},
            },
        )


def on(cluster: dotrain.Cluster, node: str) -> set[str]:
    frame = cluster.pods("default")
    return set(frame[frame.node == node].name)


def test_a_node_is_emptied_and_what_ran_there_runs_elsewhere(cluster, nodes) -> None:
    with work.deployed(cluster, "web", 6, **SCRATCH):
        assert on(cluster, nodes[0])
        said = drain(cluster, nodes[0], "train-that-is-gone")
        assert on(cluster, nodes[0]) == set()
        assert cordoned(cluster) == {nodes[0]}
        work.until(lambda: running(cluster, "web") == 6)
        everywhere = cluster.pods("kube-system")
    # One of a DaemonSet is still there.
    assert nodes[0] in set(everywhere.node)
    assert said[0] == f"Cordoned: {nodes[0]}."
    assert any("emptyDir" in one for one in said)


def test_a_bare_pod_goes_and_that_is_said(cluster, nodes) -> None:
    spec = {"containers": [work.CONTAINER], "nodeName": nodes[0]}
    with work.made(cluster, "v1/Pod", "bare", spec=spec):
        said = drain(cluster, nodes[0])
        assert on(cluster, nodes[0]) == set()
    assert any("do not come back elsewhere: default/bare" in one for one in said)


def test_a_budget_is_kept_to_while_they_move(cluster, nodes) -> None:
    client = cluster._kube()
    # All of them on one node, and then room on the other.
    client.patch(work.Node, nodes[1], {"spec": {"unschedulable": True}})
    with work.deployed(cluster, "kept", 3), work.budget(cluster, "kept", 2):
        client.patch(work.Node, nodes[1], {"spec": {"unschedulable": None}})
        assert len(on(cluster, nodes[0])) == 3
        ready: list[int] = []
        drain(cluster, nodes[0], stop=lambda: ready.append(running(cluster, "kept")))
        assert on(cluster, nodes[0]) == set()
    assert min(ready) >= 2


def test_a_budget_that_allows_nothing_ends_it_and_all_is_as_before(cluster, nodes) -> None:
    client = cluster._kube()
    client.patch(work.Node, nodes[1], {"spec": {"unschedulable": True}})
    with work.deployed(cluster, "firm", 2), work.budget(cluster, "firm", 2):
        with pytest.raises(DrainFailed, match="firm-budget") as caught:
            drain(cluster, *nodes, timeout=1, said=(said := []))
        assert cordoned(cluster) == {nodes[1]}
        assert running(cluster, "firm") == 2
    assert {one.rpartition("-")[0].rpartition("-")[0] for one in caught.value.objects} == {
        "default/firm"
    }
    assert "take Pods as before" in caught.value.fix
    assert sum("has to wait" in one and "firm-budget" in one for one in said) == 1


def test_of_two_budgets_over_one_pod_that_is_said_and_not_waited_for(cluster, nodes) -> None:
    with (
        work.deployed(cluster, "twice", 1),
        work.budget(cluster, "twice", 0),
        work.budget(cluster, "twice", 0, name="another"),
        pytest.raises(DrainFailed, match="more than one PodDisruptionBudget") as caught,
    ):
        drain(cluster, *nodes, timeout=300)
    assert "until then the nodes take Pods as before" in caught.value.fix
    assert cordoned(cluster) == set()


@pytest.mark.parametrize(
    ("what", "noted"), [("nodes", "Not all are cordoned yet"), ("pods/eviction", "has to wait")]
)
def test_an_api_that_fails_for_a_moment_is_asked_again_and_what_it_says_is_noted(
    cluster, nodes, what, noted
) -> None:
    said: list[str] = []
    with work.deployed(cluster, "hooked", 1), contextlib.ExitStack() as broken:
        broken.enter_context(failing(cluster, what))

        def note(sentence: str) -> None:
            said.append(sentence)
            if noted in sentence:
                broken.close()

        drain(cluster, *nodes, note=note)
    (waited,) = (one for one in said if noted in one)
    assert 'failed calling webhook "failing.example.com"' in waited
    assert sum(one.startswith("Evicting") for one in said) == 1


def test_a_node_that_joins_an_old_pool_meanwhile_is_emptied_too(cluster, nodes) -> None:
    said: list[str] = []
    slow = {"sandbox.dotrain/stop-after": "500ms"}
    (pool,) = {doks_pool(cluster, name) for name in nodes}
    metadata = {"namespace": None, "labels": {"doks.digitalocean.com/node-pool": pool}}
    with work.deployed(cluster, "slow", 1, annotations=slow), contextlib.ExitStack() as later:

        def note(sentence: str) -> None:
            said.append(sentence)
            if sentence.startswith("Evicting"):
                later.enter_context(work.made(cluster, "v1/Node", "joined", metadata=metadata))

        drain(cluster, nodes[0], pools=[pool], note=note)
        assert cordoned(cluster) == {*nodes, "joined"}
    assert said[0] == f"Cordoned: {nodes[0]}, {nodes[1]}."
    assert "Cordoned: joined." in said


def doks_pool(cluster: dotrain.Cluster, node: str) -> str:
    (found,) = cluster._kube().list(work.Node, fields=f"metadata.name={node}")
    return str(found["metadata"]["labels"]["doks.digitalocean.com/node-pool"])


def test_where_one_node_cannot_be_uncordoned_the_others_are_and_anothers_cordon_stays(
    cluster, nodes
) -> None:
    client, said = cluster._kube(), []
    drain(cluster, *nodes)
    (system,) = set(cluster.nodes().name) - set(nodes)
    client.patch(work.Node, system, {"spec": {"unschedulable": True}})
    first = {"kubernetes.io/hostname": nodes[0]}
    try:
        with failing(cluster, "nodes", **first):
            draining.uncordon(client, [system, *nodes, "gone"], said.append)
        assert cordoned(cluster) == {system, nodes[0]}
        (sentence,) = said
        assert sentence.startswith(f"Still cordoned: {nodes[0]}. ")
        # Of these pools and no others, as after a kernel that was killed.
        draining.recover(client, ["another-pool"], said.append)
        assert cordoned(cluster) == {system, nodes[0]}
        pools = {doks_pool(cluster, name) for name in (*nodes, system)}
        draining.recover(client, pools, said.append)
        assert cordoned(cluster) == {system}
        assert nodes[0] in said[-1]
    finally:
        client.patch(work.Node, system, {"spec": {"unschedulable": None}})


def test_an_interrupt_ends_it_and_the_nodes_take_pods_again(cluster, nodes) -> None:
    started = time.monotonic()

    def stop() -> None:
        if time.monotonic() - started > 0.3:
            raise Interrupted

    slow = {"sandbox.dotrain/stop-after": "1s"}
    with work.deployed(cluster, "slow", 4, annotations=slow):
        with pytest.raises(Interrupted):
            drain(cluster, *nodes, stop=stop)
        assert cordoned(cluster) == set()


def test_when_the_api_is_out_of_reach_what_stays_cordoned_is_said(cluster, nodes) -> None:
    said: list[str] = []

    def lose_sight() -> None:
        if said:
            dotrain.use_sandbox(address="198.51.100.4")
            cluster._kube().close()

    with work.deployed(cluster, "far", 2):
        try:
            with pytest.raises(AddressMoved):
                drain(cluster, nodes[0], stop=lose_sight, said=said)
        finally:
            dotrain.use_sandbox()
        assert cordoned(cluster) == {nodes[0]}
    assert said[-1].startswith(f"Still cordoned: {nodes[0]}. ")
    assert "allow_me" in said[-1]


def test_nodes_that_a_drain_left_behind_when_it_was_killed_are_taken_for_its_own(
    cluster, nodes
) -> None:
    mark = {"annotations": {"dotrain/cordoned": "true"}}
    cluster._kube().patch(work.Node, nodes[0], {"metadata": mark, "spec": {"unschedulable": True}})
    with pytest.raises(Interrupted):
        drain(cluster, nodes[0], stop=iter_raise(Interrupted, after=1))
    assert cordoned(cluster) == set()


def iter_raise(error: type[Exception], after: int) -> Any:
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise error

    return stop


def test_the_documented_rights_are_enough_to_drain_and_to_see_idleness(cluster, nodes) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    with work.deployed(cluster, "guarded", 2):
        with work.limited(cluster, "drainer", list(draining.RULES)) as theirs:
            drain(cluster, nodes[0], kube=theirs)
        with work.limited(cluster, "reaper", list(idleness.RULES)) as theirs:
            assert idleness.idle_since(theirs, now) is None
        assert on(cluster, nodes[0]) == set()


def test_a_cluster_is_idle_since_its_last_pod_ended(cluster) -> None:
    pod = {"containers": [work.CONTAINER], "restartPolicy": "Never"}
    template = {"spec": pod, "metadata": {"annotations": {"sandbox.dotrain/run-for": "1500ms"}}}
    began = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    client = cluster._kube()
    with work.made(cluster, "batch/v1/Job", "short", spec={"template": template}):
        work.until(lambda: not cluster.pods("default").empty)
        assert idleness.idle_since(client, dt.datetime.now(dt.timezone.utc)) is None
        work.until(lambda: "Succeeded" in set(cluster.pods("default").phase))
        now = dt.datetime.now(dt.timezone.utc)
        since = idleness.idle_since(client, now)
        assert since is not None
        assert began <= since <= now
    # It is deleted, and its events still say when that was.
    later = idleness.idle_since(client, dt.datetime.now(dt.timezone.utc))
    assert later is not None
    assert later >= since

"""A cluster seen through its own Kubernetes API: client, nodes, Pods, events, readiness."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import yaml

import dotrain
from dotrain import client, reachability, target
from dotrain.errors import AddressMoved, ClusterNotFound, KubernetesForbidden, NotReady, SpecError
from tests.kubernetes import work

pytestmark = pytest.mark.long(20)

STALE = "sandbox_kube_that-has-expired"


@pytest.fixture
def sent(cluster: dotrain.Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests to the Kubernetes API from now on, as method and path."""
    kind, found = type(cluster.kube()), []
    call = kind.call_api

    def noted(self: Any, method: str = "GET", **request: Any) -> Any:
        found.append(f"{method} {request.get('url')}")
        return call(self, method, **request)

    monkeypatch.setattr(kind, "call_api", noted)
    return found


def namespaces(cluster: dotrain.Cluster) -> set[str]:
    return {one.name for one in cluster.kube().get("namespaces")}


def test_the_client_is_kr8s_and_the_same_one_for_the_whole_process(cluster) -> None:
    assert "kube-system" in namespaces(cluster)
    assert dotrain.get(cluster.name).kube() is cluster.kube()


def test_it_works_where_an_event_loop_runs_and_on_threads_of_ones_own(cluster) -> None:
    async def as_a_notebook_does() -> set[str]:
        return namespaces(cluster)

    assert "default" in asyncio.run(as_a_notebook_does())
    with ThreadPoolExecutor(4) as pool:
        assert all("default" in one for one in pool.map(namespaces, [cluster] * 8))


def test_a_token_that_is_refused_is_renewed_and_neither_is_shown(cluster, sandbox, caplog) -> None:
    kr8s = cluster.kube()
    before = sandbox.last_request()
    kr8s._bearer.credentials = replace(kr8s._bearer.credentials, token=STALE)
    with caplog.at_level(logging.DEBUG), ThreadPoolExecutor(4) as pool:
        assert all("default" in one for one in pool.map(namespaces, [cluster] * 4))
    fresh = kr8s._bearer.credentials.token
    asked = [one["path"] for one in sandbox.requests(before) if "credentials" in one["path"]]
    assert len(asked) == 1
    assert "asking for another" in caplog.text
    for token in (STALE, fresh):
        assert token not in caplog.text
        assert token not in f"{kr8s!r} {kr8s.auth.token!r} {vars(kr8s)} {cluster._kube()!r}"


def test_nodes_say_pool_size_and_how_many_pods_they_have_in_two_requests(cluster, sent) -> None:
    with work.deployed(cluster, "seen", 4):
        sent.clear()
        frame = cluster.nodes()
        assert sent == ["GET nodes", "GET pods"]
        training = frame[frame.pool == "train"]
        counted = cluster.pods("default").groupby("node").size()
        system = cluster.pods("kube-system").groupby("node").size()
    assert len(training) == 2
    assert set(training["size"]) == {cluster.spec.pools[0].size}
    assert frame.ready.all()
    assert frame.schedulable.all()
    assert (counted.add(system, fill_value=0).loc[training.name] == training.pods.values).all()


def test_pods_are_those_of_a_namespace_or_all(cluster) -> None:
    with work.deployed(cluster, "mine", 3):
        assert cluster.pods("default").name.str.startswith("mine-").sum() == 3
        assert {"default", "kube-system"} <= set(cluster.pods().namespace)
    assert cluster.pods("default").empty
    assert list(cluster.pods("default").dtypes) == list(cluster.pods().dtypes)


def test_pods_come_in_pages(cluster, sent, monkeypatch) -> None:
    with work.deployed(cluster, "paged", 5):
        monkeypatch.setattr(client, "_PAGE", 2)
        sent.clear()
        assert len(cluster.pods("default")) == 5
        # kr8s' own lists, too.
        assert len(list(cluster.kube().get(work.Pod, namespace="default"))) == 5
    assert sent[:6] == ["GET pods"] * 6


def test_events_say_why_a_pod_does_not_start(cluster) -> None:
    container = {**work.CONTAINER, "resources": {"limits": {"nvidia.com/gpu": "8"}}}
    with work.made(cluster, "v1/Pod", "greedy", spec={"containers": [container]}):
        work.until(lambda: "FailedScheduling" in set(cluster.events("default").reason))
        frame = cluster.events("default")
        (row,) = frame[frame.object == "Pod/default/greedy"].to_dict("records")
        assert "Insufficient nvidia.com/gpu" in row["message"]
        (pod,) = cluster.pods("default").to_dict("records")
    assert (pod["phase"], pod["reason"], pod["gpus"]) == ("Pending", "Unschedulable", 8)


def test_wait_ready_returns_at_once_when_all_is_ready(cluster) -> None:
    assert cluster.wait_ready("20s") is cluster


def test_wait_ready_says_what_is_not_ready(cluster) -> None:
    name = work.training_nodes(cluster)[0]
    own = cluster._kube()
    own.patch(work.Node, name, {"spec": {"unschedulable": True}})
    try:
        with pytest.raises(NotReady, match="takes no Pods") as caught:
            cluster.wait_ready("1s")
    finally:
        own.patch(work.Node, name, {"spec": {"unschedulable": None}})
    (said,) = caught.value.causes
    assert name in said
    assert dict(cluster.nodes().set_index("name").schedulable)[name]


@pytest.mark.parametrize("timeout", ["soon", "0s", 5])
def test_wait_ready_takes_spans_of_time_alone(cluster, timeout) -> None:
    with pytest.raises(SpecError, match="span of time"):
        cluster.wait_ready(timeout)


def test_who_has_moved_is_told_so_and_allow_me_lets_in(cluster, sandbox) -> None:
    dotrain.use_sandbox(address="198.51.100.4")
    try:
        # A firewall decides about new connections alone.
        cluster._kube().close()
        for call in (cluster.pods, cluster._kube().check):
            with pytest.raises(AddressMoved, match=r"198\.51\.100\.4.*allow_me"):
                call()
        with pytest.raises(AddressMoved):
            list(cluster.kube().get(work.Pod))
        cluster.allow_me()
        cluster._kube().check()
        assert len(cluster.nodes()) == 3
    finally:
        dotrain.use_sandbox()
        cluster.allow_me()


def test_a_cluster_that_is_gone_is_said_to_be_gone(cluster) -> None:
    gone = {"id": "00000000-0000-4000-8000-000000000000", "name": "gone"}
    error = reachability.explain(target.current(), gone, "ConnectError")
    assert isinstance(error, ClusterNotFound)


def test_what_the_token_may_not_do_is_said_without_showing_it(cluster) -> None:
    with work.limited(cluster, "nobody", []) as theirs:
        with pytest.raises(KubernetesForbidden, match="cannot list resource") as caught:
            theirs.list(work.Pod)
        token = theirs.client.auth.token
    # As a debugger, a verbose traceback and an error tracker show it.
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert token not in "".join(shown.format())


def test_kubeconfig_is_named_in_the_environment(cluster, monkeypatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    path = cluster.use_kubeconfig()
    assert os.environ["KUBECONFIG"] == str(path)
    (there,) = yaml.safe_load(path.read_text())["clusters"]
    assert there["cluster"]["server"] == cluster.kube().auth.server

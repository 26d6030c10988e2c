"""Measure what goes to a cluster's own Kubernetes API: Pods as a table, and nodes emptied.

Beside each stands the same by hand: one list of all Pods by plain HTTP, and a
drain as kubectl does it, all nodes cordoned first and then emptied one after
the other, looking each second whether the Pods are gone. The control plane is a
real one, and its kubelets only pretend: a Pod takes a second to end.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
from kr8s.objects import Node, Pod
from measure import Target, print_targets, workplace

import dotrain
from dotrain import account, credentials, draining
from dotrain.api import Api
from dotrain.connections import connect
from dotrain.kube import Kube

NODES = 20
PODS = 1000
DRAINED = 100
ROUNDS = 5
DRAINS = 2
_ENDS = {"sandbox.dotrain/stop-after": "1s"}


def pod(number: int, nodes: list[str]) -> dict[str, Any]:
    """Return the next Pod, on the next of the nodes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"train-{number}", "namespace": "default", "annotations": _ENDS},
        "spec": {
            "nodeName": nodes[number % len(nodes)],
            "containers": [{"name": "main", "image": "python:3.13"}],
        },
    }


def fill(cluster: dotrain.Cluster, nodes: list[str], count: int) -> None:
    """Let so many Pods run on the nodes, as many on each."""
    with ThreadPoolExecutor(16) as pool:
        for one in range(count):
            pool.submit(Pod(pod(one, nodes), api=cluster.kube()).create)
    while (cluster.pods("default").phase == "Running").sum() < count:
        time.sleep(0.5)


def empty(cluster: dotrain.Cluster) -> None:
    """Delete all Pods of the default namespace."""
    with ThreadPoolExecutor(16) as pool:
        for one in cluster.kube().get(Pod, namespace="default"):
            pool.submit(one.delete)
    while len(cluster.pods("default")):
        time.sleep(0.5)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def lists_of_pods(plain: httpx.Client) -> int:
    """Return how many lists of Pods the API server has answered so far."""
    lines = plain.get("/metrics").raise_for_status().text.splitlines()
    asked = [one for one in lines if one.startswith("apiserver_request_total{")]
    lists = [one for one in asked if 'resource="pods"' in one and 'verb="LIST"' in one]
    return sum(int(float(one.rpartition(" ")[2])) for one in lists)


def drain_one_after_the_other(kube: Kube, nodes: Iterable[str]) -> None:
    """Empty nodes as kubectl does."""
    nodes = list(nodes)
    for name in nodes:
        kube.patch(Node, name, {"spec": {"unschedulable": True}})
    for name in nodes:
        there = draining.to_evict(kube.list(Pod, fields=f"spec.nodeName={name}"), {name})
        with ThreadPoolExecutor(len(there)) as pool:
            list(pool.map(kube.evict, there))
        while draining.to_evict(kube.list(Pod, fields=f"spec.nodeName={name}"), {name}):
            time.sleep(1)


def measure_pods(cluster: dotrain.Cluster, known: credentials.Credentials) -> list[Target]:
    """Return what `pods()` of 1,000 Pods costs beside one list by hand."""
    with httpx.Client(
        base_url=known.server,
        headers={"Authorization": f"Bearer {known.token}"},
        verify=known.trust(),
        timeout=30,
    ) as plain:

        def by_hand() -> int:
            return len(plain.get("/api/v1/pods").raise_for_status().json()["items"])

        rounds = [(seconds(cluster.pods), seconds(by_hand)) for _ in range(ROUNDS)]
        before = lists_of_pods(plain)
        there = len(cluster.pods())
        lists = lists_of_pods(plain) - before
        assert by_hand() == there >= PODS
    ours, theirs = (statistics.median(one) for one in zip(*rounds, strict=True))
    print("| 1,000 Pods | s |\n|---|---|")
    print(f"| `pods()`, a DataFrame | {ours:.3f} |\n| one list of all, as JSON | {theirs:.3f} |\n")
    return [
        Target("`pods()` of 1,000 Pods: list calls", lists, 3),
        Target("`pods()` of 1,000 Pods / one list by plain HTTP", ours / theirs, 2),
    ]


def measure_drain(cluster: dotrain.Cluster, kube: Kube, nodes: list[str]) -> list[Target]:
    """Return what it takes to empty 20 nodes beside one after the other."""

    def ours() -> None:
        draining.drain(kube, nodes, timeout=120, note=lambda _: None, stop=lambda: None)

    taken: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(DRAINS):
        for name, call in (
            ("ours", ours),
            ("theirs", lambda: drain_one_after_the_other(kube, nodes)),
        ):
            fill(cluster, nodes, DRAINED)
            taken[name].append(seconds(call))
            assert cluster.pods("default").empty
            for node in nodes:
                kube.patch(Node, node, {"spec": {"unschedulable": None}})
    ours_, theirs_ = (statistics.median(taken[name]) for name in ("ours", "theirs"))
    print("| 20 nodes, 100 Pods | s |\n|---|---|")
    print(f"| `drain` | {ours_:.1f} |\n| one node after the other | {theirs_:.1f} |\n")
    return [Target("drain of 20 nodes / one after the other", ours_ / theirs_, 0.5)]


def main() -> None:
    """Print the tables."""
    with workplace():
        target = dotrain.use_sandbox(kubernetes=True)
        start = time.perf_counter()
        cluster = dotrain.up("bench", pool=dotrain.Pool(size="s-4vcpu-8gb", count=NODES))
        cluster.wait_ready("2m")
        ready = time.perf_counter() - start
        frame = cluster.nodes()
        nodes = list(frame[frame.pool == "train"].name)
        with closing(Api(target)) as api:
            (found,) = account.clusters(api)
            known = credentials.fetch(api, found["id"])
            kube = connect(target, api, found)
        with closing(kube):
            fill(cluster, nodes, PODS)
            targets = measure_pods(cluster, known)
            empty(cluster)
            targets += measure_drain(cluster, kube, nodes)
        what = f"`up` and `wait_ready`, with a control plane of its own and {NODES} nodes"
        print_targets([*targets, Target(what, ready, 30, " s")])


if __name__ == "__main__":
    main()

"""Dask on a cluster: its real operator, scheduler and workers, by its real chart and Helm."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from dask_kubernetes.operator import make_cluster_spec
from kr8s.objects import Node, Pod

import dotrain
from dotrain import idleness, objects
from dotrain.engine import helm
from dotrain.errors import (
    JobNameTaken,
    KubernetesNotFound,
    NotReady,
    OperatorFailed,
    SpecError,
    TaskDoesNotFit,
)
from dotrain.frameworks import charts
from dotrain.frameworks.charts import Chart
from dotrain.frameworks.dask import DaskCluster
from dotrain.frameworks.pods import NAMESPACE
from dotrain.kube import Kube
from tests.kubernetes import operators, work

pytestmark = pytest.mark.long(100)

HOOKED = """
{{- if .Values.hook }}
{"apiVersion": "batch/v1", "kind": "Job",
 "metadata": {"name": "slow", "annotations": {"helm.sh/hook": "pre-install"}},
 "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never",
          "containers": [{"name": "main", "image": "image:1"}]}}}}
{{- else }}
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "slow"}}
{{- end }}
"""
SIZE = {"cpus": 0.5, "memory": "512Mi"}
ACCOUNT = "dotrain-dask-dask-kubernetes-operator"


@pytest.fixture(scope="module")
def dask(
    cluster: dotrain.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DaskCluster]:
    """A Dask cluster with one worker."""
    kopf = [str(Path(sys.executable).with_name("kopf")), "run", "--namespace", NAMESPACE]
    module = ["-m", "dask_kubernetes.operator.controller"]
    with operators.playing(cluster, ACCOUNT, [*kopf, *module], tmp_path_factory.mktemp("operator")):
        found = cluster.dask(workers=1, **SIZE, timeout="60s")
        # A Pod of the sandbox is ready as soon as its process runs.
        work.until(partial(answers, f"{found.dashboard}/health"))
        for forward in found._forwards.values():
            forward.close()
        found._forwards.clear()
        yield found


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url).is_success
    return False


def test_a_function_runs_on_a_worker_through_the_forward(cluster, dask) -> None:
    with dask.client() as client:
        assert client.submit(sum, [1, 2]).result(timeout=30) == 3
        (worker,) = client.scheduler_info()["workers"].values()
    assert (worker["nthreads"], worker["memory_limit"]) == (1, 512 * 2**20)
    assert dask.address.startswith("tcp://127.0.0.1:")
    assert httpx.get(f"{dask.dashboard}/health").text == "ok"


def test_the_operator_has_no_rights_elsewhere(cluster, dask) -> None:
    def may(verb: str, resource: str, namespace: str) -> bool:
        asked = {"verb": verb, "resource": resource, "namespace": namespace}
        review = {
            "user": f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}",
            "resourceAttributes": asked,
        }
        answer = cluster._kube()._send(
            "POST",
            version="",
            base="/apis/authorization.k8s.io/v1",
            url="subjectaccessreviews",
            content=json.dumps({"spec": review}),
        )
        return answer["status"]["allowed"]

    assert may("create", "pods", NAMESPACE)
    assert not may("list", "pods", "default")
    assert not may("get", "secrets", NAMESPACE)


def test_nobody_gets_in_but_its_own_pods_and_the_operator(cluster, dask) -> None:
    path = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"
    assert "ingress" not in cluster._kube().read(f"{path}/closed")["spec"]
    policy = cluster._kube().read(f"{path}/dask")
    (rule,) = policy["spec"]["ingress"]
    labels = [one["podSelector"]["matchLabels"] for one in rule["from"]]
    assert labels == [
        {"dotrain/job": "dask"},
        {"app.kubernetes.io/name": "dask-kubernetes-operator"},
    ]
    assert [one["kind"] for one in policy["metadata"]["ownerReferences"]] == ["DaskCluster"]


def test_the_same_call_finds_the_cluster_and_another_size_is_refused(cluster, dask) -> None:
    found = cluster.dask(workers=1, **SIZE)
    assert (found.workers, found.name) == (1, dask.name)
    # Nor does what is not said matter, and it is seen without a port that is opened for it.
    assert cluster.dask().workers == 1
    assert repr(found) == "<DaskCluster 'dask'>"
    assert not found._forwards
    with pytest.raises(TaskDoesNotFit, match="no room for 99 workers"):
        cluster.dask(workers=99)
    with pytest.raises(SpecError, match=r"made with another cpus=\. .*close_dask\('dask'\)"):
        cluster.dask(workers=1, cpus=1, memory="512Mi")


def test_scaling_makes_more_workers(cluster, dask) -> None:
    assert cluster.dask(workers=2, **SIZE, timeout="30s").workers == 2
    pods = cluster.pods(NAMESPACE)
    assert pods.name.str.contains("worker").sum() == 2
    with dask.client() as client:
        client.wait_for_workers(2, timeout=30)
    with pytest.raises(SpecError, match="at least 1"):
        dask.scale(0)


def test_what_does_not_start_is_said_with_its_reason(cluster, dask) -> None:
    said = r"'broken' is not ready after 3 s.*broken-scheduler-\S+ is Pending (Err)?Image"
    with pytest.raises(NotReady, match=said) as caught:
        cluster.dask(name="broken", image="does-not-exist:1", **SIZE, timeout="3s")
    assert "close_dask('broken') deletes it" in caught.value.fix
    with pytest.raises(SpecError, match="other clusters of its kind: broken"):
        dask.close(operator=True)
    assert "the Dask cluster 'broken'" in cluster._working()
    cluster.close_dask("broken")
    assert not cluster.pods(NAMESPACE).name.str.startswith("broken").any()


def test_a_job_and_a_cluster_do_not_share_a_name(cluster, dask) -> None:
    job = cluster.run("sleep 600", name="mix", image="python:3.13", **SIZE)
    with pytest.raises(SpecError, match="There is a Job 'mix' already"):
        cluster.dask(name="mix", **SIZE)
    job.delete()
    with pytest.raises(JobNameTaken, match="'dask'"):
        cluster.run("true", name="dask", image="python:3.13", **SIZE)


def test_the_operator_is_beside_the_system_and_no_work(cluster, dask) -> None:
    (pod,) = [one for one in cluster._kube().list(Pod, namespace=NAMESPACE) if operators_own(one)]
    (node,) = [one for one in cluster._kube().list(Node) if named(one, objects.node_of(pod))]
    assert objects.doks_pool_of(node) == cluster.spec.system.name
    assert not idleness.is_working([pod])


def test_an_operator_of_somebody_else_is_used(cluster, dask) -> None:
    elsewhere = replace(dask.operator, chart=replace(dask.operator.chart, release="not-ours"))
    assert elsewhere.ensure(cluster._kube(), cluster.kubeconfig, 10, print) == NAMESPACE
    assert not cluster.pods(NAMESPACE).name.str.startswith("not-ours").any()
    with pytest.raises(SpecError, match="not installed by dotrain"):
        elsewhere.check_unused(cluster._kube(), "dask")


@pytest.mark.slow
def test_an_old_operator_is_brought_up_to_date_with_its_definitions(cluster, dask) -> None:
    newer = replace(dask.operator, tag="9999.1.0")
    values = {**newer.chart.values, "image": {"tag": newer.tag}}
    newer = replace(newer, chart=replace(newer.chart, values=values))
    definition = (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/daskjobs.kubernetes.dask.org"
    )
    kube = cluster._kube()
    kube.delete(definition)
    work.until(lambda: not served(kube, definition))
    newer.ensure(kube, cluster.kubeconfig, 30, print)
    assert newer.find(kube)["spec"]["template"]["spec"]["containers"][0]["image"].endswith(
        newer.tag
    )
    assert kube.read(definition)
    # An older one does not take it back.
    dask.operator.ensure(kube, cluster.kubeconfig, 30, print)
    assert dask.operator.find(kube)["metadata"]["generation"] == 2


def operators_own(pod: dict[str, Any]) -> bool:
    return pod["metadata"]["name"].startswith("dotrain-dask")


def named(one: dict[str, Any], name: str) -> bool:
    return one["metadata"]["name"] == name


def test_an_installation_that_was_killed_is_begun_anew(
    cluster, dask, tmp_path, monkeypatch
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: slow, version: 1.0.0}")
    (tmp_path / "templates" / "all.json").write_text(HOOKED)
    chart = Chart("the slow operator", "slow", str(tmp_path), values={"hook": True})
    config = str(cluster.kubeconfig())
    where = ["--kubeconfig", config, "--namespace", NAMESPACE]
    command = [str(helm.find()), "install", "slow", str(tmp_path), "--set", "hook=true", *where]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as cut:
        job = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/slow"
        work.until(partial(served, cluster._kube(), job))
        cut.kill()
    monkeypatch.setattr(charts, "_PENDING", 0.5)
    said: list[str] = []
    ready = replace(chart, values={"hook": False})
    charts.install(ready, Path(config), NAMESPACE, said.append)
    assert "The installation of the slow operator was cut off, and begins anew." in said
    assert cluster._kube().read(f"/api/v1/namespaces/{NAMESPACE}/configmaps/slow")
    charts.uninstall(ready, Path(config), NAMESPACE)


def test_a_chart_that_cannot_be_had_is_said_in_helms_words(cluster, dask) -> None:
    chart = Chart("the other operator", "other", "other", "http://127.0.0.1:1", "1.0.0")
    with pytest.raises(OperatorFailed, match=r"Helm said: .*127\.0\.0\.1:1"):
        charts.install(chart, cluster.kubeconfig(), NAMESPACE, print)


def test_a_trainjob_without_kubeflow_trainer_is_refused_and_leaves_nothing(cluster) -> None:
    with pytest.raises(OperatorFailed, match="has no Kubeflow Trainer"):
        cluster.run("true", name="unmade", image="python:3.13", backend="trainer")
    assert cluster.jobs().empty


def definition(kind: str) -> dict[str, Any]:
    """Return the definition of a kind of Trainer's that takes everything."""
    group, plural = "trainer.kubeflow.org", f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def test_a_trainjob_is_a_job_before_its_job_is_made(cluster) -> None:
    kube = cluster._kube()
    asked = {"name": "early", "image": "python:3.13", "backend": "trainer"}
    made = [definition(kind) for kind in ("TrainJob", "TrainingRuntime")]
    try:
        for one in made:
            kube.apply(objects.location(one), one)
        for one in made:
            place = f"/apis/trainer.kubeflow.org/v1alpha1/{one['spec']['names']['plural']}"
            work.until(partial(served, kube, place))
        # Nobody is there who would make a Job of it.
        job = cluster.run("true", **asked)
        assert cluster.jobs().set_index("name").phase["early"] == "waiting"
        assert cluster.job("early").status.phase == "waiting"
        assert "early (waiting)" in cluster._working()
        with pytest.raises(JobNameTaken, match=r"job\('early'\).delete"):
            cluster.run("true", **asked)
        job.cancel()
        assert cluster.jobs().set_index("name").phase["early"] == "cancelled"
        cluster.job("early").delete()
        assert cluster.jobs().empty
    finally:
        for one in made:
            kube.delete(objects.location(one))


def served(kube: Kube, place: str) -> bool:
    with contextlib.suppress(KubernetesNotFound):
        return bool(kube.read(place))
    return False


def test_at_the_end_of_a_with_block_nothing_is_left_of_it(cluster, dask) -> None:
    with cluster.dask(workers=2, **SIZE, timeout="30s") as found:
        address = found.address
    with pytest.raises(SpecError, match="is closed"):
        _ = found.address
    assert not cluster.pods(NAMESPACE).name.str.startswith("dask-").any()
    with pytest.raises(KubernetesNotFound):
        _ = found.workers
    assert address not in repr(found)
    work.until(lambda: not policies(cluster) & {"dask"})


def test_the_operator_is_taken_out_with_its_rights(cluster, dask) -> None:
    dask.close(operator=True)
    assert not cluster.pods(NAMESPACE).name.str.startswith("dotrain-dask").any()
    roles = {one.name for one in cluster.kube().get("clusterroles")}
    assert "dotrain-dask-watch" not in roles


def test_a_cluster_that_waits_for_an_operator_that_is_gone_says_so(cluster, dask) -> None:
    assert dask.operator.find(cluster._kube()) is None
    kube, metadata = cluster._kube(), {"name": "stuck", "namespace": NAMESPACE}
    kind = {"apiVersion": dask.operator.api_version, "kind": dask.operator.kind}
    held = {**metadata, "finalizers": ["example.com/held"]}
    made = make_cluster_spec("stuck")
    kube.create({**made, **kind, "metadata": held})
    try:
        with pytest.raises(OperatorFailed, match="as long as its operator is missing"):
            cluster.close_dask("stuck")
    finally:
        change = {"metadata": {"finalizers": None}}
        kube.patch(dask.operator.resource, "stuck", change, namespace=NAMESPACE)


def policies(cluster: dotrain.Cluster) -> set[str]:
    kube = cluster.kube()
    found = kube.get("networkpolicies", namespace=NAMESPACE)
    return {one.name for one in found}

"""What Dask, Ray and Kubeflow Trainer are asked for, and what is said when one is missing."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dotrain import objects
from dotrain.engine import helm
from dotrain.errors import (
    HelmNotFound,
    InvalidName,
    MissingExtra,
    OperatorFailed,
    TaskDoesNotFit,
)
from dotrain.frameworks import charts, dask, extras, operators, ray, sizing, trainer, waiting
from dotrain.frameworks.charts import Chart
from dotrain.frameworks.sizing import Head, Shape
from dotrain.frameworks.waiting import Wanted
from dotrain.jobs import isolation, manifests, naming, trainjobs
from dotrain.jobs.fitting import Place
from dotrain.jobs.manifests import Content
from dotrain.jobs.rooms import Room
from dotrain.jobs.task import Task
from dotrain.offers import offers
from dotrain.pools import Pool
from dotrain.sandbox import catalog
from dotrain.spec import ClusterSpec

PLACE = Place("gpu", 2500, 8 * 2**30, "nvidia.com/gpu", 1, ("team=nlp:NoSchedule",))
GIVEN = {"image": "image:1", "place": PLACE, "head": Head(2**30), "env": {"EPOCHS": "$(HOME)"}}


def templates(manifest):
    """Return the Pods of a DaskCluster or a RayCluster, the leading one first."""
    spec = manifest["spec"]
    if manifest["kind"] == "DaskCluster":
        return [spec["scheduler"]["spec"], spec["worker"]["spec"]]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    return [one["template"]["spec"] for one in groups]


@pytest.mark.parametrize("manifest", [dask.manifest, ray.manifest])
def test_pods_fit_the_pool_and_may_do_no_more_than_restricted_asks(manifest) -> None:
    made = manifest("one", 3, **GIVEN)
    assert made["metadata"]["labels"] == isolation.labels("one")
    for pod in templates(made):
        (container,) = pod["containers"]
        assert pod["nodeSelector"] == {"dotrain/pool": "gpu"}
        assert {one["key"] for one in pod["tolerations"]} >= {"nvidia.com/gpu", "team"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == isolation.of_pod("restricted")
        assert container["securityContext"] == isolation.of_container("restricted")
        env = {one["name"]: one.get("value") for one in container["env"]}
        # Kubernetes would put something else in its place.
        assert (env["EPOCHS"], env["HOME"]) == ("$$(HOME)", "/workspace")


@pytest.mark.parametrize("manifest", [dask.manifest, ray.manifest])
def test_workers_get_what_fits_and_the_leading_pod_no_gpu(manifest) -> None:
    leading, worker = (pod["containers"][0] for pod in templates(manifest("one", 3, **GIVEN)))
    assert worker["resources"]["limits"] == {"memory": "8192Mi", "nvidia.com/gpu": "1"}
    assert worker["resources"]["requests"]["cpu"] == "2500m"
    assert "nvidia.com/gpu" not in leading["resources"]["limits"]


def test_a_dask_worker_knows_what_its_pod_has() -> None:
    words = templates(dask.manifest("one", 3, **GIVEN))[1]["containers"][0]["args"]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert (options["--nthreads"], options["--memory-limit"]) == ("2", "8192MiB")


def test_dasks_image_has_this_kernels_versions() -> None:
    python = f"py{sys.version_info.major}.{sys.version_info.minor}"
    assert dask.image().startswith("ghcr.io/dask/dask:")
    assert dask.image().endswith(f"-{python}")


def test_the_scale_of_a_ray_cluster_changes_nothing_else_of_its_group() -> None:
    found = ray.manifest("one", 1, **GIVEN)
    cluster = ray.RayCluster.__new__(ray.RayCluster)
    (group,) = cluster._scaled(found, 4)["spec"]["workerGroupSpecs"]
    (before,) = found["spec"]["workerGroupSpecs"]
    assert (group["replicas"], group["maxReplicas"]) == (4, 4)
    assert group["template"] == before["template"]


def test_a_missing_extra_is_said_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'dotrain\[ray\]'") as caught:
        extras.need("no_such_module", "ray", "cluster.ray()")
    assert isinstance(caught.value.__cause__, ImportError)


def test_without_helm_it_is_said_where_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("DOTRAIN_HELM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    with pytest.raises(HelmNotFound, match="dotrain engine install-helm"):
        helm.find()
    (tmp_path / "helm").mkdir()
    with pytest.raises(HelmNotFound):
        # A directory of that name is no program.
        helm.find()
    monkeypatch.setenv("DOTRAIN_HELM", str(tmp_path / "nowhere"))
    with pytest.raises(HelmNotFound, match="DOTRAIN_HELM names"):
        helm.find()


def test_helm_is_found_on_the_path_before_the_one_that_was_built(tmp_path, monkeypatch) -> None:
    built = tmp_path / "helm" / f"helm-{helm.VERSION}"
    other = tmp_path / "bin" / "helm"
    for path in (built, other):
        path.parent.mkdir()
        path.write_text("#!/bin/sh\necho v3.13.0\n")
        path.chmod(0o700)
    monkeypatch.delenv("DOTRAIN_HELM", raising=False)
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert helm.find() == built
    monkeypatch.setenv("PATH", str(other.parent))
    assert helm.find() == other
    # It could not take out an operator that is not there.
    other.write_text("#!/bin/sh\necho v3.12.3+gabc\n")
    assert helm.find() == built
    monkeypatch.setenv("DOTRAIN_HELM", str(other))
    with pytest.raises(HelmNotFound, match=r"its version is 3\.12\. Point it to a Helm .* 3\.13"):
        helm.find()


VERSION = 'if [ "$1" = version ]; then echo v3.18.0; exit; fi'


def test_helm_is_told_the_cluster_and_none_of_the_users_settings(tmp_path, monkeypatch) -> None:
    program = tmp_path / "helm"
    script = 'printf "%s\\n" "$*" > "$TMPDIR/args"\nenv > "$TMPDIR/env"\n'
    program.write_text(f"#!/bin/sh\n{VERSION}\n{script}")
    program.chmod(0o700)
    monkeypatch.setenv("DOTRAIN_HELM", str(program))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", "/their/config")
    monkeypatch.setenv("HELM_KUBECONTEXT", "theirs")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop_v1_secret")
    chart = Chart("it", "release", "chart", "https://charts.example", "1.2.3")
    charts.install(chart, Path("/own/config"), "training", lambda _: None)
    said, env = (tmp_path / "args").read_text(), (tmp_path / "env").read_text()
    assert "--kubeconfig /own/config --namespace training" in said
    assert "--repo https://charts.example --version 1.2.3" in said
    for word in ("/their/config", "theirs", "dop_v1_secret"):
        assert word not in env


def test_a_helm_that_fails_is_an_error_with_its_last_words(tmp_path, monkeypatch) -> None:
    program = tmp_path / "helm"
    program.write_text(f"#!/bin/sh\n{VERSION}\necho 'Error: no such chart' >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("DOTRAIN_HELM", str(program))
    with pytest.raises(OperatorFailed, match=r"Helm said: no such chart \(exit status 1\)"):
        charts.install(Chart("it", "r", "c"), Path("/config"), "training", lambda _: None)


def pod(name, phase="Running", ready="True", **labels):
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "training",
            "labels": labels,
            "creationTimestamp": "2026-11-24T10:00:00Z",
        },
        "spec": {"containers": []},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_what_nobody_made_and_what_failed_is_said() -> None:
    wanted = (Wanted("the workers", {"kind": "worker"}, 2, "The Dask operator"),)
    assert waiting.lacking([], wanted) == {
        "the workers": "The Dask operator has made 0 of 2 Pods of the workers"
    }
    having = [pod("a", kind="worker"), pod("b", "Failed", "False", kind="worker")]
    having[1]["status"]["containerStatuses"] = [
        {"state": {"terminated": {"exitCode": 128, "message": "no such program"}}}
    ]
    said = {"Pod/training/b": "the Pod training/b has failed: no such program"}
    assert waiting.lacking(having, wanted) == said
    assert waiting.lacking([*having, pod("c", kind="worker")], wanted) == {}
    assert waiting.lacking([pod("a"), pod("b")], wanted)


def test_an_operator_gets_in_to_the_clusters_that_it_leads() -> None:
    policy = ray.OPERATOR.policy("one")
    (rule,) = policy["spec"]["ingress"]
    assert {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "kuberay-operator"}}} in rule[
        "from"
    ]
    assert isinstance(ray.OPERATOR, operators.Operator)


TASK = Task("python train.py", image="image:1", nodes=2, gpus_per_node=1, retries=1, timeout="1h")


def test_a_trainjobs_pods_are_those_of_a_job_but_for_their_names() -> None:
    content = Content(["python"], {"KEY": "secret"}, function={"runner.py": b""})
    made = trainer.runtime(TASK, "bert", PLACE, content, "abc")
    (group,) = made["spec"]["template"]["spec"]["replicatedJobs"]
    spec = group["template"]["spec"]
    plain = manifests.job(TASK, "bert", PLACE, content, "abc")["spec"]
    assert (group["name"], spec["backoffLimit"], spec["activeDeadlineSeconds"]) == ("node", 2, 3600)
    policy = json.dumps(plain["podFailurePolicy"])
    assert '"main"' in policy
    assert json.dumps(spec["podFailurePolicy"]) == policy.replace('"main"', '"node"')
    assert spec["template"]["metadata"]["labels"] == isolation.labels("bert")
    ours, theirs = (one["template"]["spec"]["containers"][0] for one in (plain, spec))
    changed = {one["name"]: one for one in theirs["env"]}
    for one in ours["env"]:
        address = one["name"] in ("MASTER_ADDR", "PET_MASTER_ADDR")
        want = {**one, "value": "bert-node-0-0.bert"} if address else one
        assert changed[one["name"]] == want
    assert {**theirs, "env": [], "name": "main"} == {**ours, "env": []}


def test_a_trainjob_begins_suspended_and_names_its_own_runtime() -> None:
    made = trainer.train_job(TASK, "bert", PLACE, Content(["true"]), "abc")
    assert made["spec"]["suspend"] is True
    assert made["spec"]["runtimeRef"] == {"name": "bert-abc", "kind": "TrainingRuntime"}
    assert made["metadata"]["annotations"] == {manifests.INCOMPLETE: "abc"}


def test_a_trainjob_reads_as_the_job_that_was_made_for_it() -> None:
    condition = {"type": "Failed", "status": "True", "reason": "FailedJobs"}
    train_job = {
        "metadata": {"name": "bert", "annotations": {"a": "b"}},
        "spec": {"trainer": {"numNodes": 2}, "suspend": True},
        "status": {"conditions": [condition]},
    }
    before = trainjobs.as_job(train_job, {})
    assert (before["spec"]["completions"], before["spec"]["suspend"]) == (2, True)
    assert before["status"]["conditions"] == [condition]
    own = {**condition, "reason": "BackoffLimitExceeded"}
    job = {"spec": {"completions": 2, "suspend": False}, "status": {"conditions": [own]}}
    after = trainjobs.as_job(train_job, job)
    # The Job knows why it failed, the TrainJob whether it was stopped for good.
    assert after["status"]["conditions"] == [own]
    assert after["spec"]["suspend"] is True
    assert after["metadata"] == {"name": "bert-node-0", "annotations": {"a": "b"}}


def test_a_trainjob_has_a_name_that_jobset_lets_through() -> None:
    trainjobs.check_name("a" * 48, 10)
    with pytest.raises(InvalidName, match="at most 47 characters"):
        trainjobs.check_name("a" * 48, 11)
    assert len(naming.fresh(f"python {'a' * 90}.py")) <= 40


SMALL = Pool(size="s-2vcpu-4gb", count=2)
SPEC = ClusterSpec("bert", region="nyc2", pools=(SMALL,))
SIZES = offers(catalog.sizes(), catalog.kubernetes_options())
HEAD = Head(2**30)


def shape(cpus: int, gib: float, head: Head = HEAD) -> Shape:
    """A worker on a node with 2 vCPUs and 3 GiB for Pods."""
    place = Place("train", cpus, int(gib * 2**30))
    return Shape(place, head, Room(SMALL, 2000, 3 * 2**30, 0, ""))


def test_workers_that_no_pool_has_room_for_are_refused_with_the_price() -> None:
    sizing.check(3, shape(1000, 1), SPEC, lambda: SIZES)
    said = r"no room for 4 workers .* 2 nodes\. .* room for 2, or for 1 beside .*"
    with pytest.raises(
        TaskDoesNotFit, match=said + r"resize\(count=3\): 3 x s-2vcpu-4gb cost \$"
    ) as e:
        sizing.check(4, shape(1000, 1), SPEC, lambda: SIZES)
    assert "give workers=3" in e.value.fix
    # The leading Pod itself finds no node.
    with pytest.raises(TaskDoesNotFit):
        sizing.check(1, shape(100, 0.1, Head(4 * 2**30)), SPEC, lambda: SIZES)


def test_a_worker_on_each_node_leaves_room_for_the_pod_that_leads() -> None:
    task = Task(["worker"], image="image:1")
    # Three quarters of the node, as `fitting.place` gives it.
    place = sizing.beside(task, Place("train", 1500, int(2.25 * 2**30)), HEAD)
    fits = Shape(place, HEAD, Room(SMALL, 2000, 3 * 2**30, 0, ""))
    sizing.check(2, fits, SPEC, lambda: SIZES)
    asked = replace(task, cpus=1.5, memory="2304Mi")
    assert sizing.beside(asked, place, HEAD) == place


def test_only_what_is_asked_for_is_compared_with_a_cluster_that_is_there() -> None:
    place = Place("train", 1500, 2**30)
    made = sizing.made_of("image:1", {"A": "b"}, place, HEAD)
    nothing = dict.fromkeys(("image", "cpus", "memory", "gpus", "pool", "env", "head_memory"))
    assert sizing.other(made, nothing) == []
    same = {"image": "image:1", "cpus": 1.5, "memory": "1Gi", "env": {"A": "b"}}
    assert sizing.other(made, {**nothing, **same}) == []
    assert sizing.other(made, {**nothing, "cpus": 1, "env": {}, "gpus": 1}) == [
        "cpus",
        "gpus",
        "env",
    ]


def test_ray_sizes_itself_by_its_pods() -> None:
    spec = ray.manifest("one", 2, **GIVEN)["spec"]
    (group,) = spec["workerGroupSpecs"]
    for params, total in ((spec["headGroupSpec"], 2**30), (group, PLACE.memory)):
        said = params["rayStartParams"]
        assert int(said["memory"]) + int(said["object-store-memory"]) == total
    assert group["rayStartParams"]["num-cpus"] == "2"
    limits = [
        pod["containers"][0]["resources"]["limits"]["memory"]
        for pod in templates(ray.manifest("one", 2, **GIVEN))
    ]
    assert limits == ["1024Mi", "8192Mi"]


@pytest.mark.parametrize(("node", "head"), [(3, 1.5), (6, 2), (64, 4)])
def test_the_head_of_ray_has_more_on_larger_nodes(node, head) -> None:
    cluster = ray.RayCluster.__new__(ray.RayCluster)
    assert cluster._head_memory(node * 2**30) == head * 2**30


def test_an_operator_in_another_namespace_gets_in_too() -> None:
    (rule,) = ray.OPERATOR.policy("one", "kuberay")["spec"]["ingress"]
    assert rule["from"][1]["namespaceSelector"] == {
        "matchLabels": {"kubernetes.io/metadata.name": "kuberay"}
    }


@pytest.mark.parametrize("chart", [ray.OPERATOR.chart, dask.operator().chart])
def test_an_operators_pods_say_that_they_are_no_work(chart) -> None:
    said = {**chart.values.get("annotations", {}), **chart.values.get("podAnnotations", {})}
    assert objects.OPERATOR in said

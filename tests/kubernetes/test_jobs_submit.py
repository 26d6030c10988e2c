"""Jobs come to a real control plane as asked, all of them or nothing, and their secrets nowhere."""

from __future__ import annotations

import base64
import json
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace

import kr8s
import pytest
from kr8s import objects as kinds

import dotrain
from dotrain.errors import (
    ClusterPaused,
    JobNameTaken,
    JobRefused,
    KubernetesError,
    KubernetesForbidden,
    TaskDoesNotFit,
)
from dotrain.jobs import isolation, manifests, submitting
from dotrain.jobs.fitting import Place
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task
from tests.kubernetes import work
from tests.kubernetes.submitted import (
    KINDS,
    clear,
    content_of,
    found,
    left,
    pods_of,
    run,
    without,
)

pytestmark = pytest.mark.long(60)

IMAGE = "python:3.13-slim"
GPU_SIZE = "gpu-4000adax1-20gb"
KEY = "wandb-5ecre7-value"
PLACE = Place("train", 100, 2**27)


@pytest.fixture(scope="module")
def gpus(sandbox) -> dotrain.Cluster:
    """A cluster with two CPU nodes, a node with a GPU, and one that keeps others off."""
    pools = (
        dotrain.Pool(count=2),
        dotrain.Pool("gpu", size=GPU_SIZE),
        dotrain.Pool("own", size="s-2vcpu-4gb", taints=("team=nlp:NoSchedule",)),
    )
    return dotrain.up("hal", region="nyc2", pools=pools)


@pytest.fixture(autouse=True)
def nothing_left(gpus) -> Iterator[None]:
    """Let no job take the nodes of the next test."""
    yield
    clear(gpus)


def test_a_job_runs_on_a_node_each_and_is_there_as_it_was_asked_for(gpus) -> None:
    job = run(gpus, "plain", nodes=2, env={"EPOCHS": "3"}, retries=1, timeout="1h")
    assert (job.name, job.namespace, job.cluster) == ("plain", "training", "hal")
    (made,) = found(gpus, "jobs", "plain")
    assert made["spec"]["suspend"] is False
    assert "dotrain/incomplete" not in made["metadata"].get("annotations", {})
    assert (made["spec"]["backoffLimit"], made["spec"]["activeDeadlineSeconds"]) == (2, 3600)
    pods = pods_of(gpus, "plain", 2)
    nodes = [pod["spec"]["nodeName"] for pod in pods]
    assert sorted(nodes) == work.training_nodes(gpus)
    assert [pod["spec"]["hostname"] for pod in pods] == ["plain-0", "plain-1"]
    # Nine tenths of 1900m and 3396Mi, less 750m and 768Mi for the system's own Pods.
    asked = pods[0]["spec"]["containers"][0]["resources"]
    assert asked["requests"]["cpu"] == "1035m"
    assert asked["requests"]["memory"] == asked["limits"]["memory"]
    assert set(left(gpus, "plain")) == {"jobs", "services", "networkpolicies", "pods"}


def test_a_job_takes_all_that_belongs_to_it_with_it(gpus, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print(1)\n")
    gpus.run(max, name="whole", args=(1, 2), files="train.py", secrets={"A_KEY": KEY})
    assert set(left(gpus, "whole")) | {"pods"} == {*KINDS, "secrets"}
    assert len(found(gpus, "secrets", "whole")) == 3
    gpus._kube().delete(
        "/apis/batch/v1/namespaces/training/jobs/whole",
        uid=found(gpus, "jobs", "whole")[0]["metadata"]["uid"],
    )
    work.until(lambda: not left(gpus, "whole"))


def test_a_secret_is_in_its_secret_and_nowhere_else(gpus, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    task = Task("sleep 60", name="secretive", image=IMAGE, secrets=["WANDB_API_KEY"])
    job = gpus.run(task)
    pods_of(gpus, "secretive", 1)
    encoded = base64.b64encode(KEY.encode()).decode()
    (secret,) = found(gpus, "secrets", "secretive")
    assert secret["data"] == {"WANDB_API_KEY": encoded}
    everywhere = [
        list(gpus.kube().get(kind, namespace=kr8s.ALL, raw=True))
        for kind in (*KINDS, "events", "nodes", "namespaces")
    ]
    assert "secretive" in json.dumps(everywhere)
    assert not re.search(f"{KEY}|{encoded}", json.dumps(everywhere))
    assert KEY not in repr(job) + repr(task) + repr(vars(task))


def test_what_fails_with_a_secret_in_hand_does_not_tell_it(gpus, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    task = Task("sleep 60", image=IMAGE, secrets=["WANDB_API_KEY"])
    with (
        work.limited(gpus, "without-secrets", without("secrets")) as kube,
        pytest.raises(KubernetesForbidden, match=r"cannot create resource .secrets") as caught,
    ):
        submitting.submit(kube, task, "failing", PLACE, content_of(task))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(told.format())
    assert "submitting.py" in shown
    assert "WANDB_API_KEY" in shown
    assert not re.search(f"{KEY}|{base64.b64encode(KEY.encode()).decode()}", shown)


def test_a_secret_that_is_too_large_is_told_and_nothing_is_left(gpus) -> None:
    with pytest.raises(KubernetesError) as caught:
        run(gpus, "large", secrets={"BIG_KEY": KEY + "x" * 1_100_000})
    assert caught.value.status in (413, 422)
    assert KEY not in str(caught.value)
    work.until(lambda: not left(gpus, "large"))


def test_a_gpu_is_asked_for_by_its_limit_and_who_comes_second_waits(gpus) -> None:
    run(gpus, "first", gpus_per_node=1)
    (first,) = pods_of(gpus, "first", 1)
    assert first["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    nodes = gpus.nodes()
    assert [first["spec"]["nodeName"]] == list(nodes[nodes.pool == "gpu"].name)
    run(gpus, "second", gpus_per_node=1)
    (second,) = pods_of(gpus, "second", 1)
    assert "nodeName" not in second["spec"]
    assert "Insufficient nvidia.com/gpu" in json.dumps(second["status"]["conditions"])


def test_a_pool_that_keeps_others_off_takes_who_names_it(gpus) -> None:
    run(gpus, "nlp", pool="own")
    (pod,) = pods_of(gpus, "nlp", 1)
    nodes = gpus.nodes()
    assert [pod["spec"]["nodeName"]] == list(nodes[nodes.pool == "own"].name)


def test_what_can_never_run_is_refused_with_what_would_and_its_price(gpus) -> None:
    with pytest.raises(TaskDoesNotFit) as caught:
        run(gpus, "many", nodes=3, pool="train")
    assert "resize(count=3, pool='train'): 3 x s-2vcpu-4gb cost $0.107 an hour" in caught.value.fix
    with pytest.raises(TaskDoesNotFit) as caught:
        run(gpus, "gpus", gpus_per_node=8, pool="train")
    assert caught.value.nearest[0] == "gpu-h100x8-640gb"
    assert "$23.920 an hour" in caught.value.fix
    assert not found(gpus, "jobs")


def test_the_namespace_lets_nobody_in(gpus) -> None:
    run(gpus, "private")
    policies = gpus.kube().get("networkpolicies", namespace="training", raw=True)
    specs = {one["metadata"]["name"]: one["spec"] for one in policies}
    own = {"podSelector": {"matchLabels": {"dotrain/job": "private"}}}
    assert specs == {
        "closed": {"podSelector": {}, "policyTypes": ["Ingress"]},
        "private": {**own, "policyTypes": ["Ingress"], "ingress": [{"from": [own]}]},
    }


@pytest.mark.parametrize(
    ("level", "refused"),
    [("restricted", "allowPrivilegeEscalation"), ("baseline", "privileged"), ("privileged", "")],
)
def test_a_namespace_refuses_pods_that_may_do_more_than_its_level(gpus, level, refused) -> None:
    # A job of a level is itself let in.
    job = run(gpus, f"of-{level}", pod_security=level)
    pods_of(gpus, f"of-{level}", 1)
    container = {**work.CONTAINER, "securityContext": {"privileged": True}}
    spec = {"containers": [container]}
    body = {"metadata": {"namespace": job.namespace}, "spec": spec}
    if not refused:
        with work.made(gpus, "v1/Pod", "mighty", **body):
            return
    with (
        pytest.raises(kr8s.ServerError, match=refused),
        work.made(gpus, "v1/Pod", "mighty", **body),
    ):
        pass


def test_a_job_whose_pods_would_not_be_let_in_is_refused_and_not_made(gpus) -> None:
    mighty = manifests.job(
        Task("x", image=IMAGE, pod_security="privileged"), "mighty", PLACE, Content(["x"]), "1"
    )
    mighty["metadata"]["namespace"] = "training"
    gpus._kube().apply("/api/v1/namespaces/training", isolation.namespace("restricted"))
    with pytest.raises(JobRefused, match="would violate PodSecurity"):
        submitting._create(gpus._kube(), mighty)
    work.until(lambda: not left(gpus, "mighty"))


def test_a_name_that_is_taken_is_refused_and_the_job_stays(gpus) -> None:
    run(gpus, "taken")
    (before,) = found(gpus, "jobs", "taken")
    with pytest.raises(JobNameTaken, match="has not ended"):
        run(gpus, "taken", nodes=2)
    (after,) = found(gpus, "jobs", "taken")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["suspend"] is False


def test_an_object_of_others_in_the_place_of_its_own_is_said(gpus) -> None:
    spec = {"clusterIP": "None", "selector": {"app": "theirs"}}
    place = {"namespace": "training"}
    gpus._kube().apply("/api/v1/namespaces/training", isolation.namespace("restricted"))
    with work.made(gpus, "v1/Service", "theirs", metadata=place, spec=spec):
        with pytest.raises(JobNameTaken, match="There is a Service 'theirs'"):
            run(gpus, "theirs")
        work.until(lambda: not left(gpus, "theirs"))


def test_what_belongs_to_another_job_is_not_taken_from_it(gpus) -> None:
    gpus.run(max, name="a", args=(1, 2))
    with pytest.raises(JobNameTaken, match="There is a Secret 'a-function'"):
        run(gpus, "a-function", secrets={"A_KEY": KEY})
    assert found(gpus, "secrets", "a")


@pytest.mark.parametrize("lacking", ["services", "roles"])
def test_a_right_that_is_missing_is_told_and_nothing_is_left(gpus, lacking) -> None:
    task = Task(max, args=(1, 2))
    with (
        work.limited(gpus, f"without-{lacking}", without(lacking)) as kube,
        pytest.raises(KubernetesForbidden, match=f"cannot create resource .{lacking}"),
    ):
        submitting.submit(kube, task, "half", PLACE, content_of(task))
    work.until(lambda: not left(gpus, "half"))


def test_the_rights_in_the_table_are_enough(gpus) -> None:
    task = Task(max, args=(1, 2), secrets={"A_KEY": KEY})
    with work.limited(gpus, "submitter", [dict(rule) for rule in submitting.RULES]) as kube:
        submitting.submit(kube, task, "modest", PLACE, content_of(task))
        assert kube.list(kinds.Node)
    assert found(gpus, "jobs", "modest")[0]["spec"]["suspend"] is False


def test_a_token_that_has_ended_is_renewed_in_the_middle(gpus) -> None:
    bearer = gpus._kube().client._bearer
    bearer.credentials = replace(bearer.credentials, token="stale-5ecre7")
    run(gpus, "renewed", secrets={"A_KEY": KEY})
    assert found(gpus, "jobs", "renewed")[0]["spec"]["suspend"] is False


def test_a_paused_cluster_is_refused_with_what_to_call(gpus) -> None:
    # The last here: it takes the nodes away.
    gpus.pause(drain=False)
    with pytest.raises(
        ClusterPaused, match=r"Call resume\(\), which makes 2 x s-2vcpu-4gb and 1 x"
    ):
        run(gpus, "early")
    assert not found(gpus, "jobs")

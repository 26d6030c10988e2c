"""Jobs as TrainJobs: the real Kubeflow Trainer and JobSet, with their webhooks, built and run."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

import dotrain
from dotrain import objects
from dotrain.errors import JobFailed, JobNameTaken
from dotrain.frameworks import trainer
from dotrain.jobs import placing, submitting
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task
from tests.kubernetes import built, work

pytestmark = pytest.mark.slow

TRAINER, JOBSET = "github.com/kubeflow/trainer/v2", "sigs.k8s.io/jobset"
SMALL: dict[str, Any] = {"cpus": 0.5, "memory": "256Mi", "backend": "trainer"}
HERE = "127.0.0.1"


def manifests(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.glob("*.yaml")):
        yield from (one for one in yaml.safe_load_all(path.read_text()) if one)


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def controller(
    cluster: dotrain.Cluster, program: Path, version: str, extra: dict[str, Any], hooks: Path
) -> Iterator[None]:
    """Run a controller of this machine, and let the API server ask its webhooks."""
    authority, home, port = trustme.CA(), program.parent / f"run-{program.name}", free_port()
    certificate = authority.issue_cert(HERE)
    keys = home / "k8s-webhook-server" / "serving-certs"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "tls.crt").write_bytes(b"".join(one.bytes() for one in certificate.cert_chain_pems))
    (keys / "tls.key").write_bytes(certificate.private_key_pem.bytes())
    configuration = {
        "apiVersion": version,
        "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": f"{HERE}:{free_port()}"},
        "webhook": {"port": port, "host": HERE},
        **extra,
    }
    (home / "configuration.yaml").write_text(yaml.safe_dump(configuration))
    environment = {"KUBECONFIG": str(cluster.kubeconfig()), "TMPDIR": str(home)}
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            [str(program), "--config", str(home / "configuration.yaml")],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            work.until(lambda: listens(port))
            asked(cluster, program.name, hooks, port, authority)
            yield
        finally:
            process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex((HERE, port)) == 0


def asked(
    cluster: dotrain.Cluster, name: str, hooks: Path, port: int, authority: trustme.CA
) -> None:
    bundle = base64.b64encode(authority.cert_pem.bytes()).decode()
    for one in yaml.safe_load_all(hooks.read_text()):
        one["metadata"]["name"] = f"{name}-{one['metadata']['name']}"
        # JobSet's for Pods serve another way to place them, and would be asked about every Pod.
        one["webhooks"] = [
            hook
            for hook in one["webhooks"]
            if not any("pods" in rule["resources"] for rule in hook["rules"])
        ]
        for hook in one["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"https://{HERE}:{port}{path}", "caBundle": bundle}
        cluster._kube().apply(objects.location(one), one)


@pytest.fixture(scope="module")
def trained(cluster: dotrain.Cluster) -> Iterator[dotrain.Cluster]:
    """The cluster, with Kubeflow Trainer and JobSet."""
    made = built.programs("trainer", f"{TRAINER}/cmd/trainer-controller-manager", JOBSET)
    source, jobset = (built.directory("trainer", one) for one in (TRAINER, JOBSET))
    crds = (source / "manifests" / "base" / "crds", jobset / "config/components/crd/bases")
    for directory in crds:
        for one in manifests(directory):
            if one["kind"] == "CustomResourceDefinition":
                cluster._kube().apply(objects.location(one), one)
    with (
        controller(
            cluster,
            made / "jobset",
            "config.jobset.x-k8s.io/v1alpha1",
            {"internalCertManagement": {"enable": False}},
            jobset / "config/components/webhook/manifests.yaml",
        ),
        controller(
            cluster,
            made / "trainer-controller-manager",
            "config.trainer.kubeflow.org/v1alpha1",
            {"certManagement": {"enable": False}},
            source / "manifests/base/webhook/manifests.yaml",
        ),
    ):
        yield cluster


def test_two_nodes_find_each_other_by_what_trainer_says(trained) -> None:
    said = "echo $NODE_RANK of $PET_NNODES at $PET_MASTER_ADDR:$PET_MASTER_PORT, $MASTER_ADDR"
    job = trained.run(said, name="two", image="python:3.13", nodes=2, **SMALL).wait("60s")
    expected = {f"[{rank}] {rank} of 2 at 127.0.0.1:29500, 127.0.0.1" for rank in (0, 1)}
    assert set(job.logs()) == expected
    assert [pod.name.rpartition("-")[0] for pod in job.status.pods] == [
        "two-node-0-0",
        "two-node-0-1",
    ]
    assert trained.jobs().set_index("name").phase["two"] == "succeeded"
    again = trained.job("two")
    assert (again.name, again.status.phase) == ("two", "succeeded")


def test_a_function_and_its_secret_reach_the_pods(trained) -> None:
    def work_of(number: int) -> None:
        import os
        import sys

        sys.stdout.write(f"{number * 2} {len(os.environ['KEY'])}\n")

    secrets = {"KEY": "hush"}
    job = trained.run(work_of, args=(21,), name="fun", secrets=secrets, **SMALL).wait("60s")
    assert list(job.logs()) == ["42 4"]


def test_what_fails_says_why(trained) -> None:
    job = trained.run("exit 3", name="bad", image="python:3.13", **SMALL)
    with pytest.raises(JobFailed, match="exit code 3"):
        job.wait("60s")


def test_one_that_was_cut_off_is_replaced(trained, monkeypatch) -> None:
    monkeypatch.setattr(submitting, "_YOUNG", dt.timedelta(0))
    kube, task = trained._kube(), Task("true", image="python:3.13", name="half", **SMALL)
    content, place = Content(["true"]), placing.place(trained._target, kube, task, trained.spec)
    # Kubernetes has it, and nothing that belongs to it.
    kube.create(trainer.runtime(task, "half", place, content, "abc"))
    kube.create(trainer.train_job(task, "half", place, content, "abc"))
    job = trained.run(task)
    job.wait("60s")
    assert job.status.phase == "succeeded"


def test_it_is_cancelled_and_deleted_with_all_that_belongs_to_it(trained) -> None:
    job = trained.run("sleep 600", name="long", image="python:3.13", secrets={"A": "b"}, **SMALL)
    work.until(lambda: job.status.phase == "running")
    with pytest.raises(JobNameTaken, match="job 'long' already"):
        trained.run("true", name="long", image="python:3.13", **SMALL)
    job.cancel()
    work.until(lambda: job.status.phase == "cancelled")
    work.until(lambda: not trained.pods("training").name.str.startswith("long-").any())
    job.delete()
    kinds = ("trainjobs.trainer.kubeflow.org", "trainingruntimes.trainer.kubeflow.org", "secrets")

    def left() -> list[str]:
        found = [one for kind in kinds for one in trained.kube().get(kind, namespace="training")]
        return [one.name for one in found if one.name.startswith("long")]

    # Kubernetes looks for kinds of objects that are new every 30 s; until then it deletes none.
    for _ in range(3):
        with contextlib.suppress(AssertionError):
            work.until(lambda: not left())
    assert left() == []

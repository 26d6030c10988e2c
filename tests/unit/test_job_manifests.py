"""What a job is in Kubernetes: as asked, closed off, and its secrets in Secrets alone."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from dotrain.errors import SpecError
from dotrain.jobs import environ, isolation, manifests, pods, shells
from dotrain.jobs.fitting import Place
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import LAUNCHERS, POD_SECURITY, Task

PLACE = Place("gpu", 15_000, 180 * 2**30, "nvidia.com/gpu", 8, ("team=nlp:NoSchedule",))
KEY = "wandb-5ecre7-value"
Manifest = dict[str, Any]


def made(
    place: Place = PLACE, content: Content | None = None, **task: Any
) -> tuple[Manifest, dict[str, Manifest]]:
    """The Job of a task, and what it owns by kind and name."""
    wanted = Task("torchrun train.py", **{"image": "pytorch/pytorch:2.9.0", "nodes": 2, **task})
    content = content or Content(manifests.command(wanted.work), wanted.secret_values())
    owned = manifests.owned(wanted, "bert", content, "uid-1")
    by_name = {f"{one['kind']}/{one['metadata']['name']}": one for one in owned}
    assert len(by_name) == len(owned)
    return manifests.job(wanted, "bert", place, content, "5ab"), by_name


def pod_of(job: Manifest) -> Manifest:
    return job["spec"]["template"]["spec"]


def main_of(job: Manifest) -> Manifest:
    (container,) = pod_of(job)["containers"]
    return container


def env_of(container: Manifest) -> dict[str, Any]:
    names = [one["name"] for one in container["env"]]
    assert len(set(names)) == len(names)
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}


FUNCTION = Content(["python3"], function={"runner.py": b"pass", "call.pickle": b"\x80"})
FILES = Content(["python3"], {"A_KEY": KEY}, files=b"\x1f\x8b")
STORED = Content(["python3"], files_url=f"https://spaces.example/?signature={KEY}")


def test_it_is_an_indexed_job_that_starts_when_all_of_it_is_there() -> None:
    job, _ = made(retries=2, timeout="1h30m")
    assert job["metadata"]["annotations"] == {"dotrain/incomplete": "5ab"}
    assert job["metadata"]["namespace"] == "training"
    assert {**job["spec"], "template": None, "podFailurePolicy": None} == {
        "suspend": True,
        "completionMode": "Indexed",
        "completions": 2,
        "parallelism": 2,
        "backoffLimit": 4,
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": 5400,
        "template": None,
        "podFailurePolicy": None,
    }
    assert manifests.start("uid-1") == {
        "metadata": {"uid": "uid-1", "annotations": {"dotrain/incomplete": None}},
        "spec": {"suspend": False},
    }


def test_a_lost_node_is_no_failure_and_what_never_works_is_not_tried_again() -> None:
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    useless = {"containerName": "main", "operator": "In", "values": [65]}
    assert made()[0]["spec"]["podFailurePolicy"]["rules"] == [disrupted]
    assert made(content=FUNCTION)[0]["spec"]["podFailurePolicy"]["rules"] == [
        disrupted,
        {"action": "FailJob", "onExitCodes": useless},
    ]


def test_each_pod_has_a_node_of_its_own_in_the_pool_whatever_keeps_others_off() -> None:
    pod = pod_of(made()[0])
    assert pod["nodeSelector"] == {"dotrain/pool": "gpu"}
    (term,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term == {
        "labelSelector": {"matchLabels": {"dotrain/job": "bert"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    assert [(one["key"], one.get("value"), one["effect"]) for one in pod["tolerations"]] == [
        ("nvidia.com/gpu", None, "NoSchedule"),
        ("amd.com/gpu", None, "NoSchedule"),
        ("team", "nlp", "NoSchedule"),
    ]


def test_it_asks_for_what_it_was_given_and_more_than_cpus_it_never_gets() -> None:
    gpus = {"nvidia.com/gpu": "8"}
    assert main_of(made()[0])["resources"] == {
        "requests": {"cpu": "15000m", "memory": "184320Mi", **gpus},
        "limits": {"memory": "184320Mi", **gpus},
    }
    disk = Place("train", 500, 2**30, disk=50 * 2**30)
    assert main_of(made(disk)[0])["resources"] == {
        "requests": {"cpu": "500m", "memory": "1024Mi", "ephemeral-storage": "1024Mi"},
        "limits": {"memory": "1024Mi", "ephemeral-storage": "51200Mi"},
    }


def test_its_processes_find_each_other() -> None:
    by_index = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    rank = {"fieldRef": {"fieldPath": by_index}}
    job, owned = made(gpus_per_node=8, env={"EPOCHS": "3"})
    assert env_of(main_of(job)) == {
        "EPOCHS": "3",
        "HOME": "/workspace",
        "USER": "training",
        "MASTER_ADDR": "bert-0.bert",
        "MASTER_PORT": "29500",
        "NNODES": "2",
        "WORLD_SIZE": "2",
        "NODE_RANK": rank,
        "RANK": rank,
        "PET_NNODES": "2",
        "PET_NPROC_PER_NODE": "8",
        "PET_NODE_RANK": rank,
        "PET_MASTER_ADDR": "bert-0.bert",
        "PET_MASTER_PORT": "29500",
        "PET_RDZV_CONF": "timeout=3600",
        "DOTRAIN_JOB": "bert",
    }
    assert pod_of(job)["subdomain"] == "bert"
    assert owned["Service/bert"]["spec"] == {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"dotrain/job": "bert"},
    }


def test_without_gpus_torchrun_starts_one_process() -> None:
    found = {one["name"]: one.get("value") for one in environ.rendezvous("bert", 1, 0)}
    assert found["PET_NPROC_PER_NODE"] == "1"


def test_nobody_gives_what_is_set_for_every_job() -> None:
    for content in (FUNCTION, FILES, STORED):
        given = set(env_of(main_of(made(content=content)[0]))) - set(content.secrets)
        assert "LOCAL_RANK" not in given
        for name in given | {"LOCAL_RANK"}:
            with pytest.raises(SpecError, match="is set for every job"):
                made(env={name: "1"})


def test_only_pods_of_the_job_reach_its_pods() -> None:
    _, owned = made()
    pods_of_it = {"matchLabels": {"dotrain/job": "bert"}}
    assert owned["NetworkPolicy/bert"]["spec"] == {
        "podSelector": pods_of_it,
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": pods_of_it}]}],
    }
    # No rule lets anybody in, and what goes out is left alone.
    assert isolation.closed("restricted")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


@pytest.mark.parametrize("level", POD_SECURITY)
def test_a_level_of_pod_security_has_a_namespace_that_enforces_it(level) -> None:
    namespace = isolation.namespace(level)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == level
    job, owned = made(pod_security=level)
    named = {one["metadata"]["namespace"] for one in [job, *owned.values()]}
    assert (
        named
        == {namespace["metadata"]["name"]}
        == {isolation.closed(level)["metadata"]["namespace"]}
    )


def test_a_pod_may_do_nothing_that_it_was_not_given() -> None:
    pod = pod_of(made(content=FILES)[0])
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "fsGroup": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in [*pod["containers"], *pod["initContainers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod


def test_its_program_ends_when_it_is_told_to_as_it_is_not_process_1() -> None:
    assert pod_of(made()[0])["shareProcessNamespace"] is True


def test_all_that_it_owns_goes_with_it() -> None:
    contents = (FUNCTION, FILES, STORED)
    for one in (one for content in contents for one in made(content=content)[1].values()):
        assert one["metadata"]["labels"] == {
            "dotrain/job": "bert",
            "app.kubernetes.io/managed-by": "dotrain",
        }
        (owner,) = one["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", "bert", "uid-1")


def test_a_secret_is_in_the_secret_alone_and_not_shown_there() -> None:
    job, owned = made(secrets={"WANDB_API_KEY": KEY}, env={"EPOCHS": "3"})
    encoded = base64.b64encode(KEY.encode()).decode()
    assert owned["Secret/bert"]["data"] == {"WANDB_API_KEY": encoded}
    others = [job, *(one for name, one in owned.items() if name != "Secret/bert")]
    assert not re.search(f"{KEY}|{encoded}", json.dumps(others))
    assert not re.search(f"{KEY}|{encoded}", repr(owned))
    reference = {"secretKeyRef": {"name": "bert", "key": "WANDB_API_KEY"}}
    assert env_of(main_of(job))["WANDB_API_KEY"] == reference
    assert KEY not in repr([FILES, STORED])


def test_without_secrets_files_or_a_function_it_has_none_of_their_objects() -> None:
    assert set(made()[1]) == {"Service/bert", "NetworkPolicy/bert"}


def test_files_are_unpacked_into_the_working_directory_and_see_no_secret() -> None:
    job, owned = made(content=FILES)
    assert owned["ConfigMap/bert-files"]["binaryData"] == {"files.tar.gz": "H4s="}
    (unpack,) = pod_of(job)["initContainers"]
    assert unpack["workingDir"] == main_of(job)["workingDir"] == "/workspace"
    assert env_of(unpack)["DOTRAIN_FILES"] == "/dotrain/files"
    assert "A_KEY" not in env_of(unpack)
    assert {one["name"]: one["mountPath"] for one in unpack["volumeMounts"]} == {
        "workspace": "/workspace",
        "files": "/dotrain/files",
    }
    assert "files" not in {one["name"] for one in main_of(job)["volumeMounts"]}


def test_the_url_of_files_in_storage_is_a_secret_of_who_unpacks_them() -> None:
    job, owned = made(content=STORED)
    assert set(owned["Secret/bert"]["data"]) == {"DOTRAIN_FILES_URL"}
    assert KEY not in json.dumps(job)
    (unpack,) = pod_of(job)["initContainers"]
    assert "DOTRAIN_FILES_URL" in env_of(unpack)
    assert "DOTRAIN_FILES_URL" not in env_of(main_of(job))


def test_a_function_may_write_its_own_results_and_nothing_else() -> None:
    job, owned = made(content=FUNCTION)
    results = ["bert-result-0", "bert-result-1"]
    assert owned["Role/bert"]["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": results, "verbs": ["patch"]}
    ]
    assert owned["RoleBinding/bert"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "bert", "namespace": "training"}
    ]
    assert [owned[f"Secret/{name}"]["data"] for name in results] == [{}, {}]
    assert set(owned["Secret/bert-function"]["data"]) == {"runner.py", "call.pickle"}
    pod = pod_of(job)
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("bert", False)
    mounts = {one["name"]: one for one in main_of(job)["volumeMounts"]}
    for name, variable in {"function": "DOTRAIN_FUNCTION", "api": "DOTRAIN_API"}.items():
        assert mounts[name]["mountPath"] == env_of(main_of(job))[variable]
        assert mounts[name]["readOnly"]


@pytest.mark.parametrize(
    "text", ["kill $$", "$(date)", "$$(A)", "$HOME", "$", "$$$$", "a$$$(b", "${A} $(RANK)"]
)
def test_a_command_and_its_variables_arrive_as_they_were_written(text) -> None:
    def expanded(value: str) -> str:
        """What a kubelet makes of a value where none of the variables is known."""
        return value.replace("$$", "$")

    job, _ = made(env={"TEXT": text})
    assert expanded(manifests.command(text)[-1]).endswith(f"; {text}")
    assert [expanded(one) for one in manifests.command(text)] == shells.command(text)
    assert expanded(env_of(main_of(job))["TEXT"]) == text
    assert "$(" not in manifests.command(text)[-1].replace("$$", "")


def test_a_program_runs_without_a_shell() -> None:
    assert manifests.command(("torchrun", "train.py")) == ["torchrun", "train.py"]
    assert manifests.command("echo hi") == shells.command("echo hi")
    assert LAUNCHERS == ("python", "torchrun")


def test_every_volume_is_mounted_and_every_mount_has_one() -> None:
    for content in (FUNCTION, FILES, STORED):
        pod = pod_of(made(content=content)[0])
        containers = [*pod["containers"], *pod.get("initContainers", ())]
        mounted = {mount["name"] for one in containers for mount in one["volumeMounts"]}
        assert mounted == {one["name"] for one in pod["volumes"]}
        assert {"workspace", "shared-memory"} <= mounted
    assert pods.files_of("bert") == "bert-files"

"""A Job and its Pods as Kubernetes' API describes them, as far as dotrain reads them."""

from __future__ import annotations

from typing import Any

from tests.unit.kubernetes import a_pod

MADE = "2026-01-02T03:04:00Z"
STARTED = "2026-01-02T03:04:05Z"
INDEX = "batch.kubernetes.io/job-completion-index"


def at(seconds: int) -> str:
    """So many seconds after the Job was made, as Kubernetes writes it."""
    return f"2026-01-02T03:{4 + seconds // 60:02}:{seconds % 60:02}Z"


def a_job(name: str = "train", nodes: int = 1, **changes: Any) -> dict[str, Any]:
    """A Job that goes on; `conditions` are those that are true, with their reason and message."""
    conditions = changes.pop("conditions", {})
    job = {
        "metadata": {
            "name": name,
            "namespace": "training",
            "uid": f"uid-{name}",
            "creationTimestamp": MADE,
            "labels": {"dotrain/job": name},
            "annotations": changes.pop("annotations", {}),
            **changes.pop("metadata", {}),
        },
        "spec": {
            "completions": nodes,
            "parallelism": nodes,
            "backoffLimit": changes.pop("retries", 0) * nodes,
            "suspend": False,
            "template": {
                "spec": {
                    "nodeSelector": {"dotrain/pool": "train"},
                    "containers": [
                        {
                            "name": "main",
                            "resources": {"limits": {"nvidia.com/gpu": changes.pop("gpus", 0)}},
                        }
                    ],
                }
            },
            **changes.pop("spec", {}),
        },
        "status": {
            "startTime": STARTED,
            "conditions": [
                {
                    "type": kind,
                    "status": "True",
                    "reason": reason,
                    "message": "",
                    "lastTransitionTime": at(100),
                }
                for kind, reason in conditions.items()
            ],
            **changes.pop("status", {}),
        },
    }
    assert not changes
    return job


def a_rank(rank: int = 0, suffix: str = "aaaaa", **changes: Any) -> dict[str, Any]:
    """A Pod of the job "train"; `main` is the state of its container, `made` when it came."""
    main = changes.pop("main", {"running": {"startedAt": at(10)}})
    image = changes.pop("image", "python:3.13")
    made = changes.pop("made", 5)
    conditions = changes.pop("conditions", None)
    status: dict[str, Any] = {
        "containerStatuses": [{"name": "main", "image": image, "state": main}],
        **changes.pop("status", {}),
    }
    if conditions is not None:
        status["conditions"] = conditions
    return a_pod(
        f"train-{rank}-{suffix}",
        "training",
        metadata={
            "creationTimestamp": at(made),
            "annotations": {INDEX: str(rank)},
            **changes.pop("metadata", {}),
        },
        status=status,
        spec={"nodeSelector": {"dotrain/pool": "train"}, **changes.pop("spec", {})},
        **changes,
    )


def failed(rank: int = 0, suffix: str = "aaaaa", **changes: Any) -> dict[str, Any]:
    """One that has failed; `code`, `reason` and `ended` say how and when."""
    state = {
        "exitCode": changes.pop("code", 1),
        "reason": changes.pop("reason", "Error"),
        "startedAt": at(10),
        "finishedAt": at(changes.pop("ended", 90)),
    }
    return a_rank(rank, suffix, phase="Failed", main={"terminated": state}, **changes)


def unscheduled(rank: int = 0, message: str = "", **changes: Any) -> dict[str, Any]:
    """One that no node has room for."""
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return a_rank(
        rank,
        phase="Pending",
        node="",
        status={"containerStatuses": []},
        conditions=[{**said, "message": message}],
        **changes,
    )


def lost(rank: int = 0, suffix: str = "aaaaa", reason: str = "DeletionByPodGC", **changes: Any):
    """One that Kubernetes ended before its time."""
    target = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "so"}
    return failed(rank, suffix, code=143, conditions=[target], **changes)

"""How a job is, from many shapes of its Job and its Pods."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dotrain.jobs import reading, reasons
from dotrain.jobs.manifests import INCOMPLETE
from dotrain.jobs.status import JobStatus
from tests.unit.jobs import MADE, a_job, a_rank, at, failed, lost, unscheduled
from tests.unit.kubernetes import an_event

NOW = dt.datetime(2026, 1, 2, 3, 6, 5, tzinfo=dt.timezone.utc)
SCHEDULER = (
    "0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match Pod's node "
    "affinity/selector, 2 node(s) didn't match pod anti-affinity rules. preemption: 0/4 nodes "
    "are available: 4 Preemption is not helpful for scheduling."
)


def read(job: dict[str, Any], *pods: dict[str, Any], events: Any = ()) -> JobStatus:
    return reading.read(job, pods, events, NOW)


def happened(pod: str, seconds: int = 20, **fields: Any) -> dict[str, Any]:
    return an_event(f"Pod/training/{pod}", **{"lastTimestamp": at(seconds), **fields})


def pending(reason: str, message: str = "", **changes: Any) -> dict[str, Any]:
    main = {"waiting": {"reason": reason, "message": message}}
    return a_rank(phase="Pending", main=main, **changes)


def test_a_job_runs_when_all_its_ranks_do() -> None:
    status = read(a_job(nodes=2), a_rank(1), a_rank(0))
    assert (status.phase, status.reason, status.finished) == ("running", "", None)
    assert status.elapsed == dt.timedelta(minutes=2)
    assert [(pod.rank, pod.name, pod.phase, pod.node) for pod in status.pods] == [
        (0, "train-0-aaaaa", "running", "gpu-0"),
        (1, "train-1-aaaaa", "running", "gpu-0"),
    ]
    assert status.pods[0].started == dt.datetime(2026, 1, 2, 3, 4, 10, tzinfo=dt.timezone.utc)
    assert not status.ended


def test_a_rank_that_has_done_its_part_does_not_keep_a_job_from_running() -> None:
    done = a_rank(0, phase="Succeeded", main={"terminated": {"exitCode": 0, "startedAt": at(10)}})
    assert read(a_job(nodes=2), done, a_rank(1)).phase == "running"


def test_before_there_are_pods_a_job_waits() -> None:
    status = read(a_job(nodes=3, status={"startTime": None}))
    assert (status.phase, status.elapsed, len(status.pods)) == ("waiting", None, 3)
    assert status.pods[2].name == ""


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_pod_that_has_a_node_starts(reason) -> None:
    status = read(a_job(nodes=2), pending(reason), a_rank(1))
    assert (status.phase, status.reason) == ("starting", "")


def test_what_waits_for_nodes_says_what_the_nodes_lack() -> None:
    job = a_job(nodes=3)
    status = read(job, unscheduled(0, SCHEDULER), unscheduled(1, SCHEDULER), a_rank(2))
    assert status.phase == "waiting"
    assert status.reason == (
        "2 Pods wait for a node of train each. No node of train is free: 1 has too few free "
        "GPUs, 2 have a Pod of this job already"
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", "There"),
        ("0/1 nodes are available: 1 node(s) were unschedulable.", "1 has no more Pods to take"),
        ("0/1 nodes are available: 1 node(s) had untolerated taint(s).", "1 has a taint"),
        ("0/9 nodes are available: 9 something new. preemption: no.", "9: something new"),
        ("no nodes available to schedule pods", "no nodes available to schedule pods"),
        ("", "It waits for a node of train"),
    ],
)
def test_whatever_the_scheduler_says_is_said(message, said) -> None:
    assert said in reasons.scheduler(message, "train")


@pytest.mark.parametrize(
    ("reason", "said"),
    [("TriggeredScaleUp", "adds nodes: so"), ("NotTriggerScaleUp", "adds none: so")],
)
def test_what_the_autoscaler_does_about_it_is_said(reason, said) -> None:
    pod = unscheduled(0, SCHEDULER)
    before, after = (
        happened("train-0-aaaaa", 20 + more, reason=one, message="so")
        for more, one in enumerate(("NotTriggerScaleUp", reason))
    )
    for event in (before, after):
        event["involvedObject"]["uid"] = pod["metadata"]["uid"]
    assert read(a_job(), pod, events=[after, before]).reason.endswith(f"The autoscaler {said}")


@pytest.mark.parametrize("reason", reasons.UNPULLED)
def test_an_image_that_cannot_be_pulled_is_named(reason) -> None:
    pod = pending(reason, "not found", image="pytorch/pytroch:2.9")
    status = read(a_job(), pod)
    assert status.phase == "starting"
    assert "'pytorch/pytroch:2.9' cannot be pulled: not found" in status.reason
    assert reasons.unpulled(pod) == "pytorch/pytroch:2.9"
    assert reasons.unpulled(a_rank()) == ""


def test_why_an_image_could_not_be_pulled_is_said_while_the_next_try_is_waited_for() -> None:
    pod = pending("ImagePullBackOff", 'Back-off pulling image "a:1"', image="a:1")
    event = happened("train-0-aaaaa", reason="Failed")
    event["message"] = 'Failed to pull image "a:1": rpc error: code = NotFound desc = not found'
    event["involvedObject"]["uid"] = pod["metadata"]["uid"]
    said = read(a_job(), pod, events=[event]).reason
    assert "'a:1' cannot be pulled: rpc error: code = NotFound desc = not found (Im" in said


def test_what_keeps_a_container_from_starting_is_said() -> None:
    pod = pending("CreateContainerConfigError", 'secret "train" not found')
    expected = 'Rank 0: CreateContainerConfigError: secret "train" not found'
    assert read(a_job(), pod).reason == expected


def test_a_job_that_succeeded_has_an_end() -> None:
    ended = {"completionTime": at(65), "startTime": at(5)}
    main = {"terminated": {"exitCode": 0, "startedAt": at(10), "finishedAt": at(64)}}
    job = a_job(conditions={"Complete": "CompletionsReached"}, status={})
    job["status"] |= ended
    status = read(job, a_rank(phase="Succeeded", main=main))
    assert (status.phase, status.reason, status.ended) == ("succeeded", "", True)
    assert status.elapsed == dt.timedelta(minutes=1)
    assert status.pods[0].finished is not None


FAILED = {"Failed": "BackoffLimitExceeded"}


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (failed(code=3), "Rank 0: exit code 3"),
        (failed(code=127), "Rank 0: exit code 127 (the image has no such program)"),
        (failed(code=137, reason="OOMKilled"), "used more memory than it may (OOMKilled)"),
        (failed(status={"reason": "Evicted", "message": "low on disk."}), "evicted: low on disk"),
        (lost(), "it was stopped: its node gpu-0 is gone"),
        (lost(reason="SomethingNew"), "it was stopped: so"),
        (a_rank(phase="Failed", main={}), "nobody says why"),
    ],
)
def test_a_job_that_failed_says_why(pod, said) -> None:
    status = read(a_job(conditions=FAILED), pod)
    assert status.phase == "failed"
    assert said in status.reason
    assert status.pods[0].phase == "failed"
    assert status.finished == dt.datetime(2026, 1, 2, 3, 5, 40, tzinfo=dt.timezone.utc)


def test_files_that_cannot_be_unpacked_are_said_to_be_the_trouble() -> None:
    state = {"terminated": {"exitCode": 2, "message": "tar: no space"}}
    first = [{"name": "files", "state": state}]
    pod = a_rank(phase="Failed", main={"waiting": {}}, status={"initContainerStatuses": first})
    said = read(a_job(conditions=FAILED), pod).reason
    assert said == "Rank 0: its files could not be unpacked: exit code 2: tar: no space"


def test_a_job_that_took_too_long_says_so_as_it_was_asked() -> None:
    job = a_job(conditions={"Failed": "DeadlineExceeded"}, spec={"activeDeadlineSeconds": 21600})
    assert read(job, failed(code=143)).reason == "It ran longer than timeout=6h"


def test_the_rank_that_failed_first_is_named_and_not_those_that_fell_with_it() -> None:
    pods = [failed(0, ended=52), failed(1, code=9, ended=50), lost(2, ended=40)]
    assert reasons.failed_first(pods) is pods[1]
    assert read(a_job(nodes=3, conditions=FAILED), *pods).reason == "Rank 1: exit code 9"


def test_of_several_tries_the_last_one_counts() -> None:
    first = [failed(0, ended=11), failed(1, ended=10)]
    second = failed(0, "bbbbb", code=7, made=30, ended=90)
    status = read(a_job(nodes=2, retries=1, conditions=FAILED), *first, second)
    assert reasons.failed_first([*first, second]) is second
    assert status.reason == "Rank 0: exit code 7. It was tried as often as retries= allows"


def test_nothing_is_known_of_a_job_whose_pods_are_gone_but_what_it_says_itself() -> None:
    status = read(a_job(nodes=2, conditions=FAILED))
    assert status.reason == "BackoffLimitExceeded"
    assert {pod.phase for pod in status.pods} == {"stopped"}
    assert reasons.failed_first([]) is None


def test_a_rank_that_failed_and_starts_again_keeps_the_job_from_running() -> None:
    status = read(a_job(nodes=2, retries=2), failed(0, code=5), a_rank(1))
    assert status.phase == "starting"
    assert status.reason == "Rank 0: exit code 5. It starts again"


def test_the_newest_pod_of_a_rank_counts_and_those_before_are_restarts() -> None:
    pods = [failed(0), failed(0, "bbbbb", made=40), a_rank(0, "ccccc", made=60)]
    (pod,) = read(a_job(retries=3), *pods).pods
    assert (pod.name, pod.restarts, pod.phase, pod.reason) == ("train-0-ccccc", 2, "running", "")


def test_pods_that_are_gone_are_known_by_their_events() -> None:
    events = [
        happened("train-0-bbbbb"),
        happened("train-0-bbbbb", 30),
        happened("train-1-0-bbbbb"),
        happened("train-0-early", lastTimestamp="2026-01-02T03:03:00Z"),
        an_event("Pod/default/train-0-other", lastTimestamp=at(20)),
        an_event("Job/training/train", lastTimestamp=at(20)),
    ]
    for event in events:
        event["metadata"]["creationTimestamp"] = MADE.replace("03:04", "03:03")
    status = read(a_job(nodes=2), a_rank(0), a_rank(1), events=events)
    assert [pod.restarts for pod in status.pods] == [1, 0]
    assert status.restarts == 1


def test_a_rank_without_a_pod_that_had_one_starts_again() -> None:
    status = read(a_job(), events=[happened("train-0-bbbbb")])
    assert (status.phase, status.pods[0].restarts) == ("starting", 1)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("EvictionByEvictionAPI", "its node gpu-0 was emptied"),
        ("DeletionByTaintManager", "its node gpu-0 did not answer any more"),
        ("TerminationByKubelet", "its node gpu-0 shut down"),
        ("PreemptionByScheduler", "a Pod of a higher priority"),
    ],
)
def test_a_pod_on_its_way_out_says_why(reason, said) -> None:
    going = lost(reason=reason, metadata={"deletionTimestamp": at(60)})
    going["status"]["phase"] = "Running"
    status = read(a_job(), going)
    assert (status.phase, status.pods[0].phase) == ("starting", "stopping")
    assert said in status.reason
    assert status.reason.endswith("It starts again")


def test_a_node_that_does_not_answer_is_named() -> None:
    silent = a_rank(conditions=[{"type": "Ready", "status": "False"}])
    event = happened("train-0-aaaaa", reason="NodeNotReady")
    event["involvedObject"]["uid"] = silent["metadata"]["uid"]
    status = read(a_job(), silent, events=[event])
    assert (status.phase, status.pods[0].reason) == ("running", "Its node gpu-0 does not answer")
    assert read(a_job(), silent).pods[0].reason == ""


def test_a_job_that_was_not_submitted_as_a_whole_is_incomplete() -> None:
    job = a_job(annotations={INCOMPLETE: ""}, spec={"suspend": True})
    status = read(job)
    assert status.phase == "incomplete"
    assert "run it again under the same name" in status.reason


def test_a_cancelled_job_is_one_that_was_suspended_for_good() -> None:
    job = a_job(
        annotations={reading.CANCELLED: ""},
        spec={"suspend": True},
        conditions={"Suspended": "JobSuspended"},
    )
    status = read(job, events=[happened("train-0-bbbbb")])
    assert (status.phase, status.ended) == ("cancelled", True)
    assert status.finished is not None
    assert (status.pods[0].phase, status.pods[0].restarts) == ("stopped", 0)


def test_a_job_that_others_have_suspended_waits() -> None:
    status = read(a_job(spec={"suspend": True}))
    assert (status.phase, status.reason) == ("waiting", "It is suspended")


def test_a_job_that_ended_before_it_was_cancelled_stays_what_it_was() -> None:
    job = a_job(
        annotations={reading.CANCELLED: ""},
        spec={"suspend": True},
        conditions={"Complete": "CompletionsReached"},
    )
    assert read(job).phase == "succeeded"


def test_a_job_that_is_being_deleted_says_so() -> None:
    job = a_job(metadata={"deletionTimestamp": at(50)})
    assert read(job, a_rank()).reason == "It is being deleted"


def told(rank: int = 0, due: int = 130, **changes: Any) -> dict[str, Any]:
    """A Pod that was told to end, and has until `due`."""
    return a_rank(rank, metadata={"deletionTimestamp": at(due)}, **changes)


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"FailureTarget": "BackoffLimitExceeded"}, "has failed. Rank 0: exit code 3"),
        ({"Suspended": "JobSuspended"}, "was cancelled"),
    ],
)
def test_a_job_whose_pods_have_their_grace_has_not_ended(conditions, said) -> None:
    cancelled = "Suspended" in conditions
    annotations = {reading.CANCELLED: ""} if cancelled else {}
    job = a_job(
        nodes=2, conditions=conditions, annotations=annotations, spec={"suspend": cancelled}
    )
    status = read(job, failed(0, code=3), told(1))
    assert (status.phase, status.ended, status.finished) == ("stopping", False, None)
    assert status.reason == f"Its Pods are told to end, since it {said}"
    assert status.pods[1].phase == "stopping"
    ended = read(job, failed(0, code=3))
    assert ended.phase == ("cancelled" if cancelled else "failed")
    assert ended.finished is not None


def test_a_pod_that_nobody_ends_does_not_keep_a_job_from_having_ended() -> None:
    job = a_job(nodes=2, conditions={"FailureTarget": "BackoffLimitExceeded"})
    assert read(job, failed(0, code=3), told(1, due=60)).phase == "failed"


def test_a_rank_starts_again_only_if_it_may() -> None:
    def again(retries: int, *pods: dict[str, Any]) -> bool:
        return read(a_job(nodes=2, retries=retries), *pods).reason.endswith("It starts again")

    assert not again(0, failed(0), a_rank(1))
    assert not again(0, told(0), a_rank(1))
    assert again(1, failed(0), a_rank(1))
    assert again(1, told(0), failed(1))
    # Two failures in all are borne, and this is the third.
    assert not again(1, failed(0), failed(0, "bbbbb", made=40), failed(1))


def test_a_job_began_with_the_first_of_its_tries() -> None:
    later = a_rank(0, "bbbbb", made=60, main={"running": {"startedAt": at(61)}})
    status = read(a_job(retries=1), failed(0), later)
    assert status.begun == dt.datetime(2026, 1, 2, 3, 4, 10, tzinfo=dt.timezone.utc)
    assert status.pods[0].started == dt.datetime(2026, 1, 2, 3, 5, 1, tzinfo=dt.timezone.utc)
    assert read(a_job()).begun is None

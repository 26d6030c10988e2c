"""Why a job waits or has failed, in words: from what Kubernetes says, and no I/O.

The scheduler's messages are those of kube-scheduler's plugins, such as
``0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match
Pod's node affinity/selector. preemption: …``; reasons of containers are the
kubelet's.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence

from dotrain import durations, names, objects
from dotrain.jobs.status import PodStatus
from dotrain.objects import Json

UNPULLED = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
"""What the kubelet calls it when an image cannot be had."""

_PULL_FAILED = "Failed to pull image"
_AVAILABLE = re.compile(r"0/\d+ nodes are available: (.*?)(?:\. |\.?$)", re.DOTALL)
_PART = re.compile(r"(\d+) (.+)")
_OTHER_POOL = "node affinity/selector"
# What the scheduler says of nodes that could have been the one, and what it means here.
_SCHEDULER = (
    ("Insufficient nvidia.com/gpu", "too few free GPUs"),
    ("Insufficient amd.com/gpu", "too few free GPUs"),
    ("Insufficient cpu", "too few free vCPUs"),
    ("Insufficient memory", "too little free memory"),
    ("Insufficient ephemeral-storage", "too little free disk"),
    ("Too many pods", "no place for another Pod"),
    ("anti-affinity", "a Pod of this job already"),
    ("unschedulable", "no more Pods to take"),
    ("untolerated taint", "a taint that this job does not tolerate"),
)
_DISRUPTED = {
    "EvictionByEvictionAPI": "its node was emptied",
    "DeletionByTaintManager": "its node did not answer any more",
    "DeletionByPodGC": "its node is gone",
    "TerminationByKubelet": "its node shut down, or ran short of memory or disk",
    "PreemptionByScheduler": "a Pod of a higher priority took its place",
}
# https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#what-events-are-emitted-by-ca
_AUTOSCALER = {
    "TriggeredScaleUp": "The autoscaler adds nodes",
    "NotTriggerScaleUp": "The autoscaler adds none",
}
_CODES = {
    126: "the program cannot be executed",
    127: "the image has no such program",
    137: "it was killed",
    139: "it accessed memory that it may not",
    143: "it was told to stop",
}
_WORD = re.compile(r"[A-Z][a-z]*\b")
_SHOWN = 300


class About:
    """What is known of a job, for the reasons of its Pods.

    Parameters
    ----------
    job : mapping
        Its Job.
    events : sequence of mapping
        Events of its namespace.
    """

    def __init__(self, job: Json, events: Sequence[Json]) -> None:
        self.job = job
        self.events = events

    def pod(self, pod: Json) -> str:
        """Return why a Pod is not as it should be; empty when it is."""
        if objects.is_finished(pod):
            return "" if objects.phase(pod) == "Succeeded" else ended(pod)
        if "deletionTimestamp" in pod["metadata"]:
            return disrupted(pod) or "It was told to stop"
        return _held(pod, self._about(pod)) or self._unscheduled(pod) or self._unanswered(pod)

    def _unscheduled(self, pod: Json) -> str:
        """Return why a Pod has no node, and whether the autoscaler makes it one."""
        found = objects.condition(pod, "PodScheduled")
        if found.get("status") != "False":
            return ""
        scaled = [one for one in self._about(pod) if one.get("reason") in _AUTOSCALER]
        said = scheduler(str(found.get("message") or ""), pool_of(pod))
        if not scaled:
            return said
        last = max(scaled, key=objects.happened)
        return f"{said}. {_AUTOSCALER[last['reason']]}: {_said(last.get('message') or '')}"

    def _about(self, pod: Json) -> list[Json]:
        """Return the events of a Pod."""
        uid = pod["metadata"].get("uid")
        return [one for one in self.events if one["involvedObject"].get("uid") == uid]

    def _unanswered(self, pod: Json) -> str:
        """Say of a Pod that should run that nothing is heard of its node."""
        if objects.phase(pod) != "Running" or objects.is_ready(pod):
            return ""
        silent = any(event.get("reason") == "NodeNotReady" for event in self._about(pod))
        return f"Its node {objects.node_of(pod)} does not answer" if silent else ""


def ended(pod: Json) -> str:
    """Return why a Pod failed."""
    lost = disrupted(pod)
    if lost:
        return lost
    status = pod.get("status") or {}
    if status.get("reason"):
        # The kubelet's own: Evicted, DeadlineExceeded, NodeAffinity, …
        return _said(f"{status['reason']}: {status.get('message') or ''}")
    for one in objects.statuses(pod):
        state = (one.get("state") or {}).get("terminated") or {}
        code = state.get("exitCode")
        if not code:
            continue
        if state.get("reason") == "OOMKilled":
            return "It used more memory than it may (OOMKilled): give it more with memory="
        meaning = _CODES.get(code, "")
        where = "Its files could not be unpacked: e" if one["name"] == "files" else "E"
        said = _said(state.get("message") or "")
        return f"{where}xit code {code}" + "".join(
            [f" ({meaning})" if meaning else "", f": {said}" if said else ""]
        )
    return "It failed, and nobody says why"


def disrupted(pod: Json) -> str:
    """Return why Kubernetes ended a Pod before its time; empty when it did not."""
    found = objects.condition(pod, "DisruptionTarget")
    if found.get("status") != "True":
        return ""
    node = objects.node_of(pod)
    what = _DISRUPTED.get(found.get("reason") or "", _said(found.get("message") or ""))
    return f"It was stopped: {what.replace('its node', f'its node {node}') if node else what}"


def unpulled(pod: Json) -> str:
    """Return the image that a Pod cannot get; empty when it can."""
    for one in objects.statuses(pod):
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in UNPULLED:
            return str(one.get("image") or "")
    return ""


def _held(pod: Json, events: Iterable[Json]) -> str:
    """Return why the kubelet cannot start a Pod's containers."""
    for one in objects.statuses(pod):
        waiting = (one.get("state") or {}).get("waiting") or {}
        reason, message = waiting.get("reason") or "", _said(waiting.get("message") or "")
        if reason in UNPULLED:
            # While it waits to try again it only says that it does; why is in an event.
            failed = [one for one in events if _PULL_FAILED in (one.get("message") or "")]
            if failed:
                last = str(max(failed, key=objects.happened)["message"])
                message = _said(last.partition(_PULL_FAILED)[2].partition(": ")[2]) or message
            why = f": {message}" if message else ""
            return (
                f"Its image {one.get('image')!r} cannot be pulled{why} ({reason}). See whether "
                "its name and tag are right, and whether everybody may pull it"
            )
        if reason and reason not in ("ContainerCreating", "PodInitializing"):
            return f"{reason}: {message}" if message else reason
    return ""


def scheduler(message: str, pool: str) -> str:
    """Return what the scheduler says about a Pod that it has no node for.

    Parameters
    ----------
    message : str
        The scheduler's.
    pool : str
        Where the Pod has to be; empty for anywhere.

    Examples
    --------
    >>> scheduler("0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't "
    ...           "match Pod's node affinity/selector. preemption: not helpful", "train")
    'No node of train is free: 1 has too few free GPUs'
    """
    of_pool = f"node of {pool}" if pool else "node"
    found = _AVAILABLE.search(message)
    if found is None:
        return _said(message) or f"It waits for a {of_pool}"
    parts = []
    for part in re.split(r", (?=\d+ )", " ".join(found[1].split())):
        match = _PART.fullmatch(part)
        if match is None or _OTHER_POOL in match[2]:
            continue
        number, said = int(match[1]), match[2]
        words = next((words for key, words in _SCHEDULER if key in said), "")
        have = "has" if number == 1 else "have"
        parts.append(f"{number} {have} {words}" if words else f"{number}: {said}")
    if not parts:
        return f"There is no {of_pool}"
    return f"No {of_pool} is free: {', '.join(parts)}"


def together(job: Json, pods: Sequence[Json], ranks: Sequence[PodStatus]) -> str:
    """Return why a job is not further, from the reasons of its ranks."""
    pool, left = pool_of(job), _retries_left(job, pods)
    uncounted = {pod["metadata"]["name"] for pod in pods if disrupted(pod)}
    open_ranks = [rank for rank in ranks if rank.phase not in ("running", "succeeded")]
    waiting = [rank for rank in open_ranks if rank.phase == "waiting" and rank.name]
    held = [rank for rank in open_ranks if rank.reason and rank not in waiting]
    if held:
        first = held[0]
        # One that is still stopping will count, too.
        needed = {"failed": 0, "stopping": 1}.get(first.phase)
        going_on = needed is not None and (first.name in uncounted or left >= needed)
        again = " It starts again" if going_on else ""
        more = len(held) - 1
        return f"Rank {first.rank}: {_lower(first.reason)}{_and(more)}.{again}".rstrip(".")
    if waiting:
        number = len(waiting)
        need = "1 Pod waits" if number == 1 else f"{number} Pods wait"
        where = f"a node of {pool}" if pool else "a node"
        each = "" if number == 1 else " each"
        why = f". {waiting[0].reason}" if waiting[0].reason else ""
        return f"{need} for {where}{each}{why}"
    return ""


def _retries_left(job: Json, pods: Iterable[Json]) -> int:
    """Return how often ranks may still fail; below 0 when the job is about to."""
    seen = sum(objects.phase(pod) == "Failed" and not disrupted(pod) for pod in pods)
    counted = int((job.get("status") or {}).get("failed") or 0)
    return int(job["spec"].get("backoffLimit") or 0) - max(seen, counted)


def failed(about: About, condition: Json, pods: Iterable[Json]) -> str:
    """Return why a job failed.

    Parameters
    ----------
    about : About
        The job.
    condition : mapping
        The Job's condition that says so.
    pods : iterable of mapping
        Its Pods.
    """
    reason = condition.get("reason") or ""
    if reason == "DeadlineExceeded":
        seconds = about.job["spec"].get("activeDeadlineSeconds")
        limit = durations.text(dt.timedelta(seconds=int(seconds))) if seconds else ""
        return f"It ran longer than timeout={limit}" if limit else "It ran longer than it may"
    first = failed_first(pods)
    if first is None:
        return _said(f"{reason}: {condition.get('message') or ''}")
    retried = about.job["spec"].get("backoffLimit") and reason == "BackoffLimitExceeded"
    after = " It was tried as often as retries= allows" if retried else ""
    return f"Rank {objects.rank(first)}: {_lower(ended(first))}.{after}".rstrip(".")


def failed_first(pods: Iterable[Json]) -> Json | None:
    """Return the Pod because of which a job failed: of its last try, the first that did.

    When one rank fails, those that talk to it fail soon after, or are stopped
    by Kubernetes; neither says why.
    """
    found = [pod for pod in pods if objects.phase(pod) == "Failed"]
    own = [
        pod for pod in found if not disrupted(pod) and "deletionTimestamp" not in pod["metadata"]
    ]
    tried = own or found
    begun = max(map(objects.created, tried), default=None)
    last = [pod for pod in tried if begun and objects.finished_at(pod) >= begun]
    return min(last, key=objects.finished_at, default=None)


def pool_of(one: Json) -> str:
    """Return the pool that a Pod, or the Pods of a Job, have to be on; empty for any."""
    spec = one["spec"].get("template", one)["spec"]
    return str((spec.get("nodeSelector") or {}).get(names.POOL_LABEL) or "")


def _said(text: str) -> str:
    """Return what Kubernetes says as a part of a sentence."""
    return " ".join(text.split()).strip(" .:")[:_SHOWN]


def _lower(sentence: str) -> str:
    """Return a sentence as a part of another; Kubernetes' own words stay as they are."""
    return sentence[:1].lower() + sentence[1:] if _WORD.match(sentence) else sentence


def _and(more: int) -> str:
    return f", and {more} more ranks" if more > 1 else ", and 1 more rank" if more else ""

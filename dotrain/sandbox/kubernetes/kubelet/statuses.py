"""What a kubelet says of a Pod: pure, from what is known of its containers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dotrain.sandbox.lifecycle import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dotrain.sandbox.answers import Doc

CREATING = "ContainerCreating"
INITIALIZING = "PodInitializing"
_KILLED = 137


@dataclass
class Known:
    """What is known of one container.

    Parameters
    ----------
    spec : Doc
        What the Pod says of it.
    waiting : str
        Why it does not run yet, as a kubelet names it.
    message : str
        More of why it waits, or has ended.
    started, finished : float or None
        When, as UNIX times.
    code : int or None
        Its exit code.
    reason : str
        Why it has ended, when that is neither Completed nor Error.
    restarts : int
        How often it was started again.
    before : Doc or None
        Its state before the last restart.
    pid : int
        Its process.
    """

    spec: Doc
    waiting: str = CREATING
    message: str = ""
    started: float | None = None
    finished: float | None = None
    code: int | None = None
    reason: str = ""
    restarts: int = 0
    before: Doc | None = None
    pid: int = 0

    @classmethod
    def found(cls, spec: Doc, waiting: str, status: Doc) -> Known:
        """Return what a status says of a container, which another run of the sandbox wrote."""
        state = status.get("state") or {}
        ended = state.get("terminated") or {}
        since = ended or state.get("running") or {}
        return cls(
            spec,
            waiting=(state.get("waiting") or {}).get("reason", waiting),
            message=(ended or state.get("waiting") or {}).get("message", ""),
            started=moment(since.get("startedAt")),
            finished=moment(ended.get("finishedAt")),
            code=ended.get("exitCode"),
            reason=ended.get("reason", ""),
            restarts=status.get("restartCount", 0),
            before=status.get("lastState") or None,
            pid=int(status.get("containerID", "").removeprefix("process://") or 0),
        )

    @property
    def runs(self) -> bool:
        """Whether it runs now."""
        return self.started is not None and self.code is None

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self.code == 0

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.code is not None and self.code != 0

    def again(self, policy: str) -> bool:
        """Whether it has ended and is to be started again, by the Pod's ``restartPolicy``."""
        return self.code is not None and (
            policy == "Always" or (policy == "OnFailure" and self.failed)
        )

    def restart(self) -> None:
        """Forget the run that has ended, but for its state."""
        self.before, self.restarts = self.state(), self.restarts + 1
        self.started = self.finished = self.code = None
        self.reason = self.message = ""

    def lose(self, now: float) -> None:
        """Say that it ran, and that how it has ended is not known."""
        self.finished, self.code, self.reason = now, _KILLED, "ContainerStatusUnknown"
        self.message = "The container could not be located when the pod was terminated"

    def state(self) -> Doc:
        """Return its state as the API has it."""
        if self.code is not None:
            ended: Doc = {
                "exitCode": self.code,
                "reason": self.reason or ("Error" if self.code else "Completed"),
                "startedAt": stamp(self.started) if self.started is not None else None,
                "finishedAt": stamp(self.finished) if self.finished is not None else None,
            }
            if self.message:
                ended["message"] = self.message
            return {"terminated": ended}
        if self.started is not None:
            return {"running": {"startedAt": stamp(self.started)}}
        waiting = {"reason": self.waiting}
        return {"waiting": {**waiting, "message": self.message} if self.message else waiting}


@dataclass
class Status:
    """The status of one Pod, as it comes about.

    Parameters
    ----------
    init, main : list of Known
        Its init containers in their order, and its containers.
    began : float
        When the kubelet saw it first, as a UNIX time.
    address : str
        Its IP address.
    host : str
        The IP address of its node.
    policy : str
        Its ``restartPolicy``.
    """

    init: list[Known]
    main: list[Known]
    began: float
    address: str
    host: str
    policy: str
    # Why it is over, when no container says so.
    failure: str = ""
    # Whether its volumes are there.
    prepared: bool = False

    def phase(self, *, over: bool = False) -> str:
        """Return its phase; `over` when no container of it is started any more."""
        ended = all(one.code is not None for one in self.main)
        if over or (ended and not any(one.again(self.policy) for one in self.main)):
            failed = any(one.failed for one in (*self.init, *self.main)) or self.failure
            return "Failed" if failed or not ended else "Succeeded"
        if any(one.started is not None or one.restarts for one in self.main):
            return "Running"
        return "Pending"

    def manifest(self, now: float, before: Doc, *, over: bool = False) -> Doc:
        """Return the status to write.

        Parameters
        ----------
        now : float
            The time, as a UNIX time.
        before : Doc
            The status as it was written last: what has not changed keeps its time.
        over : bool
            Whether no container of the Pod is started any more.
        """
        phase = self.phase(over=over)
        status: Doc = {
            "phase": phase,
            "startTime": stamp(self.began),
            "hostIP": self.host,
            "hostIPs": [{"ip": self.host}],
            "conditions": _since(self._conditions(phase), before.get("conditions") or (), now),
            "containerStatuses": [_container(one, ready=one.runs) for one in self.main],
        }
        if self.failure:
            status |= {"reason": "SandboxError", "message": self.failure}
        if self.prepared:
            status |= {"podIP": self.address, "podIPs": [{"ip": self.address}]}
        if self.init:
            status["initContainerStatuses"] = [
                _container(one, ready=one.succeeded) for one in self.init
            ]
        return status

    def _conditions(self, phase: str) -> list[Doc]:
        over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "")
        lacking = _named("incomplete", [one for one in self.init if not one.succeeded])
        unready = _named("unready", [one for one in self.main if not one.runs])
        ready = _condition("Ready", not unready, over or "ContainersNotReady", unready)
        return [
            _condition("PodReadyToStartContainers", self.prepared and not over),
            _condition("Initialized", not lacking, "ContainersNotInitialized", lacking),
            ready,
            {**ready, "type": "ContainersReady"},
        ]


def moment(stamped: str | None) -> float | None:
    """Return a moment that the API has written, as a UNIX time."""
    return datetime.fromisoformat(stamped.replace("Z", "+00:00")).timestamp() if stamped else None


def orphaned(now: float) -> Doc:
    """Return what becomes of the status of a Pod whose node is gone, in Pod GC's words."""
    disrupted = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists",
        "lastTransitionTime": stamp(now),
    }
    return {"phase": "Failed", "conditions": [disrupted]}


def _container(one: Known, *, ready: bool) -> Doc:
    return {
        "name": one.spec["name"],
        "image": one.spec["image"],
        "imageID": "",
        "containerID": f"process://{one.pid}" if one.pid else "",
        "ready": ready,
        "started": one.runs,
        "restartCount": one.restarts,
        "state": one.state(),
        "lastState": one.before or {},
    }


def _named(what: str, which: list[Known]) -> str:
    names = " ".join(one.spec["name"] for one in which)
    return f"containers with {what} status: [{names}]" if which else ""


def _condition(kind: str, true: bool, reason: str = "", message: str = "") -> Doc:
    if true:
        return {"type": kind, "status": "True", "reason": None, "message": None}
    # Of a Pod that is over, the reason says it all.
    short = reason in {"PodCompleted", "PodFailed"}
    return {
        "type": kind,
        "status": "False",
        "reason": reason or None,
        "message": None if short or not message else message,
    }


def _since(conditions: list[Doc], before: Sequence[Doc], now: float) -> list[Doc]:
    """Return conditions with the time since when each is as it is."""
    known = {one["type"]: one for one in before}
    for one in conditions:
        last = known.get(one["type"], {})
        same = last.get("status") == one["status"]
        one["lastTransitionTime"] = last["lastTransitionTime"] if same else stamp(now)
    return conditions

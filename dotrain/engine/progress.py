"""The engine's events as a typed stream: which object, what happens to it, how far it is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dotrain import durations, hidden
from dotrain.engine.log import Log
from dotrain.estimates import Past

if TYPE_CHECKING:
    from pulumi.automation.events import DiagnosticEvent, EngineEvent, StepEventMetadata

_KINDS = {
    "tag": "tag",
    "vpc": "VPC",
    "firewall": "firewall",
    "kubernetesCluster": "cluster",
    "kubernetesNodePool": "node pool",
    "databaseCluster": "database",
    "databaseFirewall": "database firewall",
}
# What Pulumi's operations are to a reader. "same" and reads change nothing.
_VERBS = {
    "create": "create",
    "create-replacement": "create",
    "import": "adopt",
    "update": "update",
    "delete": "delete",
    "delete-replaced": "delete",
}
# What the engine writes into its messages for a terminal's colours.
_COLOURS = re.compile(r"<\{%[^%]*%\}>")
# It warns of the provider that it was given.
_ARRANGED = "using pulumi-resource-"


@dataclass(frozen=True)
class Step:
    """What happens to one object.

    Parameters
    ----------
    kind : str
        Such as ``"cluster"`` or ``"firewall"``.
    name : str
        Its name on DigitalOcean, or in the program where it has none.
    verb : str
        ``"create"``, ``"adopt"``, ``"update"`` or ``"delete"``.
    status : str
        ``"running"``, ``"done"`` or ``"failed"``.
    started : float
        When it began, as `time.monotonic` counts: the same for all processes
        of a machine.
    seconds : float
        How long it took; 0 while it runs.
    """

    kind: str
    name: str
    verb: str
    status: str
    started: float
    seconds: float = 0.0

    @property
    def what(self) -> str:
        """What happens to what kind of object: ``"create cluster"``."""
        return f"{self.verb} {self.kind}"

    @property
    def elapsed(self) -> float:
        """Seconds that it took, or has taken so far."""
        if self.status != "running":
            return self.seconds
        return max(time.monotonic() - self.started, 0.0)

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.name}: {self.status} ({self.seconds:.1f} s)"


@dataclass
class Progress:
    """What an operation has done so far, folded from the engine's events.

    Parameters
    ----------
    title : str
        What the operation is, such as ``"up bert"``.
    listener : callable
        Called with each change, as `take` takes it.
    notes : list of str
        Sentences about the operation as a whole.
    steps : dict of str to Step
        What happens to each object.
    failures : list of str
        What the engine said of each object that it failed at.
    finished : bool
        Whether nothing more will happen.
    failed : bool
        Whether it did not do what it should; only when it is finished.
    left : bool
        Whether who showed it goes on without it.
    past : Past
        How long such things took before, on this machine.
    log : Log
        All that was said, with the time.
    began, ended : float or None
        When its turn came and when it ended, seconds since 1970, where known.
    """

    title: str
    listener: Callable[[str, Any], None] = lambda _key, _value: None
    notes: list[str] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    finished: bool = False
    failed: bool = False
    left: bool = False
    past: Past = field(default_factory=Past)
    log: Log = field(default_factory=Log, compare=False)
    began: float | None = None
    ended: float | None = None

    @property
    def verb(self) -> str:
        """What is done, without the name of the cluster: ``"up"``."""
        return self.title.partition(" ")[0]

    @property
    def elapsed(self) -> float | None:
        """Seconds since its turn came, until its end when that is over; None when not known."""
        if self.began is None:
            return None
        return max((self.ended if self.ended is not None else time.time()) - self.began, 0.0)

    @property
    def did(self) -> frozenset[str]:
        """The kinds of the steps so far, such as ``"create cluster"``."""
        return frozenset(step.what for step in list(self.steps.values()))

    def note(self, text: str) -> None:
        """Add a line about the operation as a whole."""
        self._change("note", text)

    def recall(self, past: Past) -> None:
        """Say how long such things took before."""
        self._change("past", past.to_dict())

    def begin(self, at: float) -> None:
        """Say that the operation has its turn, since `at` seconds since 1970."""
        self.began, self.ended = at, None
        self.finished = self.failed = False
        self.log.add(at, f"{self.title} begins.")

    def finish(self, why: str = "", *, failed: bool = False, at: float | None = None) -> None:
        """Say that nothing more will happen, `why` when it failed, and when that was."""
        self.finished, self.failed = True, failed
        self.ended = time.time() if at is None else at
        if failed:
            self.log.add(self.ended, f"{self.title} failed: {why}")
        else:
            self.log.add(self.ended, f"{self.title} is done.")

    def cut_off(self) -> None:
        """Say that its process is gone, unless it has said how it ended."""
        if not self.finished:
            self.finish("its process was killed.", failed=True)

    def resume(self) -> None:
        """Say that it goes on after all: somebody has taken it up."""
        self.finished = self.failed = False

    def forgive(self) -> None:
        """Forget the failures so far: what failed is tried again."""
        self._change("forgive", None)

    def follow(self, other: Progress) -> None:
        """Take over what another one has that is new: it is a part of this."""
        if other.past.steps and not self.past.steps:
            self.recall(other.past)
        for note in other.notes:
            if note not in self.notes:
                self.note(note)
        for key, step in list(other.steps.items()):
            if self.steps.get(key) != step:
                self._change("step", [key, asdict(step)])

    def take(self, key: str, value: Any, at: float | None = None) -> None:
        """Take in a change, as another process reports it.

        Parameters
        ----------
        key : str
            ``"note"``, ``"step"``, ``"failure"``, ``"forgive"``, ``"said"`` for
            what only the log has, or ``"past"``; anything else is news of a
            newer version, and left out.
        value : str, list, dict or None
            A text, the key and the fields of a `Step`, or a `Past`.
        at : float, optional
            When that was, seconds since 1970; by default now.
        """
        at = time.time() if at is None else at
        if key == "note":
            self.notes.append(value)
            self.log.add(at, value)
        elif key == "step":
            step = self.steps[value[0]] = Step(**value[1])
            self.log.add(at, _told(step))
        elif key == "failure":
            self.failures.append(value)
            self.log.add(at, value)
        elif key == "forgive":
            self.failures.clear()
            self.log.add(at, "What failed is tried again.")
        elif key == "said":
            self.log.add(at, value)
        elif key == "past":
            self.past = Past.from_dict(value)

    def _change(self, key: str, value: Any) -> None:
        self.take(key, value)
        self.listener(key, value)

    def on_event(self, event: EngineEvent) -> None:
        """Take in one event of the engine."""
        if event.resource_pre_event:
            self._step(event.resource_pre_event.metadata, "running")
        elif event.res_outputs_event:
            self._step(event.res_outputs_event.metadata, "done")
        elif event.res_op_failed_event:
            self._step(event.res_op_failed_event.metadata, "failed")
        elif event.diagnostic_event:
            self._diagnose(event.diagnostic_event)

    def _step(self, metadata: StepEventMetadata, status: str) -> None:
        verb = _VERBS.get(metadata.op.value)
        if verb is None or not metadata.type.startswith("digitalocean:"):
            return
        now = time.monotonic()
        key = f"{verb} {metadata.urn}"
        begun = Step(kind_of(metadata), name_of(metadata), verb, status, now)
        step = self.steps.get(key, begun)
        seconds = 0.0 if status == "running" else now - step.started
        self._change("step", [key, asdict(replace(step, status=status, seconds=seconds))])

    def _diagnose(self, event: DiagnosticEvent) -> None:
        if event.severity == "debug":
            return
        words = " ".join(_COLOURS.sub("", event.message).split())
        # An error without an object only says that there were errors.
        if event.severity != "error" or not event.urn:
            if words and not words.startswith(_ARRANGED):
                self._change("said", hidden.without_passwords(f"{event.severity}: {words}"))
            return
        text = words.removeprefix("error: ")
        name = event.urn.rpartition("::")[2]
        sentence = f"{name}: {text}"
        if sentence not in self.failures:
            self._change("failure", sentence)


def _told(step: Step) -> str:
    ends = {"done": "done after", "failed": "failed after"}.get(step.status)
    how = f"{ends} {durations.clock(step.seconds)}" if ends else "begins"
    return f"{step.what} {step.name}: {how}"


def kind_of(metadata: StepEventMetadata) -> str:
    """Return what an object is, as its reader says it: ``"node pool"``."""
    kind = metadata.type.rpartition(":")[2]
    return _KINDS.get(kind[:1].lower() + kind[1:], kind)


def name_of(metadata: StepEventMetadata) -> str:
    """Return an object's name on DigitalOcean, or in the program where it has none."""
    state = metadata.new or metadata.old
    named = (state.inputs or {}).get("name") if state else None
    return named if isinstance(named, str) else metadata.urn.rpartition("::")[2]

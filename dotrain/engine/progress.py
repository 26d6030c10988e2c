"""The engine's events as a typed stream: which object, what happens to it, how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

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
    """

    title: str
    listener: Callable[[str, Any], None] = lambda _key, _value: None
    notes: list[str] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    finished: bool = False

    def note(self, text: str) -> None:
        """Add a line about the operation as a whole."""
        self._change("note", text)

    def finish(self) -> None:
        """Say that nothing more will happen."""
        self.finished = True

    def forgive(self) -> None:
        """Forget the failures so far: what failed is tried again."""
        self._change("forgive", None)

    def follow(self, other: Progress) -> None:
        """Take over what another one has that is new: it is a part of this."""
        for note in other.notes:
            if note not in self.notes:
                self.note(note)
        for key, step in list(other.steps.items()):
            if self.steps.get(key) != step:
                self._change("step", [key, asdict(step)])

    def take(self, key: str, value: Any) -> None:
        """Take in a change, as another process reports it.

        Parameters
        ----------
        key : str
            ``"note"``, ``"step"``, ``"failure"`` or ``"forgive"``; anything else
            is news of a newer version, and left out.
        value : str, list or None
            A text, or the key and the fields of a `Step`.
        """
        if key == "note":
            self.notes.append(value)
        elif key == "step":
            self.steps[value[0]] = Step(**value[1])
        elif key == "failure":
            self.failures.append(value)
        elif key == "forgive":
            self.failures.clear()

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
        # An error without an object only says that there were errors.
        if event.severity != "error" or not event.urn:
            return
        text = " ".join(event.message.split()).removeprefix("error: ")
        name = event.urn.rpartition("::")[2]
        sentence = f"{name}: {text}"
        if sentence not in self.failures:
            self._change("failure", sentence)


def kind_of(metadata: StepEventMetadata) -> str:
    """Return what an object is, as its reader says it: ``"node pool"``."""
    kind = metadata.type.rpartition(":")[2]
    return _KINDS.get(kind[:1].lower() + kind[1:], kind)


def name_of(metadata: StepEventMetadata) -> str:
    """Return an object's name on DigitalOcean, or in the program where it has none."""
    state = metadata.new or metadata.old
    named = (state.inputs or {}).get("name") if state else None
    return named if isinstance(named, str) else metadata.urn.rpartition("::")[2]

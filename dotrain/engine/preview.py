"""The engine's events of a preview, as what would happen to which object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dotrain.engine.progress import kind_of, name_of

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent, StepEventMetadata

# What Pulumi writes for a value that is not known before something is made.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# A replacement is announced by "replace"; its two halves say nothing more.
_VERBS = {
    "create": "create",
    "import": "adopt",
    "update": "update",
    "replace": "replace",
    "delete": "delete",
}


@dataclass(frozen=True)
class Planned:
    """What would happen to one object.

    Parameters
    ----------
    verb : str
        ``"create"``, ``"adopt"``, ``"update"``, ``"replace"`` or ``"delete"``.
    kind : str
        Such as ``"cluster"``.
    name : str
        Its name on DigitalOcean.
    because : tuple of str
        The inputs that differ; of a replacement those that cause it, with their
        values where these are plain: ``"region: nyc3 → ams3"``.
    """

    verb: str
    kind: str
    name: str
    because: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # From JSON it comes as a list.
        object.__setattr__(self, "because", tuple(self.because))

    def __str__(self) -> str:
        reason = f" ({', '.join(self.because)})" if self.because else ""
        return f"{self.verb} {self.kind} {self.name}{reason}"


def planned(event: EngineEvent) -> Planned | None:
    """Return what `event` says would happen to an object of DigitalOcean, if it says that."""
    if not event.resource_pre_event:
        return None
    metadata = event.resource_pre_event.metadata
    verb = _VERBS.get(metadata.op.value)
    if verb is None or not metadata.type.startswith("digitalocean:"):
        return None
    if verb == "replace":
        because = tuple(_cause(metadata, path) for path in metadata.keys or _differing(metadata))
    else:
        because = tuple(metadata.diffs or ())
    return Planned(verb, kind_of(metadata), name_of(metadata), because)


def _differing(metadata: StepEventMetadata) -> list[str]:
    """Return the inputs that differ, of what goes because something else does: it has no keys."""
    old, new = ((state.inputs if state else None) or {} for state in (metadata.old, metadata.new))
    return [name for name in new if new[name] != old.get(name) and not name.startswith("__")]


def _cause(metadata: StepEventMetadata, path: str) -> str:
    """Return an input with its value before and after, where both are plain."""
    states = (metadata.old, metadata.new)
    values = [_value(state.inputs if state else None, path) for state in states]
    plain = all(isinstance(value, (str, bool, int, float)) for value in values)
    # What a replacement before it will put out is not known yet.
    if not plain or _UNKNOWN in values:
        return path
    return f"{path}: {values[0]} → {values[1]}"


def _value(inputs: Any, path: str) -> Any:
    for name in path.split("."):
        inputs = inputs.get(name) if isinstance(inputs, Mapping) else None
    return inputs

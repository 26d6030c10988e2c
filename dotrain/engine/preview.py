"""The engine's events of a preview, as what would happen to which object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain.engine.progress import kind_of, name_of

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent

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
        The inputs that differ.
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
    differing = metadata.keys if verb == "replace" else metadata.diffs
    return Planned(verb, kind_of(metadata), name_of(metadata), tuple(differing or ()))

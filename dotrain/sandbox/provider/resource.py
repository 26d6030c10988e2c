"""What every resource family provides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from dotrain.sandbox.provider.fields import Fields
from dotrain.sandbox.provider.wait import HALF_AN_HOUR
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api


class Resource(ABC):
    """One type of resource: its inputs and outputs, and the calls that bring it about."""

    kind: ClassVar[str]
    noun: ClassVar[str]
    fields: ClassVar[Fields]
    outputs: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[frozenset[str]] = frozenset()
    create_limit: ClassVar[float] = HALF_AN_HOUR
    delete_limit: ClassVar[float] = HALF_AN_HOUR

    @abstractmethod
    def create(self, api: Api, inputs: Props, limit: float) -> tuple[str, Props]:
        """Create it, wait until it is ready, and return its id and state."""

    @abstractmethod
    def read(self, api: Api, id_: str, state: Props) -> tuple[str, Props]:
        """Return its id and state; an empty state given means that it is being imported."""

    @abstractmethod
    def update(self, api: Api, id_: str, state: Props, inputs: Props, limit: float) -> Props:
        """Change it in place and return its state."""

    @abstractmethod
    def delete(self, api: Api, id_: str, state: Props, limit: float) -> None:
        """Delete it."""

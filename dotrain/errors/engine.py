"""What goes wrong with the Pulumi CLI."""

from __future__ import annotations

from collections.abc import Sequence

from dotrain.errors.base import DotrainError


class EngineError(DotrainError):
    """The Pulumi CLI could not be had, or an operation of it failed."""


class EngineNotFound(EngineError):
    """No usable Pulumi CLI, and none of the ways to get one worked."""


class EngineBuildFailed(EngineError):
    """Building the Pulumi CLI from its Go modules failed."""


class ProviderNotFound(EngineError):
    """The official DigitalOcean provider is neither installed nor downloadable."""


class StackLocked(EngineError):
    """Another operation runs on this stack."""


class StateCorrupt(EngineError):
    """The stack's state cannot be read."""


class StateTooNew(EngineError):
    """The stack's state was written by a newer dotrain or Pulumi."""


class WrongPassphrase(EngineError):
    """The passphrase does not decrypt the stack's secrets."""


class OperationFailed(EngineError):
    """An operation stopped half-way; running it again continues.

    Attributes
    ----------
    failures : tuple of str
        One sentence per resource that failed.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, failures: Sequence[str] = ()
    ) -> None:
        super().__init__(what, why, fix)
        self.failures = tuple(failures)


class OperationInterrupted(EngineError):
    """The operation was interrupted; its state is saved."""

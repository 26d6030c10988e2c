"""What can go wrong, as the engine gets to read it.

ProviderError
├── Refused      the endpoint is no sandbox, or the token looks real
├── ApiError     the API answered with an error, or not at all
├── WaitFailed   what was asked for did not become ready
└── NotImportable  an id does not lead to something that can be adopted
"""

from __future__ import annotations


class ProviderError(Exception):
    """Anything this provider reports to the engine."""


class Refused(ProviderError):
    """Raised before any call that could reach something other than a sandbox."""


class ApiError(ProviderError):
    """Raised when the API answers with an error; `status` is None when it did not answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WaitFailed(ProviderError):
    """Raised when a resource fails, or is not ready within its time."""


class NotImportable(ProviderError):
    """Raised when an id leads to nothing that can be adopted."""

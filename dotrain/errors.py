"""Every error dotrain raises.

DotrainError
 ├─ SpecError                  what was asked for is wrong (also a ValueError)
 │   ├─ InvalidName
 │   ├─ InvalidAddress
 │   ├─ OpenToWorld            0.0.0.0/0 or ::/0 without open_to_world=True
 │   └─ UnknownChoice          carries .nearest
 │       ├─ UnknownRegion
 │       ├─ UnknownSize
 │       └─ UnknownVersion
 ├─ ConfigError                this machine is not set up
 │   ├─ MissingToken
 │   └─ UnsafeEndpoint         a token would travel in the clear, or to a stranger
 ├─ AddressError               this machine's public address is not known for certain
 ├─ ApiError                   DigitalOcean said no; carries .status and .request_id
 │   ├─ TokenRejected
 │   ├─ NotFound
 │   ├─ RateLimited
 │   └─ Unreachable
 ├─ EngineError                the Pulumi CLI
 │   ├─ EngineNotFound
 │   ├─ EngineBuildFailed
 │   ├─ ProviderNotFound
 │   ├─ StackLocked            another operation runs on this stack
 │   ├─ StateCorrupt
 │   ├─ StateTooNew            a newer dotrain or Pulumi wrote the state
 │   ├─ WrongPassphrase
 │   ├─ OperationFailed        up or down stopped half-way; carries .failures
 │   └─ OperationInterrupted
 ├─ SandboxError               the local DigitalOcean did not start or answer
 ├─ ClusterNotFound
 ├─ NameInUse
 ├─ ReplacementRefused         the change would destroy the cluster
 ├─ LockedOut                  the change would shut the caller out
 ├─ ConfirmationRequired
 ├─ TeardownFailed             at the end of a with block; carries .block, how that ended
 ├─ TeardownIncomplete         carries .left, a DataFrame of what still exists
 └─ SweepIncomplete            carries .frame, a DataFrame of what was done and what was not

Each message is one paragraph: what happened, why, and what to do next. The
three parts are also attributes, so that a widget can set them apart.

Two are no errors but warnings: StateRestored, a state that could not be read
was replaced by a copy; EndsSoon, a cluster is near the end of its max age.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class DotrainError(Exception):
    """The base of all errors dotrain raises.

    Parameters
    ----------
    what : str
        What happened, as a sentence.
    why : str
        Why it happened, as a sentence; empty when `what` says it.
    fix : str
        What to do next, as a sentence.
    """

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__(what, why, fix)

    def __str__(self) -> str:
        return " ".join(part.strip() for part in (self.what, self.why, self.fix) if part)

    def _render_traceback_(self) -> list[str]:
        # What IPython shows of an uncaught error: the paragraph, and not the
        # hundred lines of the engine's frames above it. The cause stays chained.
        return [f"{type(self).__name__}: {self}"]


class SpecError(DotrainError, ValueError):
    """What was asked for is wrong."""


class InvalidName(SpecError):
    """A name that DigitalOcean or Kubernetes would refuse."""


class InvalidAddress(SpecError):
    """Not an IP address or CIDR that a firewall takes."""


class OpenToWorld(SpecError):
    """A source that lets everybody in, without ``open_to_world=True``."""


class UnknownChoice(SpecError):
    """A value that is not in DigitalOcean's list.

    Attributes
    ----------
    nearest : tuple of str
        The valid values nearest to the one given, best first.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, nearest: Sequence[str] = ()
    ) -> None:
        super().__init__(what, why, fix)
        self.nearest = tuple(nearest)


class UnknownRegion(UnknownChoice):
    """A region that does not offer Kubernetes."""


class UnknownSize(UnknownChoice):
    """A Droplet size that Kubernetes nodes cannot have."""


class UnknownVersion(UnknownChoice):
    """A Kubernetes version that DigitalOcean does not offer."""


class ConfigError(DotrainError):
    """The machine is not set up for what was asked."""


class MissingToken(ConfigError):
    """No DigitalOcean API token in the environment."""


class UnsafeEndpoint(ConfigError):
    """A token would travel in the clear, or to somebody other than DigitalOcean."""


class AddressError(DotrainError):
    """The public address of this machine could not be established for certain."""


class ApiError(DotrainError):
    """DigitalOcean refused or failed a request.

    Attributes
    ----------
    status : int or None
        The HTTP status, None when no answer came.
    request_id : str or None
        DigitalOcean's id of the request, for its support.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        fix: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(what, why, fix)
        self.status = status
        self.request_id = request_id


class TokenRejected(ApiError):
    """401 or 403: the token is unknown, expired or lacks a scope."""


class NotFound(ApiError):
    """404: there is no such object."""


class RateLimited(ApiError):
    """429, and still 429 after waiting."""


class Unreachable(ApiError):
    """No answer from the API."""


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


class SandboxError(DotrainError):
    """The sandbox did not start or does not answer."""


class ClusterNotFound(DotrainError):
    """There is no cluster of that name."""


class NameInUse(DotrainError):
    """Something that dotrain did not make has the name already."""


class ReplacementRefused(DotrainError):
    """The change would destroy the cluster and make another."""


class LockedOut(DotrainError):
    """The change would shut the caller out of the cluster."""


class ConfirmationRequired(DotrainError):
    """A teardown that nobody confirmed."""


class TeardownFailed(DotrainError):
    """A `with` block ended with an exception, and so did the teardown after it, the cause of this.

    Attributes
    ----------
    block : BaseException or None
        The exception that the block ended with.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, block: BaseException | None = None
    ) -> None:
        super().__init__(what, why, fix)
        self.block = block


class TeardownIncomplete(DotrainError):
    """Something is left after a teardown.

    Attributes
    ----------
    left : pandas.DataFrame
        What still exists: columns kind, id, name, why (all str).
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, left: pd.DataFrame | None = None
    ) -> None:
        super().__init__(what, why, fix)
        self.left = left


class SweepIncomplete(DotrainError):
    """A sweep did what it could, and something failed.

    Attributes
    ----------
    frame : pandas.DataFrame
        What `dotrain.sweep` returns otherwise.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, frame: pd.DataFrame | None = None
    ) -> None:
        super().__init__(what, why, fix)
        self.frame = frame


class StateRestored(UserWarning):
    """The stack's state could not be read, and was restored from a copy."""


class EndsSoon(UserWarning):
    """A cluster is near the end of its max age, or past it."""

"""What goes wrong with clusters themselves, and what is only warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.errors.base import DotrainError

if TYPE_CHECKING:
    import pandas as pd


class SandboxError(DotrainError):
    """The sandbox did not start or does not answer."""


class ClusterNotFound(DotrainError):
    """There is no cluster of that name."""


class NameInUse(DotrainError):
    """Something that dotrain did not make has the name already."""


class ReplacementRefused(DotrainError):
    """The change would destroy the cluster, its database or a pool, and nobody has named it."""


class ClusterReplaced(DotrainError):
    """There is another cluster of that name by now than the one that was meant."""

    @classmethod
    def of(cls, name: str) -> ClusterReplaced:
        """Return the error for the cluster `name`."""
        return cls(
            f"The cluster {name!r} is not the one that was meant, and stays as it is.",
            "Somebody has made another of that name meanwhile.",
            "Look at what there is now, and decide again.",
        )


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


class BudgetRunsOut(UserWarning):
    """Most of what a cluster may cost is spent, or all of it."""


class EndsSoon(UserWarning):
    """A cluster is near the end of its max age, or past it."""


class FinisherKilled(UserWarning):
    """What was to take a cluster down after its job was killed, or has failed."""


class NothingElseEndsIt(UserWarning):
    """A cluster is to be taken down after its job, and only this machine will do that."""

"""What stands in the way of a job."""

from __future__ import annotations

from collections.abc import Sequence

from dotrain.errors.asked import SpecError
from dotrain.errors.base import DotrainError
from dotrain.errors.kubernetes import KubernetesError


class TaskDoesNotFit(SpecError):
    """No pool of the cluster can ever run the task.

    Attributes
    ----------
    nearest : tuple of str
        The sizes or pools that could, nearest first.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, nearest: Sequence[str] = ()
    ) -> None:
        super().__init__(what, why, fix)
        self.nearest = tuple(nearest)


class ClusterPaused(DotrainError):
    """The cluster has no training nodes until it is resumed."""


class JobNameTaken(DotrainError):
    """There is a job, or another object, of that name already."""


class JobRefused(KubernetesError):
    """The cluster's admission control does not let the job's Pods in."""

"""What goes wrong with jobs: what they carry in and out, where they run, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dotrain.errors.asked import SpecError
from dotrain.errors.base import DotrainError
from dotrain.errors.kubernetes import KubernetesError, KubernetesUnreachable
from dotrain.errors.running import JobFailed


class NotPicklable(SpecError):
    """A function, or something that it takes along, cannot leave this kernel."""


class FunctionTooLarge(SpecError):
    """A function and what it takes along are larger than a Kubernetes Secret."""


class FilesTooLarge(SpecError):
    """The files of a job are larger than a Kubernetes ConfigMap."""


class StorageError(DotrainError):
    """Object storage refused or failed a request, or did not answer."""


class ResultTooLarge(JobFailed):
    """What a function returned is larger than a Kubernetes Secret."""


class ResultUnreadable(DotrainError):
    """What a function returned is here, but this kernel cannot unpickle it.

    Attributes
    ----------
    path : str
        The file with its bytes; empty when it was not kept.
    """

    def __init__(self, what: str, why: str = "", fix: str = "", *, path: str = "") -> None:
        super().__init__(what, why, fix)
        self.path = path


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


class JobUncertain(KubernetesUnreachable):
    """Nobody knows whether a job that was submitted has started: the API does not answer.

    Attributes
    ----------
    name : str
        The job's.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, name: str = "", **known: Any
    ) -> None:
        super().__init__(what, why, fix, **known)
        self.name = name

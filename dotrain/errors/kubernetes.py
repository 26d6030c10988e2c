"""What a cluster's own Kubernetes API says no to."""

from __future__ import annotations

from collections.abc import Sequence

from dotrain.errors.base import DotrainError


class KubernetesError(DotrainError):
    """The Kubernetes API of a cluster refused or failed a request.

    Attributes
    ----------
    status : int or None
        The HTTP status, None when no answer came.
    causes : tuple of str
        What is wrong in detail, a sentence each.
    objects : tuple of str
        What it is about, such as ``"default/train-0"``.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        fix: str = "",
        *,
        status: int | None = None,
        causes: Sequence[str] = (),
        objects: Sequence[str] = (),
    ) -> None:
        super().__init__(what, why, fix)
        self.status = status
        self.causes = tuple(causes)
        self.objects = tuple(objects)


class KubernetesForbidden(KubernetesError):
    """401 or 403: the token is not accepted, or its user may not do that."""


class KubernetesNotFound(KubernetesError):
    """404: there is no such object in the cluster."""


class KubernetesUnreachable(KubernetesError):
    """No answer from the cluster's Kubernetes API."""


class AddressMoved(KubernetesUnreachable):
    """The control plane's firewall does not let in the address that this machine has now."""


class DrainFailed(KubernetesError):
    """Nodes could not be emptied, and take Pods again; `objects` are the Pods still there."""


class ForwardFailed(KubernetesError):
    """A port could not be forwarded; `objects` are the nearest names or ports there are."""


class NotReady(KubernetesError):
    """A cluster did not become ready in time; `causes` says what is not, each with its reason."""

"""A job that was submitted: what there is to know of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from dotrain.kube import Kube


@dataclass(frozen=True)
class Job:
    """A job on a cluster; `Cluster.run` returns it.

    Parameters
    ----------
    name : str
        What it is called.
    namespace : str
        Where it is in Kubernetes.
    cluster : str
        The cluster's name.
    kube : Kube
        The cluster's Kubernetes API.
    """

    name: str
    namespace: str
    cluster: str
    kube: Kube = field(repr=False, compare=False)

"""Where a task runs, with what the cluster and the account say: the I/O around `fitting`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import cache

from kr8s.objects import Node, Pod

from dotrain import offers
from dotrain.api import Api
from dotrain.jobs import fitting
from dotrain.jobs.fitting import Place
from dotrain.jobs.task import Task
from dotrain.kube import Kube
from dotrain.offers import Offer
from dotrain.spec import ClusterSpec
from dotrain.target import Target


def place(
    target: Target,
    kube: Kube | None,
    task: Task,
    spec: ClusterSpec,
    *,
    share: float = fitting.SHARE,
) -> Place:
    """Return where a task runs.

    Parameters
    ----------
    target : Target
        The account, which says what sizes there are.
    kube : Kube or None
        The cluster's Kubernetes API; None while there is no cluster yet.
    task : Task
        What should run.
    spec : ClusterSpec
        The cluster.
    share : float
        As `fitting.place` has it.

    Raises
    ------
    ClusterPaused, TaskDoesNotFit
        As `fitting.place`.
    KubernetesError, ApiError
        See each.
    """
    nodes = kube.list(Node) if kube else ()
    pods = kube.list(Pod) if nodes and kube else ()
    return fitting.place(task, spec, nodes, cache(lambda: sizes(target)), pods, share=share)


def sizes(target: Target) -> Sequence[Offer]:
    """Return the sizes that nodes can have."""
    with closing(Api(target)) as api:
        options = api.get("/v2/kubernetes/options")["options"]
        return offers.offers(api.pages("/v2/sizes", "sizes"), options)

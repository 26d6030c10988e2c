"""Ray and Dask on a cluster: the part of `Cluster` that starts them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dotrain import display, durations
from dotrain.checks import check_whole
from dotrain.engine.progress import Progress
from dotrain.working import Working

if TYPE_CHECKING:
    from dotrain.frameworks.dask import DaskCluster
    from dotrain.frameworks.ray import RayCluster

# Of what a node has for Pods, for each worker.
_SHARE = 0.75


class Clustering(Working):
    """Ray and Dask on it; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def dask(
        self,
        *,
        workers: int = 1,
        image: str | None = None,
        cpus: float | None = None,
        memory: str | None = None,
        gpus: int = 0,
        env: Mapping[str, str] | None = None,
        pool: str | None = None,
        name: str = "dask",
        timeout: str | dt.timedelta = "10m",
    ) -> DaskCluster:
        """Start a Dask cluster, and return it with the address of its scheduler.

        The first call installs Dask's operator by its own Helm chart
        (https://kubernetes.dask.org), confined to the namespace of jobs. The same
        call again, also after a restart of the kernel, returns the cluster that
        is there. Nobody gets in to its Pods but its own, its operator, and this
        machine through the Kubernetes API.

        Parameters
        ----------
        workers : int
            How many workers, at least 1; each is a Pod.
        image : str, optional
            The container image of scheduler and workers; it needs the same
            versions of Python and Dask as this kernel. Otherwise Dask's own,
            ``ghcr.io/dask/dask``, with these.
        cpus : float, optional
            vCPUs of each worker; otherwise three quarters of a node's.
        memory : str, optional
            What each may use, such as ``"16Gi"``; otherwise three quarters of a node's.
        gpus : int
            GPUs of each.
        env : mapping of str to str, optional
            Their environment; nothing secret.
        pool : str, optional
            The pool of nodes; otherwise the cheapest one that a worker fits.
        name : str
            What it is called, for more than one at once.
        timeout : str or datetime.timedelta
            How long to wait for its operator, and for its Pods.

        Returns
        -------
        DaskCluster
            With ``.address``, ``.client()``, ``.dashboard``, ``.scale()`` and
            ``.close()``; in a ``with`` statement it is deleted at the end.

        Raises
        ------
        MissingExtra
            Without ``pip install 'dotrain[dask]'``.
        HelmNotFound
            When the operator has to be installed, and there is no Helm.
        OperatorFailed
            When it cannot be installed.
        TaskDoesNotFit, ClusterPaused
            When no pool can ever run a worker.
        NotReady
            When something does not run in time; it says what, and why.
        SpecError
            When a parameter is wrong, or a cluster of that name was made otherwise.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.

        Examples
        --------
        >>> with dotrain.get("bert").dask(workers=2) as dask, dask.client() as client:
        ...     client.submit(sum, [1, 2]).result()
        3
        """
        from dotrain.frameworks import dask

        # Before anything is asked: it says what is missing on this machine.
        dask.operator()
        asked = {"cpus": cpus, "memory": memory, "gpus_per_node": gpus, "pool": pool, "name": name}
        parameters = self._fitted(workers, env, image or dask.image(), asked)
        with _shown(f"Dask on {self.name}") as note:
            made = dask.DaskCluster(self._kube(), self.kubeconfig, name)
            return made.start(workers, parameters, durations.parse(timeout).total_seconds(), note)

    def ray(
        self,
        *,
        workers: int = 1,
        image: str | None = None,
        cpus: float | None = None,
        memory: str | None = None,
        gpus: int = 0,
        env: Mapping[str, str] | None = None,
        pool: str | None = None,
        name: str = "ray",
        timeout: str | dt.timedelta = "10m",
    ) -> RayCluster:
        """Start a Ray cluster, and return it with an address for ``ray.init``.

        The first call installs KubeRay by its own Helm chart
        (https://docs.ray.io/en/latest/cluster/kubernetes/), confined to the
        namespace of jobs. The same call again, also after a restart of the
        kernel, returns the cluster that is there. Nobody gets in to its Pods but
        its own, its operator, and this machine through the Kubernetes API.

        Parameters
        ----------
        workers : int
            How many workers, at least 1; each is a Pod. The head computes nothing.
        image : str, optional
            The container image of head and workers; it needs the same versions
            of Python and Ray as this kernel. Otherwise Ray's own,
            ``rayproject/ray``, with these.
        cpus : float, optional
            vCPUs of each worker; otherwise three quarters of a node's.
        memory : str, optional
            What each may use, such as ``"16Gi"``; otherwise three quarters of a node's.
        gpus : int
            GPUs of each.
        env : mapping of str to str, optional
            Their environment; nothing secret.
        pool : str, optional
            The pool of nodes; otherwise the cheapest one that a worker fits.
        name : str
            What it is called, for more than one at once.
        timeout : str or datetime.timedelta
            How long to wait for its operator, and for its Pods.

        Returns
        -------
        RayCluster
            With ``.address``, ``.dashboard`` (also for ``ray job submit
            --address``), ``.scale()`` and ``.close()``; in a ``with`` statement
            it is deleted at the end.

        Raises
        ------
        MissingExtra
            Without `image` and without ``pip install 'dotrain[ray]'``.
        HelmNotFound
            When KubeRay has to be installed, and there is no Helm.
        OperatorFailed
            When it cannot be installed.
        TaskDoesNotFit, ClusterPaused
            When no pool can ever run a worker.
        NotReady
            When something does not run in time; it says what, and why.
        SpecError
            When a parameter is wrong, or a cluster of that name was made otherwise.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.

        Examples
        --------
        >>> ray_cluster = dotrain.get("bert").ray(workers=2)
        >>> ray.init(ray_cluster.address)
        """
        from dotrain.frameworks import ray

        asked = {"cpus": cpus, "memory": memory, "gpus_per_node": gpus, "pool": pool, "name": name}
        parameters = self._fitted(workers, env, image or ray.image(), asked)
        with _shown(f"Ray on {self.name}") as note:
            made = ray.RayCluster(self._kube(), self.kubeconfig, name)
            return made.start(workers, parameters, durations.parse(timeout).total_seconds(), note)

    def _fitted(
        self, workers: int, env: Mapping[str, str] | None, image: str, asked: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what a manifest is made of, with the pool that a worker fits."""
        from dotrain.jobs import placing
        from dotrain.jobs.task import Task

        check_whole(workers, 1, "a cluster", "workers")
        # A worker is checked, and finds its place, as a job on one node does.
        task = Task(["worker"], image=image, env=env or {}, **asked)
        # What leads the workers may be on the same node.
        place = placing.place(self._target, self._kube(), task, self.spec, share=_SHARE)
        return {"image": image, "env": task.env, "place": place}


@contextmanager
def _shown(what: str) -> Iterator[Callable[[str], None]]:
    """Show what goes on until the end of a with block; yields what takes each sentence."""
    progress, shown = Progress(what), display.choose()

    def note(text: str) -> None:
        progress.note(text)
        shown.refresh(progress)

    try:
        yield note
    finally:
        progress.finish()
        shown.refresh(progress)

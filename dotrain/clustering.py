"""Ray and Dask on a cluster: the part of `Cluster` that starts them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from dotrain import display, durations
from dotrain.checks import check_whole
from dotrain.working import Working

if TYPE_CHECKING:
    from dotrain.frameworks.dask import DaskCluster
    from dotrain.frameworks.handle import Framework
    from dotrain.frameworks.ray import RayCluster

_F = TypeVar("_F", bound="Framework")


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
        gpus: int | None = None,
        env: Mapping[str, str] | None = None,
        pool: str | None = None,
        name: str = "dask",
        timeout: str | dt.timedelta = "10m",
    ) -> DaskCluster:
        """Start a Dask cluster, and return it with the address of its scheduler.

        The first call installs Dask's operator by its own Helm chart
        (https://kubernetes.dask.org), confined to the namespace of jobs. The same
        call again, also after a restart of the kernel, returns the cluster that
        is there, as it was made. Nobody gets in to its Pods but its own, its operator, and this
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
            vCPUs of each worker; otherwise three quarters of what a node has
            beside the scheduler.
        memory : str, optional
            What each may use, such as ``"16Gi"``; otherwise three quarters of the same.
        gpus : int, optional
            GPUs of each; otherwise none.
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
            When no pool can ever run a worker, or its pool never all of them.
        NotReady
            When something does not run in time; it says what, and why. What is
            there stays, until ``close_dask()`` deletes it.
        SpecError
            When a parameter is wrong, or a cluster of that name was made
            otherwise, or is a job.
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
        asked = {"image": image, "cpus": cpus, "memory": memory, "gpus": gpus, "pool": pool}
        made = self._handle(dask.DaskCluster, name)
        return self._start(made, workers, {**asked, "env": env}, timeout)

    def close_dask(self, name: str = "dask", *, operator: bool = False) -> None:
        """Delete a Dask cluster with all it has made, also one that never got ready.

        Parameters
        ----------
        name : str
            What it is called; nothing to do when there is none.
        operator : bool
            Whether its operator goes too, as for ``close()``.

        Raises
        ------
        MissingExtra
            Without ``pip install 'dotrain[dask]'``.
        SpecError, NotReady, HelmNotFound, OperatorFailed, KubernetesError, ApiError
            As ``close()``; AddressMoved when this machine is not let in.

        Examples
        --------
        >>> dotrain.get("bert").close_dask()
        """
        from dotrain.frameworks import dask

        self._handle(dask.DaskCluster, name).close(operator=operator)

    def ray(
        self,
        *,
        workers: int = 1,
        image: str | None = None,
        cpus: float | None = None,
        memory: str | None = None,
        gpus: int | None = None,
        env: Mapping[str, str] | None = None,
        pool: str | None = None,
        head_memory: str | None = None,
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
            vCPUs of each worker; otherwise three quarters of what a node has
            beside the head.
        memory : str, optional
            What each may use, such as ``"16Gi"``; otherwise three quarters of the same.
        gpus : int, optional
            GPUs of each; otherwise none.
        env : mapping of str to str, optional
            Their environment; nothing secret.
        pool : str, optional
            The pool of nodes; otherwise the cheapest one that a worker fits.
        head_memory : str, optional
            What the head may use; otherwise a third of a node's, 1.5 to 4 GiB.
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
            When no pool can ever run a worker, or its pool never all of them.
        NotReady
            When something does not run in time; it says what, and why. What is
            there stays, until ``close_ray()`` deletes it.
        SpecError
            When a parameter is wrong, or a cluster of that name was made
            otherwise, or is a job.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.

        Examples
        --------
        >>> ray_cluster = dotrain.get("bert").ray(workers=2)
        >>> ray.init(ray_cluster.address)
        """
        from dotrain.frameworks import ray

        asked = {"image": image, "cpus": cpus, "memory": memory, "gpus": gpus, "pool": pool}
        made = self._handle(ray.RayCluster, name)
        return self._start(
            made, workers, {**asked, "env": env, "head_memory": head_memory}, timeout
        )

    def close_ray(self, name: str = "ray", *, operator: bool = False) -> None:
        """Delete a Ray cluster with all it has made, also one that never got ready.

        Parameters
        ----------
        name : str
            What it is called; nothing to do when there is none.
        operator : bool
            Whether KubeRay goes too, as for ``close()``.

        Raises
        ------
        SpecError, NotReady, HelmNotFound, OperatorFailed, KubernetesError, ApiError
            As ``close()``; AddressMoved when this machine is not let in.

        Examples
        --------
        >>> dotrain.get("bert").close_ray()
        """
        from dotrain.frameworks import ray

        self._handle(ray.RayCluster, name).close(operator=operator)

    def _handle(self, kind: type[_F], name: str) -> _F:
        from dotrain.frameworks.sizing import Sizing

        kube = self._kube()
        return kind(kube, self.kubeconfig, name, Sizing(self._target, kube, lambda: self.spec))

    def _start(
        self, made: _F, workers: int, asked: Mapping[str, Any], timeout: str | dt.timedelta
    ) -> _F:
        check_whole(workers, 1, f"a {made.operator.kind}", "workers")
        seconds = durations.parse(timeout).total_seconds()
        with display.shown(f"{made.operator.kind} on {self.name}") as note:
            return made.start(workers, asked, seconds, note)

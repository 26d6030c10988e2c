"""What runs in a cluster: the part of `Cluster` that talks to its own Kubernetes API."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain import config, credentials, display, durations, expiry
from dotrain.api import Api
from dotrain.engine import workspace
from dotrain.errors import ClusterNotFound
from dotrain.guarded import Guarded

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

    from dotrain.client import Client
    from dotrain.forwarding import Forward
    from dotrain.kube import Kube


class Working(Guarded):
    """What runs in it; `Cluster` is all there is to it.

    All of this goes to the cluster's Kubernetes API, which lets in those who
    are allowed ``"api"``; when this machine's address has moved, that is said,
    and `allow_me` lets it in.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def kube(self) -> Client:
        """Return a `kr8s <https://docs.kr8s.org>`_ client for the cluster.

        It renews its token by itself, and is to be used as any other of kr8s:
        from this thread or another, also where an event loop runs. There is
        one for each cluster and process. What Kubernetes refuses is kr8s' own
        error; out of reach, it is KubernetesUnreachable or AddressMoved.

        Returns
        -------
        kr8s.Api
            For ``.get("jobs", namespace="default")``, and as ``api=`` of
            ``kr8s.objects``.

        Raises
        ------
        ClusterNotFound
            When the cluster does not exist yet.
        ApiError
            When DigitalOcean gives no credentials.
        KubernetesUnreachable
            When they cannot be used.

        Examples
        --------
        >>> kube = dotrain.get("bert").kube()
        >>> [one.name for one in kube.get("namespaces") if one.name == "default"]
        ['default']
        """
        return self._kube().client

    def nodes(self) -> pd.DataFrame:
        """Return the nodes as Kubernetes sees them.

        Returns
        -------
        pandas.DataFrame
            Columns name, pool, size (str), ready, schedulable (bool), gpus (int,
            that Pods can have), pods (int, not finished), version (str), created
            (datetime, UTC), by name.

        Raises
        ------
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        from kr8s.objects import Node, Pod

        from dotrain import kubeframes

        kube = self._kube()
        return kubeframes.nodes(kube.list(Node), kube.list(Pod))

    def pods(self, namespace: str | None = None) -> pd.DataFrame:
        """Return the Pods, 500 with each request.

        Parameters
        ----------
        namespace : str, optional
            Only those of this namespace.

        Returns
        -------
        pandas.DataFrame
            Columns namespace, name, phase (str), ready (bool), reason (str, why
            it is not as it should be, such as ``"CrashLoopBackOff"``), node
            (str), restarts, gpus (int), started (datetime, UTC; NaT before), by
            namespace and name.

        Raises
        ------
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        from kr8s.objects import Pod

        from dotrain import kubeframes

        return kubeframes.pods(self._kube().list(Pod, namespace=namespace))

    def events(self, namespace: str | None = None) -> pd.DataFrame:
        """Return what has happened lately; Kubernetes forgets it after an hour.

        Parameters
        ----------
        namespace : str, optional
            Only what is about objects of this namespace.

        Returns
        -------
        pandas.DataFrame
            Columns time (datetime, UTC), type (``"Normal"`` or ``"Warning"``),
            reason, object (such as ``"Pod/default/train-0"``), message (str),
            count (int), the newest last.

        Raises
        ------
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        from kr8s.objects import Event

        from dotrain import kubeframes

        return kubeframes.events(self._kube().list(Event, namespace=namespace))

    def wait_ready(self, timeout: str | dt.timedelta = "10m") -> Self:
        """Wait until all nodes are ready for Pods, and the cluster's own Pods run.

        Parameters
        ----------
        timeout : str or datetime.timedelta
            How long, such as ``"10m"``.

        Returns
        -------
        Cluster
            This one.

        Raises
        ------
        NotReady
            What is not ready by then, and why; ``.causes`` has it in a list.
        SpecError
            When `timeout` is no span of time.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        from dotrain import readiness

        seconds = durations.parse(timeout).total_seconds()
        with display.shown(f"wait for {self.name}") as note:
            readiness.wait(self._target, self._kube(), seconds, note)
            note("All nodes are ready, and the cluster's own Pods run.")
        return self

    def forward(
        self,
        service: str,
        port: int | str,
        *,
        namespace: str = "default",
        local_port: int | None = None,
    ) -> Forward:
        """Forward a port of a service or Pod to this machine, for TensorBoard or Jupyter.

        No firewall opens for it: it goes through the Kubernetes API, and
        listens on 127.0.0.1 alone. It ends with the kernel, or when it is closed.

        Parameters
        ----------
        service : str
            A service's name, ``"svc/<name>"`` or ``"pod/<name>"``.
        port : int or str
            A port of the service, or of the Pod: its number or its name.
        namespace : str
            Where it is.
        local_port : int, optional
            The port on this machine; otherwise one that is free.

        Returns
        -------
        Forward
            With ``.url``, ``.port`` and ``.close()``; usable in a ``with`` statement.

        Raises
        ------
        ForwardFailed
            No such service or Pod (with the nearest), no such port, no Pod that
            is ready, or a local port that is in use.
        KubernetesError, ApiError
            See each; AddressMoved when this machine is not let in.
        """
        from dotrain import forwarding

        return forwarding.forward(
            self._kube(), service, port, namespace=namespace, local_port=local_port
        )

    def kubeconfig(self) -> Path:
        """Write a kubeconfig and return its path; only this user can read it.

        Its token is good for 8 hours; call again for another.

        Returns
        -------
        pathlib.Path
            For ``KUBECONFIG``, ``kubectl --kubeconfig`` or a client.

        Raises
        ------
        ClusterNotFound
            When the cluster does not exist yet.
        ApiError
            When DigitalOcean refuses.
        """
        cluster_id = self._id()
        with closing(Api(self._target)) as api:
            path = workspace.kubeconfig(self._target, self.name)
            return credentials.write(api, cluster_id, path)

    def use_kubeconfig(self) -> Path:
        """Write a kubeconfig, and set ``KUBECONFIG`` to it for this kernel and what it starts.

        ``!kubectl get pods`` in the next cell then asks this cluster.

        Returns
        -------
        pathlib.Path
            As `kubeconfig` does.

        Raises
        ------
        ClusterNotFound, ApiError
            As `kubeconfig`.
        """
        path = self.kubeconfig()
        config.use_kubeconfig(path)
        return path

    def _kube(self) -> Kube:
        # kr8s takes a while to import, and many a notebook never needs it.
        from dotrain import connections

        return connections.shared(self._target, self._id())

    def _id(self) -> str:
        """Return the cluster's id on DigitalOcean."""
        found = expiry.current(self._target, self.name)[2].resources.get("cluster")
        if found is None:
            raise ClusterNotFound(
                f"The cluster {self.name!r} does not exist yet.",
                "Its stack has no cluster.",
                "Call up() to make it.",
            )
        return found

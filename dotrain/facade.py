"""One cluster: what it is, who may enter it, and what can be done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotrain import (
    changes,
    config,
    contents,
    durations,
    expiry,
    operations,
    render,
    stack,
    timers,
)
from dotrain.api import Api
from dotrain.confirm import require_name
from dotrain.engine import workspace
from dotrain.errors import ClusterNotFound, DotrainError
from dotrain.guarded import Guarded
from dotrain.operation import Operation
from dotrain.spec import ClusterSpec

if TYPE_CHECKING:
    import pandas as pd

_KUBECONFIG_SECONDS = 8 * 60 * 60


class Cluster(Guarded):
    """A training cluster; `up` and `get` return it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    @property
    def outputs(self) -> dict[str, Any]:
        """What the stack puts out; nothing in it is secret.

        ``k8s_cluster_endpoint``, ``k8s_cluster_id``, ``firewall_id``,
        ``vpc_id``, ``tag``, ``kubernetes_version``, and with a database
        ``database_id``, ``database_host``, ``database_port``.
        """
        remembered = stack.read(self._target, self.name)
        return dict(remembered.outputs) if remembered else {}

    @property
    def operation(self) -> Operation | None:
        """The newest operation on it from this machine, running or ended; None before the first.

        ``.running``, ``.progress`` and ``.error`` say how it is, ``.wait()``
        shows it until it ends, ``.stop()`` asks it to end.
        """
        return operations.latest(self._target, self.name)

    def up(self) -> Cluster:
        """Bring the cluster back to its spec, also what others have changed, and return it.

        `dotrain.up` compares with what was made the last time, and asks the API
        nothing when nothing is new; this one reads everything first.
        """
        spec, title = self.spec, f"up {self.name}"
        operations.apply(self._target, spec, before=spec, title=title, find_me=True, refresh=True)
        return self

    def resize(
        self, *, count: int | None = None, size: str | None = None, pool: str | None = None
    ) -> Cluster:
        """Change a pool of training nodes; nothing else changes, and the cluster stays.

        A change of size makes a pool of the new size, waits until its nodes run,
        and then deletes the old pool with what runs on it.

        Parameters
        ----------
        count : int, optional
            The new number of nodes, at least 1.
        size : str, optional
            The new Droplet size of each node.
        pool : str, optional
            Which pool; needed when there are several.

        Returns
        -------
        Cluster
            This one.

        Raises
        ------
        SpecError
            UnknownSize, a bad count, or no such pool.
        ApiError, EngineError
            See each.
        """
        spec, title = self.spec, f"resize {self.name}"
        changed = changes.resized(spec, count=count, size=size, pool=pool)
        operations.apply(self._target, changed, before=spec, title=title, find_me=False)
        return self

    def extend(self, by: str | dt.timedelta) -> Cluster:
        """Let the cluster live longer than its max age says, and return it.

        Parameters
        ----------
        by : str or datetime.timedelta
            How much longer, such as ``"2h"``.

        Returns
        -------
        Cluster
            This one.

        Raises
        ------
        SpecError
            When it has no max age, or `by` is no span.
        ApiError, EngineError
            See each.
        """
        spec, title = self.spec, f"extend {self.name}"
        longer = changes.extended(spec, by)
        operations.apply(self._target, longer, before=spec, title=title, find_me=False)
        return self

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
        cluster_id = expiry.current(self._target, self.name)[2].resources.get("cluster")
        if cluster_id is None:
            raise ClusterNotFound(
                f"The cluster {self.name!r} does not exist yet.",
                "Its stack has no cluster.",
                "Call up() to make it.",
            )
        with closing(Api(self._target)) as api:
            text = api.text(
                f"/v2/kubernetes/clusters/{cluster_id}/kubeconfig",
                expiry_seconds=_KUBECONFIG_SECONDS,
            )
        path = workspace.kubeconfig(self._target, self.name)
        config.private_dir(path.parent)
        config.write_private(path, text)
        return path

    def down(self, *, confirm: str | None = None) -> pd.DataFrame:
        """Delete the cluster with everything around it, and prove that nothing is left.

        Parameters
        ----------
        confirm : str, optional
            The cluster's name. Without it what will go, and what it costs, is shown,
            and the name is asked for.

        Returns
        -------
        pandas.DataFrame
            A row for each kind of object: kind (str), found (int, before), left
            (int, after: all 0).

        Raises
        ------
        ConfirmationRequired
            When the name is another, or nobody is there to ask.
        TeardownIncomplete
            When something is left; it carries what, and why.
        """
        require_name(self.name, confirm, first=lambda: contents.describe(self._target, self.name))
        return operations.down(self._target, self.name)

    def _summary(self) -> render.Summary:
        banner = "sandbox: nothing here is real or costs money" if self._target.is_sandbox else ""
        operation = self.operation
        doing = {"operation": operation.summary} if operation and operation.summary else {}
        try:
            # Looking at a cluster is no call that may change it.
            spec, _, observed = self._observe(ending=False)
        except DotrainError as error:
            return render.Summary(self.name, str(error), doing, banner)
        cluster = observed.cluster
        now = dt.datetime.now(dt.timezone.utc)
        if cluster is None:
            return render.Summary(self.name, "no cluster (up() makes it)", doing, banner)
        entering = {
            rule.peer
            for rule in observed.rules()
            if rule.direction == "inbound" and rule.layer in ("nodes", "control-plane")
        }
        return render.Summary(
            self.name,
            cluster["status"]["state"],
            {
                "endpoint": cluster.get("endpoint") or "none yet",
                "region": f"{cluster['region']}, Kubernetes {cluster['version']}",
                "nodes": _nodes(cluster, spec),
                "who may enter": ", ".join(sorted(entering)) or "nobody",
                **_limits(cluster, now),
                **doing,
            },
            banner,
        )

    def __repr__(self) -> str:
        return self._summary().text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        summary = self._summary()
        return {"text/plain": summary.text(), "text/html": summary.html()}


def _limits(cluster: Mapping[str, Any], now: dt.datetime) -> dict[str, str]:
    """Return when the cluster ends, and how long it may lie idle, where it has such limits."""
    said = {"end": timers.outlook(cluster, now)}
    idle = timers.of(cluster["tags"]).idle
    if idle is not None:
        said["idle"] = f"for {durations.text(idle)} at most"
    return {what: text for what, text in said.items() if text}


def _nodes(cluster: Mapping[str, Any], spec: ClusterSpec) -> str:
    """Return each pool with how many of its nodes run, out of how many there should be."""
    parts = []
    for pool in cluster["node_pools"]:
        running = sum(node["status"]["state"] == "running" for node in pool.get("nodes") or ())
        what = "system" if pool["name"] == spec.system.name else "training"
        parts.append(f"{running}/{pool['count']} {pool['size']} ({what})")
    return ", ".join(parts)

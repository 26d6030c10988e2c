"""One cluster: what it is, who may enter it, and what can be done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dotrain import changes, contents, departure, durations, operations, render, stack, timers
from dotrain.bills import Bill
from dotrain.clustering import Clustering
from dotrain.confirm import require_name
from dotrain.departure import Terms
from dotrain.errors import DotrainError
from dotrain.granting import Granting
from dotrain.operation import Operation
from dotrain.priced import Priced
from dotrain.spec import ClusterSpec
from dotrain.training import Training

if TYPE_CHECKING:
    import pandas as pd


class Cluster(Granting, Training, Clustering, Priced):
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
        spec = self.spec
        self._change(spec, spec, "up", find_me=True, makes=True, refresh=True, leave=Terms())
        return self

    def resize(
        self,
        *,
        count: int | None = None,
        size: str | None = None,
        min: int | None = None,  # noqa: A002 - as DigitalOcean has it
        max: int | None = None,  # noqa: A002
        pool: str | None = None,
        drain: bool = True,
        drain_timeout: str = "10m",
    ) -> Cluster:
        """Change a pool of training nodes; nothing else changes, and the cluster stays.

        A change of size makes a pool of the new size and waits until its nodes
        run. Then the old pool's nodes take no more work, what runs on them
        moves to others as its PodDisruptionBudgets allow, and the old pool is
        deleted. When one of these fails the old pool goes on working, and the
        same call again goes on where it stopped.

        Parameters
        ----------
        count : int, optional
            The new number of nodes, at least 1. Alone it switches the
            autoscaler off.
        size : str, optional
            The new Droplet size of each node.
        min : int, optional
            The fewest nodes. With `max` it switches the autoscaler on: from
            then on DigitalOcean chooses how many there are.
        max : int, optional
            The most nodes.
        pool : str, optional
            Which pool; needed when there are several.
        drain : bool
            Whether what runs on the nodes of a pool that goes moves first, which
            is so with `size`. False deletes them at once, and the Pods on them
            are killed: what they had not saved is lost. A lower `count` drains
            nothing either way: DigitalOcean chooses which nodes go, and removes
            them.
        drain_timeout : str
            How long that may take, such as ``"10m"``.

        Returns
        -------
        Cluster
            This one.

        Raises
        ------
        SpecError
            UnknownSize, a bad count or range, or no such pool.
        KubernetesUnreachable
            When the cluster's own API does not answer, and nobody says that
            nodes may go without being drained.
        DrainFailed
            When something did not leave its node in time; it says what.
        ApiError, EngineError
            See each.

        Examples
        --------
        >>> cluster = dotrain.get("bert").resize(count=4)
        >>> cluster.spec.pools
        (Pool('train', size='s-4vcpu-8gb', count=4),)
        """
        leave = departure.terms(drain, drain_timeout)
        spec = self.spec
        changed = changes.resized(spec, count=count, size=size, least=min, most=max, pool=pool)
        self._change(changed, spec, "resize", leave=leave)
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
        spec = self.spec
        self._change(changes.extended(spec, by), spec, "extend")
        return self

    def pause(self, *, drain: bool = True, drain_timeout: str = "10m") -> Bill:
        """Delete all training nodes until `resume`, and return what the cluster still costs.

        The cluster, its address, its rules and its database stay, and so does
        what the spec says of its pools; `resize` on a paused cluster changes
        that alone. Pools are deleted, and not scaled to zero, which DigitalOcean
        knows for autoscaled pools only
        (https://docs.digitalocean.com/products/kubernetes/how-to/autoscale/).
        What was on the disks of the nodes is lost.

        Parameters
        ----------
        drain : bool
            Whether what runs on the nodes is evicted first, as `resize` does;
            where nothing else has room for it, it waits for `resume`. Then a
            PodDisruptionBudget that wants something to run can never be met: it
            fails after `drain_timeout`, and the nodes go on working.
        drain_timeout : str
            How long that may take, such as ``"10m"``.

        Returns
        -------
        Bill
            As `cost` returns it.

        Raises
        ------
        KubernetesUnreachable, DrainFailed, ApiError, EngineError
            As `resize`.
        """
        leave = departure.terms(drain, drain_timeout)
        spec = self.spec
        self._change(replace(spec, paused=True), spec, "pause", leave=leave)
        return self.cost()

    def resume(self) -> Cluster:
        """Make the training nodes again that `pause` deleted, as the spec has them, and return it.

        On a cluster that is not paused it changes nothing.
        """
        spec = self.spec
        self._change(replace(spec, paused=False), spec, "resume", leave=Terms())
        return self

    def down(self, *, confirm: str | None = None) -> pd.DataFrame:
        """Delete the cluster with everything around it, and prove that nothing is left.

        What jobs have left that have ended is kept on this machine first, where
        the cluster's Kubernetes API gives it within 20 seconds. What still runs
        is lost.

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
        require_name(self.name, confirm, first=self._lost)
        self._keep_what_ended()
        return operations.down(self._target, self.name)

    def _lost(self) -> str:
        """Return in words what a teardown takes, and which jobs run."""
        said = [contents.describe(self._target, self.name), self._working()]
        return "\n".join(filter(None, said))

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
                **({"paused": "resume() makes the training nodes again"} if spec.paused else {}),
                **self._budget(spec),
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
        between = f" ({pool['min_nodes']}-{pool['max_nodes']})" if pool.get("auto_scale") else ""
        parts.append(f"{running}/{pool['count']}{between} {pool['size']} ({what})")
    return ", ".join(parts)

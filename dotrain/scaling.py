"""How large a cluster is and how long it lives: the part of `Cluster` that changes it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from typing_extensions import Self

from dotrain import changes, departure
from dotrain.bills import Bill
from dotrain.departure import Terms
from dotrain.priced import Priced


class Scaling(Priced):
    """What can be made larger, smaller, or last longer; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

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
    ) -> Self:
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

    def extend(self, by: str | dt.timedelta) -> Self:
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

    def resume(self) -> Self:
        """Make the training nodes again that `pause` deleted, as the spec has them, and return it.

        On a cluster that is not paused it changes nothing.
        """
        spec = self.spec
        self._change(replace(spec, paused=False), spec, "resume", leave=Terms())
        return self

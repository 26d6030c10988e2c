"""One cluster: what it is, who may enter it, and what can be done with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dotrain import billing, changes, contents, departure, display, losses, operations, stack
from dotrain.clustering import Clustering
from dotrain.confirm import require_name
from dotrain.contents import Contents
from dotrain.errors import ClusterReplaced
from dotrain.granting import Granting
from dotrain.guarded import present
from dotrain.operation import Operation
from dotrain.scaling import Scaling
from dotrain.showing import Showing
from dotrain.training import Training
from dotrain.widgets import celllog

if TYPE_CHECKING:
    import pandas as pd

display.log_with(celllog.make)


class Cluster(Granting, Scaling, Training, Clustering, Showing):
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

    def up(
        self,
        *,
        replace: str | None = None,
        drain: bool = True,
        drain_timeout: str = "10m",
        force: bool = False,
        **asked: Any,
    ) -> Cluster:
        """Bring the cluster back to its spec, also what others have changed, and return it.

        `dotrain.up` compares with what was made the last time, and asks the API
        nothing when nothing is new; this one reads everything first.

        Parameters
        ----------
        replace : str, optional
            The cluster's name, when it may be destroyed for what is asked, as for `dotrain.up`.
        drain : bool
            Whether what runs on nodes that go moves to others first, as `resize` has it.
        drain_timeout : str
            How long that may take.
        force : bool
            Whether this machine may lose its access by it.
        **asked : optional
            What should be from now on, as `dotrain.up` takes it, from `pool` to `reaper`; what is
            not given stays. `plan` tells what it would do.

        Returns
        -------
        Cluster
            This one.

        Raises
        ------
        SpecError, ReplacementRefused, KubernetesUnreachable, DrainFailed, LockedOut, ApiError
            As `dotrain.up` does, and EngineError; TypeError for what it does not take.

        Warns
        -----
        BudgetRunsOut
            When 80 % of the budget is spent, or more.

        Examples
        --------
        >>> cluster = dotrain.get("bert").up(max_age="12h")
        >>> cluster.spec.max_age
        '12h'
        """
        losses.require_named(self.name, replace)
        leave = departure.terms(drain, drain_timeout)
        before = self.spec
        spec = changes.asked(before, asked, self.name, present())
        options: dict[str, Any] = {"find_me": True, "makes": True, "refresh": True}
        self._change(spec, before, "up", replace=replace, leave=leave, force=force, **options)
        if spec.budget is not None:
            billing.warn_of_budget(self._target, self.name)
        return self

    def down(self, *, confirm: str | None = None, only_id: str | None = None) -> pd.DataFrame:
        """Delete the cluster with everything around it, and prove that nothing is left.

        What jobs have left that have ended is kept on this machine first, where
        the cluster's Kubernetes API gives it within 20 seconds. What still runs
        is lost.

        Parameters
        ----------
        confirm : str, optional
            The cluster's name. Without it what will go, and what it costs, is shown,
            and the name is asked for.
        only_id : str, optional
            The id of the cluster that is meant, ``contents().cluster_id``; empty
            when there was none. Another one, which somebody has made since under
            the same name, is left as it is.

        Returns
        -------
        pandas.DataFrame
            A row for each kind of object: kind (str), found (int, before), left
            (int, after: all 0).

        Raises
        ------
        ConfirmationRequired
            When the name is another, or nobody is there to ask.
        ClusterReplaced
            When there is another one by now than `only_id`.
        TeardownIncomplete
            When something is left; it carries what, and why.
        """
        require_name(self.name, confirm, first=lambda: str(self.contents()))
        self._keep_what_ended()
        gone = operations.down(self._target, self.name, only_id=only_id)
        if gone.empty:
            # Of whatever goes there is a row for each kind.
            raise ClusterReplaced.of(self.name)
        return gone

    def contents(self) -> Contents:
        """Return what `down` would delete, what it costs, and which jobs run; changes nothing.

        Returns
        -------
        Contents
            With ``.items`` (each with its kind, name, and US dollars an hour),
            ``.cost``, ``.lost`` and ``.jobs`` (in words); shown, it is a text.

        Raises
        ------
        ClusterNotFound
            When there is neither a stack nor anything labelled with the name.
        ApiError
            When the account cannot be read.

        Examples
        --------
        >>> {one.kind for one in dotrain.get("bert").contents().items} >= {"cluster", "VPC"}
        True
        """
        return replace(contents.read(self._target, self.name), jobs=self._working())

"""The form that makes a cluster, from the parts of `dotrain.up`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dotrain import lifecycle
from dotrain.grants import Grant
from dotrain.pools import Pool
from dotrain.spec import Database
from dotrain.widgets.form.form import Form

if TYPE_CHECKING:
    from dotrain.facade import Cluster


def form(
    name: str | None = None,
    *,
    pool: Pool | None = None,
    pools: Iterable[Pool] | None = None,
    region: str | None = None,
    version: str | None = None,
    allow: str | Grant | Iterable[str | Grant] | None = None,
    open_to_world: bool | None = None,
    egress: str | Iterable[str] | None = None,
    database: Database | None = None,
    ha: bool | None = None,
    auto_upgrade: bool | None = None,
    max_age: str | dt.timedelta | None = None,
    idle: str | dt.timedelta | None = None,
    budget: str | float | None = None,
    reaper: bool | None = None,
    replace: str | None = None,
    drain: bool | None = None,
    drain_timeout: str | None = None,
    force: bool | None = None,
) -> Form:
    """Return a form that makes a cluster, or changes one, as `up` does.

    As the value of a cell it is shown: as one types it says what the cluster
    costs, who gains access, what is wrong, and which call of `dotrain.up` does
    the same. Nothing is made before **Create** is clicked. Of a cluster that
    exists it shows what it is, and the button is **Update**; what runs on it is
    shown instead of begun a second time, also after a restart of the kernel.

    Parameters
    ----------
    name : str, optional
        The cluster's name. This and all else is what stands in the form at first.
    pool : Pool, optional
        The pool of training nodes, as for `up`; so is all that follows.
    pools : iterable of Pool, optional
        All pools, instead of `pool`.
    region : str, optional
        A DigitalOcean region.
    version : str, optional
        The Kubernetes version of a new cluster.
    allow : str, Grant or iterable of them, optional
        Who may enter.
    open_to_world : bool, optional
        Whether that may be everybody.
    egress : str or iterable of str, optional
        What nodes may reach.
    database : Database, optional
        A managed database beside the cluster.
    ha : bool, optional
        A highly available control plane.
    auto_upgrade : bool, optional
        Patch upgrades in the maintenance window.
    max_age : str or datetime.timedelta, optional
        How long the cluster may live.
    idle : str or datetime.timedelta, optional
        How long nothing may run on it.
    budget : str or float, optional
        US dollars that it may cost in all.
    reaper : bool, optional
        Whether a job in the cluster itself acts on these limits.
    replace : str, optional
        The cluster's name, when it may be destroyed for what is asked.
    drain : bool, optional
        Whether what runs on nodes that go moves first.
    drain_timeout : str, optional
        How long that may take.
    force : bool, optional
        Whether this machine may lose its access.

    Returns
    -------
    Form
        With ``.spec`` (ClusterSpec, None while something is wrong), ``.errors``
        (dict of str), ``.code`` (str, the call that does the same) and
        ``.cluster`` (Cluster, None until one was made or found by `name`).

    Raises
    ------
    SpecError
        What is given is wrong, as `up` says it.

    Examples
    --------
    >>> form = dotrain.form("bert", pool=dotrain.Pool(size="s-4vcpu-8gb", count=2))
    >>> form.code
    'cluster = dotrain.up("bert", pool=dotrain.Pool(size="s-4vcpu-8gb", count=2))'
    """
    given = {key: value for key, value in locals().items() if key != "name"}
    return Form(name, given, up=lifecycle.up, get=_get)


def _get(name: str) -> Cluster:
    return lifecycle.find(name)[0]

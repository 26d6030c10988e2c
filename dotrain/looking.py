"""Look at a cluster: read its stack and its journals, and ask the account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from dotrain import account, ledger, operations, pricing, spending, stack
from dotrain.api import Api
from dotrain.errors import ClusterNotFound, DotrainError
from dotrain.pricing import Price
from dotrain.snapshot import Snapshot
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

_prices: dict[str, Mapping[str, Price]] = {}


def take(
    target: Target,
    name: str,
    prices: Mapping[str, Price],
    *,
    database: bool = False,
    before: Snapshot | None = None,
    read: bool = True,
) -> Snapshot:
    """Look at a cluster once; what goes wrong is in what is returned.

    Parameters
    ----------
    target : Target
        The account.
    name : str
        The cluster's name.
    prices : mapping of str to Price
        What `known_prices` returned.
    database : bool
        Whether to look at its database, too: two more requests.
    before : Snapshot, optional
        An earlier look: the cluster that it found is asked for by its id.
    read : bool
        Whether to read the stack again; otherwise what `before` knew of it holds.
    """
    operation = operations.newest(target, name)
    now = dt.datetime.now(dt.timezone.utc)
    seen = Snapshot(name, now, target.kind, operation=operation, prices=prices)
    try:
        spec, resolved, made = _remembered(target, name, None if read else before)
    except DotrainError as error:
        # Of what is being made there is nothing yet to remember.
        made_now = isinstance(error, ClusterNotFound) and seen.busy
        return seen if made_now else replace(seen, error=error)
    seen = replace(seen, spec=spec, resolved=resolved, made=made)
    beside = database and spec.database is not None
    known = str(before.cluster["id"]) if before is not None and before.cluster else ""
    try:
        with closing(Api(target)) as api:
            observed = account.observe(api, name, database=beside, cluster_id=known)
    except DotrainError as error:
        return replace(seen, error=error)
    cluster = observed.cluster
    nodes = ledger.gone(target, name, cluster) if cluster else []
    gone = tuple(spending.of_nodes_gone(nodes, prices))
    return replace(seen, observed=observed, gone_nodes=gone, database=beside)


def with_database(target: Target, seen: Snapshot) -> Snapshot:
    """Return a look with its database looked at as well, in two requests."""
    if seen.observed is None:
        return seen
    try:
        with closing(Api(target)) as api:
            found, sources = account.database_of(api, seen.name)
    except DotrainError as error:
        return replace(seen, error=error)
    observed = replace(seen.observed, database=found, trusted_sources=sources)
    return replace(seen, observed=observed, database=True)


def _remembered(
    target: Target, name: str, before: Snapshot | None
) -> tuple[ClusterSpec, Resolved, frozenset[str]]:
    if before is not None and before.spec is not None and before.resolved is not None:
        return before.spec, before.resolved, before.made
    spec, resolved, remembered = stack.read_spec(target, name)
    return spec, resolved, frozenset(remembered.resources)


def known_prices(target: Target) -> Mapping[str, Price]:
    """Return the price of each Droplet size, asked for once; nothing while nobody says them."""
    if target.url not in _prices:
        try:
            with closing(Api(target)) as api:
                _prices[target.url] = pricing.prices(api.pages("/v2/sizes", "sizes"))
        except DotrainError:
            # A cost that is not known is shown as that, and the next look asks again.
            return {}
    return _prices[target.url]

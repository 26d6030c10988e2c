"""Read what a list of clusters shows: eight lists of the account, whatever number there is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing

from dotrain import idleness, leftovers, stack
from dotrain.api import Api
from dotrain.errors import DotrainError
from dotrain.target import Target
from dotrain.widgets.listing import rows as listed
from dotrain.widgets.listing.rows import Idle, Listing, Row

# A cluster whose firewall is closed to this machine takes seconds to find that out.
_AT_ONCE = 16


def look(target: Target) -> Listing:
    """Return all clusters of an account, what they cost, and what belongs to nothing.

    Raises
    ------
    DotrainError
        When the account, or the backend, cannot be read.
    """
    stacks = stack.stacks(target)
    found = leftovers.read(target)
    leaks = leftovers.find(found, stacks)
    return listed.of_account(found, stacks, leaks, dt.datetime.now(dt.timezone.utc))


def idle(target: Target, rows: Iterable[Row]) -> Iterator[tuple[Row, Idle]]:
    """Yield since when nothing runs on each cluster, as its own Kubernetes API answers.

    It is one request to DigitalOcean for each, and a few to its Kubernetes API.

    Parameters
    ----------
    target : Target
        The account.
    rows : iterable of Row
        The clusters.
    """
    with closing(Api(target)) as api, ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = {pool.submit(_idle, target, api, row): row for row in rows if row.described}
        for answer in as_completed(asked):
            yield asked[answer], answer.result()


def _idle(target: Target, api: Api, row: Row) -> Idle:
    now = dt.datetime.now(dt.timezone.utc)
    try:
        return Idle(idleness.of_cluster(target, api, row.described, now))
    except DotrainError as error:
        return Idle(error=error)

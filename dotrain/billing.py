"""What clusters cost: read the account and the price list, and say what is not to be had.

A few lists, page after page, whatever number of clusters there is: never a
request for each.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from dotrain import account, ledger, limits, money, names, offers, pricing, spending
from dotrain.api import Api
from dotrain.bills import Bill
from dotrain.errors import ApiError, BudgetRunsOut, ClusterNotFound, TokenRejected
from dotrain.target import Target, current

if TYPE_CHECKING:
    import pandas as pd

_GONE = (
    "So far, of what is gone by now, it has the nodes that this machine has seen, until it last "
    "saw them."
)


def sizes(
    *,
    gpu: str | None = None,
    gpu_memory: str | float | None = None,
    max_price: str | float | None = None,
    region: str | None = None,
) -> pd.DataFrame:
    """Return the Droplet sizes that nodes can have, with DigitalOcean's present prices.

    The cheapest that fits is the first: what is available comes before what is
    not, and then the price an hour decides. Sizes that exist, but that no
    Kubernetes node can have, are left out.

    Parameters
    ----------
    gpu : str, optional
        A model, or a part of one: ``"h100"``.
    gpu_memory : str or float, optional
        GB that all GPUs of a node have together, at least: ``"80GB"`` or 80.
    max_price : str or float, optional
        US dollars an hour of one node, at most: ``"$5"`` or 5. A size whose
        price is not known is left out then.
    region : str, optional
        Where it has to be, such as ``"nyc3"``.

    Returns
    -------
    pandas.DataFrame
        Columns slug (str), vcpus (int), memory_gib (float), gpus (int), gpu
        (str, empty without), vram_gib (float, of all GPUs together), hourly,
        monthly (float, US dollars of one node, missing where that is not
        known), regions (str, those with Kubernetes), available (bool).

    Raises
    ------
    UnknownRegion, UnknownGpu
        With the nearest that there are.
    SpecError
        When an amount of memory or of money is none.
    ConfigError, ApiError
        See each.

    Examples
    --------
    >>> dotrain.sizes(gpu_memory="80GB", max_price="$5").slug[0]
    'gpu-mi300x1-192gb'
    """
    from dotrain import frames

    wanted = offers.Wanted.parse(gpu, gpu_memory, max_price, region)
    found, options = offered(current())
    return frames.sizes(offers.select(found, wanted, options))


def offered(target: Target) -> tuple[list[offers.Offer], Mapping[str, Any]]:
    """Return the sizes that nodes can have, and DigitalOcean's options for Kubernetes."""
    with closing(Api(target)) as api:
        options = api.get("/v2/kubernetes/options")["options"]
        return offers.offers(api.pages("/v2/sizes", "sizes"), options), options


def bill() -> Bill:
    """Return what everything with dotrain's label costs, and this month's bill of the account.

    Returns
    -------
    Bill
        As `Cluster.cost` returns it, for all clusters. `month_to_date` is what
        DigitalOcean's billing counts for the whole account. What the token may
        not read is not in it, and its notes say so.

    Raises
    ------
    ConfigError, ApiError
        See each.

    Examples
    --------
    >>> set(dotrain.bill().frame.cluster)
    {'bert'}
    """
    now, target = _now(), current()
    with closing(Api(target)) as api:
        lists = _Lists(api)
        clusters = [one for one in account.clusters(api) if names.LABEL in one["tags"]]
        known = pricing.prices(lists.read("sizes"))
        beside = lists.beside()
        networks = lists.read("vpcs")
        month_to_date = lists.month_to_date()
    lines = [
        replace(line, cluster=_name(one))
        for one in clusters
        for line in [
            *spending.of_cluster(one, known, now),
            *spending.of_nodes_gone(ledger.gone(target, _name(one), one), known),
        ]
    ]
    lines += [*spending.beside(beside, clusters, networks, now), *lists.unread()]
    return Bill(
        "dotrain's part of the account",
        tuple(sorted(lines, key=lambda line: line.cluster)),
        month_to_date=month_to_date,
        notes=(*([_GONE] if lines else []), *_nearly_spent(clusters, lines), *lists.notes()),
    )


def cost(target: Target, name: str) -> Bill:
    """Return what the cluster `name` costs.

    Raises
    ------
    ClusterNotFound
        When the account has none of that name with dotrain's label.
    ApiError
        When DigitalOcean refuses.
    """
    now = _now()
    with closing(Api(target)) as api:
        lists = _Lists(api)
        cluster = account.cluster(api, name)
        if cluster is None:
            raise ClusterNotFound(
                f"There is no cluster {name!r} on {target.kind} that costs anything.",
                f"No cluster has the tag {names.label(name)!r}.",
                "dotrain.bill() shows what else there is with dotrain's label.",
            )
        known = pricing.prices(lists.read("sizes"))
        beside = lists.beside()
    ledger.note(target, name, cluster, now)
    lines = [
        *spending.of_cluster(cluster, known, now),
        *spending.of_nodes_gone(ledger.gone(target, name, cluster), known),
        *spending.beside(beside, [cluster], (), now, only=name),
        *lists.unread(),
    ]
    return Bill(
        name,
        tuple(replace(line, cluster=name) for line in lines),
        budget=limits.budget(cluster["tags"]),
        notes=(_GONE, *lists.notes()),
    )


def warn_of_budget(target: Target, name: str) -> None:
    """Warn when most of what the cluster `name` may cost is spent, or that is not known."""
    try:
        found = cost(target, name)
    except ClusterNotFound:
        # It was not made yet, and what does not exist costs nothing.
        return
    except ApiError as error:
        warnings.warn(f"The budget of {name!r} could not be checked. {error}", stacklevel=3)
        return
    if found.share is None or found.share < limits.WARN_AT or found.budget is None:
        return
    warnings.warn(
        f"{name!r} has cost {money.text(found.spent)} at least, which is {found.share:.0%} of its "
        f"budget of {money.text(found.budget)}. It goes on to cost "
        f"{pricing.summary(found.lines)}, and 'dotrain sweep' acts when the budget is spent. "
        f"Raise it with dotrain.up({name!r}, budget=...), resize the cluster, or call down().",
        BudgetRunsOut,
        stacklevel=3,
    )


class _Lists:
    """Reads lists, and remembers which of them the token may not read."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._denied: list[str] = []

    def read(self, key: str) -> list[dict[str, Any]]:
        """Return the list of that name, an empty one when the token may not read it."""
        with self._allowed(key):
            return list(self._api.pages(f"/v2/{key}", key))
        return []

    def beside(self) -> dict[str, list[dict[str, Any]]]:
        """Return what there is beside clusters."""
        return {key: self.read(key) for key in spending.BESIDE}

    def month_to_date(self) -> float | None:
        """Return the account's usage in this calendar month, in US dollars, if it may be read."""
        with self._allowed("billing"):
            return float(self._api.get("/v2/customers/my/balance")["month_to_date_usage"])
        return None

    def unread(self) -> list[pricing.Line]:
        """Return a line, of no known price, for each kind that may be there and was not read."""
        return [
            pricing.Line(f"{_words(key)}, if there are any", None)
            for key in self._denied
            if key in spending.BESIDE
        ]

    def notes(self) -> list[str]:
        """Return what is missing, and why."""
        return [
            f"The token may not read {_words(key)}, which is missing here: the README's table "
            "says which scope to give it."
            for key in self._denied
        ]

    @contextmanager
    def _allowed(self, key: str) -> Iterator[None]:
        try:
            yield
        except TokenRejected as error:
            # A token that is unknown or has expired may read nothing at all.
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            self._denied.append(key)


def _nearly_spent(
    clusters: Iterable[Mapping[str, Any]], lines: Iterable[pricing.Line]
) -> list[str]:
    """Return the clusters whose budget runs out, in words."""
    said = []
    for one in clusters:
        name, budget = _name(one), limits.budget(one["tags"])
        if budget is None:
            continue
        own = Bill(name, tuple(line for line in lines if line.cluster == name), budget=budget)
        if own.share is not None and own.share >= limits.WARN_AT:
            said.append(f"The budget of {name!r} runs out: {own.budget_spent}.")
    return said


def _name(cluster: Mapping[str, Any]) -> str:
    return names.cluster_of(cluster["tags"]) or cluster["name"]


def _words(key: str) -> str:
    return {"sizes": "prices", "vpcs": "networks", "billing": "the account's balance"}.get(
        key, key.replace("_", " ")
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)

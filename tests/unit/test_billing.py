"""The bill: a few lists for any number of clusters, and no silence about what cannot be read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dotrain import billing, target
from dotrain.errors import ClusterNotFound, TokenRejected
from dotrain.sandbox import catalog
from tests.unit.conftest import Answer, Request, Server

PAGE = 200
MADE = "2026-01-02T03:04:05Z"


def a_cluster(number: int, *tags: str) -> dict[str, Any]:
    return {
        "id": f"c-{number}",
        "name": f"c{number}",
        "vpc_uuid": f"vpc-{number}",
        "tags": ["dotrain", f"dotrain:c{number}", *tags],
        "created_at": MADE,
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "status": {"state": "running"},
        "node_pools": [
            {
                "id": f"p-{number}",
                "name": "system",
                "size": "c-2",
                "count": 1,
                "nodes": [
                    {
                        "id": f"n-{number}",
                        "name": "system-a",
                        "status": {"state": "running"},
                        "created_at": MADE,
                    }
                ],
            }
        ],
    }


@pytest.fixture
def account(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Server]:
    """Serve an account, and make it the one to work on."""

    def start(clusters: int = 0, denied: str = "", status: int = 403, tag: str = "") -> Server:
        lists: dict[str, list[Any]] = {
            "kubernetes/clusters": [a_cluster(number, tag) for number in range(clusters)],
            "sizes": catalog.sizes(),
        }

        def answer(request: Request) -> Answer:
            url = urlsplit(request.path)
            path = url.path.removeprefix("/v2/")
            if path == denied:
                return Answer(status, b'{"id": "forbidden", "message": "no"}')
            if path == "customers/my/balance":
                return Answer(200, b'{"month_to_date_usage": "12.34"}')
            page = int(parse_qs(url.query)["page"][0])
            found = lists.get(path, [])
            key = path.replace("kubernetes/clusters", "kubernetes_clusters")
            body: dict[str, Any] = {key: found[PAGE * (page - 1) : PAGE * page]}
            if len(found) > PAGE * page:
                body["links"] = {"pages": {"next": "further"}}
            return Answer(200, json.dumps(body).encode())

        server = serve()
        server.answer = answer
        here = target.Target("sandbox", server.url, "sandbox_x", tmp_path)
        monkeypatch.setattr(billing, "current", lambda: here)
        return server

    return start


def asked(server: Server) -> list[str]:
    return [urlsplit(one.path).path.removeprefix("/v2/") for one in server.requests]


def test_many_clusters_cost_a_page_more_and_not_a_request_each(account) -> None:
    server = account(clusters=450)
    bill = billing.bill()
    assert bill.hourly == pytest.approx(450 * 0.0625)
    assert bill.month_to_date == 12.34
    assert asked(server) == [
        *["kubernetes/clusters"] * 3,
        *("sizes", "load_balancers", "volumes", "snapshots", "databases"),
        *("vpcs", "customers/my/balance"),
    ]


@pytest.mark.parametrize("denied", ["load_balancers", "volumes", "snapshots", "databases"])
def test_what_may_not_be_read_makes_every_sum_unknown(account, denied) -> None:
    account(clusters=1, denied=denied)
    bill = billing.bill()
    what = denied.replace("_", " ")
    assert (bill.hourly, bill.so_far) == (None, None)
    assert bill.unknown == (f"{what}, if there are any",)
    assert any(what in note for note in bill.notes)


@pytest.mark.parametrize("denied", ["vpcs", "customers/my/balance"])
def test_what_costs_nothing_and_may_not_be_read_is_said(account, denied) -> None:
    account(clusters=1, denied=denied)
    bill = billing.bill()
    assert bill.hourly == pytest.approx(0.0625)
    assert any("may not read" in note for note in bill.notes)


@pytest.mark.parametrize(("budget", "said"), [("1", True), ("99999999", False)])
def test_a_budget_that_runs_out_is_noted(account, budget, said) -> None:
    account(clusters=1, tag=f"dotrain-budget:{budget}")
    notes = billing.bill().notes
    assert any("budget of 'c0' runs out" in note for note in notes) is said


def test_without_prices_nothing_is_free(account) -> None:
    account(clusters=1, denied="sizes")
    bill = billing.bill()
    assert bill.hourly is None
    assert "pool system: 1 x c-2" in bill.unknown


def test_a_token_that_is_not_known_is_an_error_and_no_note(account) -> None:
    account(clusters=1, denied="volumes", status=401)
    with pytest.raises(TokenRejected):
        billing.bill()


def test_a_cluster_that_does_not_exist_costs_nothing_and_has_no_budget_to_warn_of(account) -> None:
    account()
    with pytest.raises(ClusterNotFound, match="'bert'"):
        billing.cost(billing.current(), "bert")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        billing.warn_of_budget(billing.current(), "bert")

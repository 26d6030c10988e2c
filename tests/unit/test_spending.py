"""What a cluster has cost so far: by the second, no month above its price, the unknown named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from dotrain import ledger, spending
from dotrain.pricing import NO_PRICE, Price, prices
from dotrain.sandbox import catalog
from dotrain.target import Target

UTC = dt.timezone.utc
NOW = dt.datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = Price(1.0, 672.0)


def ago(**span: float) -> str:
    return (NOW - dt.timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pool(name: str, size: str, *created: str, **more: Any) -> dict[str, Any]:
    nodes = [{"created_at": one} for one in created]
    return {"name": name, "size": size, "count": len(nodes), "nodes": nodes, **more}


def cluster(*pools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "c-1",
        "vpc_uuid": "vpc-1",
        "tags": ["dotrain", "dotrain:bert"],
        "created_at": ago(hours=10),
        "node_pools": [*pools],
        "ha": False,
        **more,
    }


def of(*pools: dict[str, Any], **more: Any) -> list[spending.Line]:
    return spending.of_cluster(cluster(*pools, **more), prices(catalog.sizes()), NOW)


@pytest.mark.parametrize("size", catalog.sizes(), ids=lambda size: size["slug"])
def test_every_size_costs_its_hours_and_no_month_more_than_its_monthly_price(size) -> None:
    price = prices([size])[size["slug"]]
    hourly, monthly = size["price_hourly"], size["price_monthly"]
    for hours in (1, 100, 671):
        expected = hours * hourly
        assert spending.accrued(price, ago(hours=hours), NOW) == pytest.approx(expected)
    # All of March until noon of the 31st is 732 hours: 672 count, of a GPU all of them.
    march = monthly if not size.get("gpu_info") else 732 * hourly
    assert spending.accrued(price, "2026-03-01T00:00:00Z", NOW) == pytest.approx(march, rel=1e-4)
    # February had 28 days, which are 672 hours.
    both = march + 672 * hourly
    assert spending.accrued(price, "2026-02-01T00:00:00Z", NOW) == pytest.approx(both, rel=1e-4)


def test_the_cap_is_of_a_calendar_month_and_not_of_any_31_days() -> None:
    # 15 days in January and 16 in February: 744 hours, in no month 672.
    begun, now = "2026-01-17T00:00:00Z", dt.datetime(2026, 2, 17, tzinfo=UTC)
    assert spending.accrued(HOUR, begun, now) == pytest.approx(31 * 24)


def test_a_december_is_followed_by_a_january() -> None:
    now = dt.datetime(2027, 1, 1, 1, tzinfo=UTC)
    assert spending.accrued(HOUR, "2026-12-01T00:00:00Z", now) == pytest.approx(673)


def test_seconds_count_and_the_future_costs_nothing() -> None:
    assert spending.accrued(HOUR, ago(seconds=36), NOW) == pytest.approx(0.01)
    assert spending.accrued(HOUR, ago(hours=-1), NOW) == 0.0


def test_what_is_not_known_stays_so() -> None:
    assert spending.accrued(NO_PRICE, ago(hours=1), NOW) is None
    assert spending.accrued(HOUR, None, NOW) is None
    assert spending.accrued(Price(1.0, None), "2026-03-01T00:00:00Z", NOW) == pytest.approx(732)


def test_each_node_counts_since_it_was_made() -> None:
    (line,) = of(pool("train-c-2", "c-2", ago(hours=10), ago(hours=4)))
    assert line.item == "pool train: 2 x c-2"
    assert line.hourly == pytest.approx(0.125)
    assert line.so_far == pytest.approx(14 * 0.0625)


def test_an_autoscaled_pool_says_what_it_may_cost() -> None:
    (line,) = of(pool("train-c-2", "c-2", ago(hours=1), auto_scale=True, max_nodes=8))
    assert (line.hourly, line.most_hourly) == pytest.approx((0.0625, 0.5))


def test_a_pool_of_an_unknown_size_makes_the_sum_a_least() -> None:
    made = cluster(pool("a-c-2", "c-2", ago(hours=16)), pool("b-new", "new", ago(hours=16)))
    spent = spending.spent(made, prices(catalog.sizes()), NOW)
    assert spent.so_far == pytest.approx(1.0)
    assert spent.unknown == ("pool b: 1 x new",)


def test_nodes_that_are_not_listed_are_unknown_and_not_free() -> None:
    (line,) = of({"name": "a-c-2", "size": "c-2", "count": 2})
    assert line.hourly == pytest.approx(0.125)
    assert line.so_far is None


def test_a_highly_available_control_plane_counts_since_the_cluster_was_made() -> None:
    (line,) = of(ha=True)
    assert line.so_far == pytest.approx(10 * 40 / 672)


def test_the_share_of_the_budget_is_what_the_tag_allows() -> None:
    tags = ["dotrain", "dotrain:bert", "dotrain-budget:125"]
    made = cluster(pool("a-c-2", "c-2", ago(hours=16)), tags=tags)
    spent = spending.spent(made, prices(catalog.sizes()), NOW)
    assert (spent.budget, spent.share) == (1.25, pytest.approx(0.8))
    assert spending.spent(cluster(), {}, NOW).share is None


def beside(only: str | None = None, **found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    lists = {"load_balancers": [], "volumes": [], "databases": [], **found}
    networks = [{"id": "vpc-2", "name": "dotrain-gone"}, {"id": "vpc-3", "name": "mine"}]
    lines = spending.beside(lists, [cluster()], networks, NOW, only=only)
    return [(line.cluster, line.item) for line in lines]


def test_what_is_beside_a_cluster_is_found_by_network_id_and_label() -> None:
    made = {"created_at": ago(hours=67.2)}
    found = beside(
        load_balancers=[
            {"name": name, "vpc_uuid": vpc, "size_unit": 1, **made}
            for name, vpc in (("own", "vpc-1"), ("left", "vpc-2"), ("other", "vpc-3"))
        ],
        volumes=[
            {"id": name, "name": name, "size_gigabytes": 10, "tags": tags, **made}
            for name, tags in (
                ("own", ["k8s:c-1"]),
                ("other", ["k8s:c-2"]),
                ("bare", None),
                ("kept", ["k8s:c-0", "dotrain:gone"]),
            )
        ],
        snapshots=[
            {"name": name, "resource_type": kind, "resource_id": of, "tags": tags}
            for name, kind, of, tags in (
                ("copy", "volume", "own", ["k8s:c-1"]),
                ("bare-copy", "volume", "own", None),
                ("theirs", "volume", "other", None),
                ("machine", "droplet", "own", None),
            )
        ],
        databases=[
            {"size": "db-s-1vcpu-1gb", "num_nodes": 1, "tags": tags, **made}
            for tags in (["dotrain:bert"], ["dotrain:gone"], [])
        ],
    )
    assert found == [
        ("bert", "load balancer own"),
        ("gone", "load balancer left"),
        ("bert", "volume own: 10 GiB"),
        ("gone", "volume kept: 10 GiB"),
        ("bert", "volume snapshot copy"),
        ("bert", "volume snapshot bare-copy"),
        ("bert", "database: 1 x db-s-1vcpu-1gb"),
        ("gone", "database: 1 x db-s-1vcpu-1gb"),
    ]


def test_of_one_cluster_only_its_own_is_shown() -> None:
    made = {"size": "db-s-1vcpu-1gb", "num_nodes": 1, "created_at": ago(hours=1)}
    databases = [{**made, "tags": ["dotrain:gone"]}, {**made, "tags": ["dotrain:bert"]}]
    assert [name for name, _ in beside("bert", databases=databases)] == ["bert"]


def test_what_is_beside_it_counts_by_the_hour() -> None:
    made = {"created_at": ago(hours=67.2), "vpc_uuid": "vpc-1", "tags": ["k8s:c-1"]}
    lists = {
        "load_balancers": [{"name": "lb", "size_unit": 2, **made}],
        "volumes": [{"id": "disk", "name": "disk", "size_gigabytes": 100, **made}],
        "databases": [],
    }
    lines = spending.beside(lists, [cluster()], [], NOW)
    assert [line.so_far for line in lines] == pytest.approx([2.4, 1.0])


@pytest.fixture
def account(tmp_path: Path) -> Target:
    return Target("sandbox", "http://127.0.0.1:1", "sandbox_x", tmp_path)


def with_nodes(*ids: str, **more: Any) -> dict[str, Any]:
    nodes = [{"id": one, "created_at": ago(hours=10)} for one in ids]
    return cluster({"name": "a-c-2", "size": "c-2", "count": len(ids), "nodes": nodes}, **more)


def test_nodes_that_are_gone_count_until_they_were_last_seen(account: Target) -> None:
    for hours in (6, 4):
        ledger.note(account, "bert", with_nodes("n1", "n2"), NOW - dt.timedelta(hours=hours))
    left = with_nodes("n1", "n3")
    ledger.note(account, "bert", left, NOW)
    gone = ledger.gone(account, "bert", left)
    assert gone == [spending.Node("c-2", ago(hours=10), ago(hours=4))]
    (line,) = spending.of_nodes_gone(gone, prices(catalog.sizes()))
    assert line.so_far == pytest.approx(6 * 0.0625)
    assert (line.hourly, line.monthly) == (0.0, 0.0)
    assert "1 nodes that are gone" in line.item


def test_without_nodes_that_are_gone_there_is_no_line(account: Target) -> None:
    made = with_nodes("n1")
    assert ledger.gone(account, "bert", made) == []
    ledger.note(account, "bert", made, NOW)
    assert ledger.gone(account, "bert", made) == []
    assert spending.of_nodes_gone([], {}) == []


def test_what_is_gone_and_has_no_known_price_is_unknown() -> None:
    (line,) = spending.of_nodes_gone([spending.Node("new", ago(hours=2), ago(hours=1))], {})
    assert (line.so_far, line.price) == (None, "unknown")


def test_an_earlier_cluster_of_the_name_is_no_part_of_this_one(account: Target) -> None:
    ledger.note(account, "bert", with_nodes("old", id="c-0"), NOW)
    assert ledger.gone(account, "bert", with_nodes("n1")) == []
    ledger.note(account, "bert", with_nodes("n1"), NOW)
    assert ledger.gone(account, "bert", with_nodes(id="c-0")) == []


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"cluster": "c-1", "nodes": {"n": [1]}}'])
def test_a_note_that_cannot_be_read_is_taken_for_none(account: Target, broken: str) -> None:
    file = account.directory / "stacks" / "bert" / "nodes.json"
    file.parent.mkdir(parents=True)
    file.write_text(broken)
    assert ledger.gone(account, "bert", with_nodes("n1")) == []
    ledger.note(account, "bert", with_nodes("n1"), NOW)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(ledger.gone(account, "bert", with_nodes("n2"))) == 1


def test_where_nothing_can_be_written_nothing_is_remembered(account: Target) -> None:
    (account.directory / "stacks").write_text("in the way")
    ledger.note(account, "bert", with_nodes("n1"), NOW)
    assert ledger.gone(account, "bert", with_nodes()) == []

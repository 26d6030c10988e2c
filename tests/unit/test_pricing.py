"""Pricing: DigitalOcean's own prices, multiplied; an unknown one is never zero."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain import published
from dotrain.pools import SYSTEM_POOL, Pool
from dotrain.pricing import LIVE, PUBLISHED, UNKNOWN, Line, lines, summary, total
from dotrain.sandbox import catalog
from dotrain.spec import ClusterSpec, Database

SIZES = [
    {"slug": SYSTEM_POOL.size, "price_hourly": 0.01786, "price_monthly": 12.0},
    {"slug": "s-4vcpu-8gb", "price_hourly": 0.07143, "price_monthly": 48.0},
    {"slug": "gpu-h100x8-640gb", "price_hourly": 23.92, "price_monthly": 17797.0},
]


def test_a_bill_is_what_a_hand_calculation_says() -> None:
    spec = ClusterSpec(
        "bert", pools=(Pool("a", "s-4vcpu-8gb", 3), Pool("b", "gpu-h100x8-640gb", 2))
    )
    bill = lines(spec, SIZES)
    assert [line.item for line in bill] == [
        f"pool system: 1 x {SYSTEM_POOL.size}",
        "pool a: 3 x s-4vcpu-8gb",
        "pool b: 2 x gpu-h100x8-640gb",
    ]
    assert [line.hourly for line in bill] == pytest.approx([0.01786, 0.21429, 47.84])
    assert [line.monthly for line in bill] == [12.0, 144.0, 35594.0]
    assert {line.price for line in bill} == {LIVE}
    assert summary(bill) == "$48.072 an hour ($35,750.00 a month)"


@pytest.mark.parametrize("size", catalog.sizes(), ids=lambda size: size["slug"])
def test_every_size_costs_its_prices_times_its_nodes(size) -> None:
    spec = ClusterSpec("bert", pools=(Pool(size=size["slug"], count=3),))
    line = lines(spec, catalog.sizes())[1]
    hourly, monthly = size["price_hourly"], size["price_monthly"]
    assert line.hourly == pytest.approx(hourly + hourly + hourly, abs=1e-9)
    assert line.monthly == pytest.approx(monthly + monthly + monthly, abs=1e-9)
    assert (line.most_hourly, line.most_monthly) == (line.hourly, line.monthly)


def test_an_autoscaled_pool_costs_what_it_has_and_at_most_what_it_may_have() -> None:
    pool = Pool(size="s-4vcpu-8gb", count=2, min=1, max=5)
    line = lines(ClusterSpec("bert", pools=(pool,)), SIZES)[1]
    assert "autoscaled, at most 5" in line.item
    assert (line.hourly, line.most_hourly) == pytest.approx((0.14286, 0.35715))
    assert (line.monthly, line.most_monthly) == (96.0, 240.0)
    assert summary([line]) == "$0.143 an hour ($96.00 a month), at most $0.357 an hour"


def test_a_paused_cluster_costs_its_system_pool() -> None:
    spec = ClusterSpec("bert", pools=(Pool(size="s-4vcpu-8gb", count=2),), paused=True)
    assert [line.item for line in lines(spec, SIZES)] == [f"pool system: 1 x {SYSTEM_POOL.size}"]


def test_a_price_list_may_be_read_once_only() -> None:
    assert lines(ClusterSpec("bert"), iter(SIZES))[0].hourly == pytest.approx(0.01786)


@pytest.mark.parametrize(
    "sizes", [[], [{"slug": "s-4vcpu-8gb"}], [{"slug": "s-4vcpu-8gb", "price_hourly": None}]]
)
def test_an_unknown_price_is_none_and_named(sizes) -> None:
    system = SIZES[:1]
    bill = lines(ClusterSpec("bert", pools=(Pool(size="s-4vcpu-8gb", count=2),)), [*system, *sizes])
    assert bill[1] == Line("pool train: 2 x s-4vcpu-8gb", None, price=UNKNOWN)
    assert summary(bill) == (
        "$0.018 an hour ($12.00 a month), plus pool train: 2 x s-4vcpu-8gb (price unknown)"
    )


def test_a_month_that_the_list_does_not_price_is_not_summed() -> None:
    bill = [Line("a", 1.0, 2.0), Line("b", 1.0, None)]
    assert summary(bill) == "$2.000 an hour"


def test_a_highly_available_control_plane_costs_what_digitalocean_publishes() -> None:
    line = lines(ClusterSpec("bert", ha=True), SIZES)[-1]
    assert (line.item, line.price) == ("highly available control plane", PUBLISHED)
    assert (line.hourly, line.monthly) == pytest.approx((40 / 672, 40.0))


def test_what_nobody_publishes_a_price_of_is_named() -> None:
    spec = ClusterSpec("bert", pools=(Pool(size="s-4vcpu-8gb"),), database=Database(nodes=2))
    text = summary(lines(spec, SIZES))
    assert text.endswith("plus database: 2 x db-s-1vcpu-1gb (price unknown)")


def test_a_bill_of_unknown_prices_does_not_say_zero() -> None:
    text = summary(lines(ClusterSpec("bert"), []))
    assert "price unknown" in text
    assert "$0" not in text


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert total([1.0, 2.5]) == 3.5
    assert total([1.0, None]) is None
    assert total([]) == 0.0


BALANCER = {"name": "lb", "size_unit": 3, "type": "REGIONAL", "network": "EXTERNAL"}


@pytest.mark.parametrize(
    ("changed", "monthly"),
    [
        ({}, 36.0),
        ({"type": None, "network": None, "size_unit": 1}, 12.0),
        ({"size_unit": None, "size": "lb-medium"}, 36.0),
        ({"size_unit": None}, 12.0),
        ({"type": "REGIONAL_NETWORK"}, None),
        ({"type": "GLOBAL"}, None),
        ({"network": "INTERNAL"}, None),
        ({"size_unit": None, "size": "lb-huge"}, None),
    ],
)
def test_a_load_balancer_costs_by_its_nodes_where_that_is_published(changed, monthly) -> None:
    assert published.balancer({**BALANCER, **changed}) == monthly


def test_a_volume_costs_by_its_size() -> None:
    assert published.volume({"size_gigabytes": 250}) == pytest.approx(25.0)


@pytest.mark.parametrize(
    "price", [published.CONTROL_PLANE, published.BALANCER_NODE, published.VOLUME_GIB]
)
def test_a_published_price_has_its_page_and_its_date(price) -> None:
    assert price.url.startswith("https://")
    assert "digitalocean.com/" in price.url
    assert published.AS_OF in PUBLISHED


def test_lines_are_values() -> None:
    assert replace(Line("a", 1.0), cluster="bert") == Line("a", 1.0, cluster="bert")


def test_a_version_that_is_highly_available_unasked_is_priced_as_such() -> None:
    spec = ClusterSpec("bert")
    items = [
        [line.item for line in lines(spec, SIZES, version)] for version in ("1.35.1", "1.36.0")
    ]
    assert [one for one in items[1] if one not in items[0]] == ["highly available control plane"]

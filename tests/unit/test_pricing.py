"""Pricing: DigitalOcean's own prices, multiplied; an unknown one is never zero."""

from __future__ import annotations

import pytest

from dotrain.pools import SYSTEM_POOL, Pool
from dotrain.pricing import Line, lines, summary
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
    assert summary(bill) == "$48.072 an hour"


def test_a_price_list_may_be_read_once_only() -> None:
    assert lines(ClusterSpec("bert"), iter(SIZES))[0].hourly == pytest.approx(0.01786)


@pytest.mark.parametrize(
    "sizes", [[], [{"slug": "s-4vcpu-8gb"}], [{"slug": "s-4vcpu-8gb", "price_hourly": None}]]
)
def test_an_unknown_price_is_none_and_named(sizes) -> None:
    system = SIZES[:1]
    bill = lines(ClusterSpec("bert", pools=(Pool(size="s-4vcpu-8gb", count=2),)), [*system, *sizes])
    assert bill[1] == Line("pool train: 2 x s-4vcpu-8gb", None)
    assert summary(bill) == ("$0.018 an hour, plus pool train: 2 x s-4vcpu-8gb (price unknown)")


def test_what_the_price_list_cannot_know_is_named() -> None:
    spec = ClusterSpec(
        "bert", pools=(Pool(size="s-4vcpu-8gb"),), ha=True, database=Database(nodes=2)
    )
    text = summary(lines(spec, SIZES))
    assert "highly available control plane and database: 2 x db-s-1vcpu-1gb" in text
    assert text.endswith("(price unknown)")


def test_a_bill_of_unknown_prices_does_not_say_zero() -> None:
    text = summary(lines(ClusterSpec("bert"), []))
    assert "price unknown" in text
    assert "$0" not in text

"""A bill: sums that say when a part of them is not known, and text that anyone can read."""

from __future__ import annotations

import pandas as pd
import pytest

from dotrain.bills import Bill
from dotrain.engine.preview import Planned
from dotrain.plan import Plan
from dotrain.pricing import LIVE, Line

POOL = Line("pool train: 2 x c-2", 0.125, 84.0, 0.5, 336.0, 3.5, LIVE, "bert")
DATABASE = Line("database: 1 x db-s-1vcpu-1gb", None, cluster="bert")


def test_sums_of_known_lines_are_sums() -> None:
    bill = Bill("bert", (POOL, POOL))
    assert (bill.hourly, bill.monthly, bill.so_far) == (0.25, 168.0, 7.0)
    assert bill.unknown == ()


def test_a_sum_with_an_unknown_part_is_none_and_its_text_says_so() -> None:
    bill = Bill("bert", (POOL, DATABASE))
    assert (bill.hourly, bill.monthly, bill.so_far) == (None, None, None)
    assert bill.unknown == (DATABASE.item,)
    assert bill.spent == 3.5
    text = str(bill)
    assert "$0.125 an hour" in text
    assert "database: 1 x db-s-1vcpu-1gb (price unknown)" in text
    assert "so far: at least $3.50" in text
    assert "$0.00" not in text


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (35.0, "$3.50 of $35.00 so far (10%)"),
        (4.0, "$3.50 of $4.00 so far (88%, it runs out)"),
        (3.5, "$3.50 of $3.50 so far (spent)"),
    ],
)
def test_what_is_spent_of_the_budget_is_said(budget, words) -> None:
    bill = Bill("bert", (POOL,), budget=budget)
    assert bill.share == 3.5 / budget
    assert bill.budget_spent == words
    assert words in str(bill)


def test_without_a_budget_there_is_no_share() -> None:
    assert Bill("bert", (POOL,)).share is None
    assert "budget" not in str(Bill("bert", (POOL,)))


def test_an_empty_bill_is_a_bill_of_nothing() -> None:
    bill = Bill("account", (), month_to_date=0.0)
    assert (bill.hourly, bill.so_far) == (0.0, 0.0)
    assert "nothing" in str(bill)
    assert len(bill.frame) == 0
    assert "nothing" in bill._repr_html_()


def test_html_is_escaped_and_has_every_line() -> None:
    bad = Line("load balancer <b>lb</b>", None, cluster="bert")
    html = Bill("bert", (POOL, bad), notes=("<i>",))._repr_html_()
    assert POOL.item in html
    assert "<b>" not in html
    assert "<i>" not in html


@pytest.mark.parametrize("lines", [(), (POOL, DATABASE)])
def test_the_frame_has_the_documented_columns_and_types(lines) -> None:
    frame = Bill("bert", lines).frame
    assert list(frame.columns) == [
        "cluster",
        "item",
        "hourly",
        "monthly",
        "most_hourly",
        "most_monthly",
        "so_far",
        "price",
    ]
    assert set(map(str, frame.dtypes[2:7])) == {"float64"}
    assert frame.hourly.isna().tolist() == [line.hourly is None for line in lines]


def test_a_plan_says_what_it_costs_now_and_after_and_survives_json() -> None:
    steps = (Planned("create", "node pool", "train"),)
    plan = Plan("bert", (), (), steps, cost=(POOL, DATABASE), cost_now=(POOL,))
    assert Plan.from_dict(plan.to_dict()) == plan
    bill = plan.bill
    assert bill.when.tolist() == ["now", "after", "after"]
    assert bill.dtypes["when"] == pd.Series(["x"]).astype("str").dtype
    assert "; now $0.125 an hour" in str(plan)
    assert "as now" in str(Plan("bert", (), (), (), (POOL,), (POOL,)))
    assert "now" not in str(Plan("bert", (), (), (), (POOL,)))

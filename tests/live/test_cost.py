"""What a cluster costs, and may cost: on the real engine, against the sandbox's own bill."""

from __future__ import annotations

import json
import time
import warnings

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import cli
from dotrain.errors import BudgetRunsOut, ClusterNotFound, UnknownGpu, UnknownRegion
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(40)

# Dear enough that seconds cost cents: $110 an hour.
DEAR = dotrain.Pool(size="gpu-h200x8-1128gb", count=4)
AN_HOUR = 4 * 27.52 + 0.01786
BESIDE = 12 / 672 + 10 / 672


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    """A cluster of which most of its budget is left, with what Kubernetes makes beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cluster = dotrain.up("dear", region="nyc2", pool=DEAR, budget="$5000")
    (made,) = sandbox.objects("clusters")
    rule = {
        "entry_protocol": "tcp",
        "entry_port": 80,
        "target_protocol": "tcp",
        "target_port": 30080,
    }
    sandbox.call(
        "POST",
        "/v2/load_balancers",
        name="service",
        region="nyc2",
        vpc_uuid=made["vpc_uuid"],
        forwarding_rules=[rule],
    )
    tags = [f"k8s:{made['id']}"]
    sandbox.call("POST", "/v2/volumes", name="disk", region="nyc2", size_gigabytes=100, tags=tags)
    return cluster


def run(*arguments: str) -> str:
    with warnings.catch_warnings():
        # As in a shell: its warnings end nothing.
        warnings.simplefilter("ignore", BudgetRunsOut)
        result = CliRunner().invoke(cli.main, ["--sandbox", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def asked(sandbox: Sandbox, after: int) -> list[str]:
    return [one["path"].partition("?")[0] for one in sandbox.requests(after)]


def test_sizes_are_those_of_the_price_list_and_cost_two_requests(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    frame = dotrain.sizes(gpu_memory="80GB", max_price="$5")
    assert asked(sandbox, before) == ["/v2/kubernetes/options", "/v2/sizes"]
    assert frame.slug[0] == "gpu-mi300x1-192gb"
    (listed,) = (
        one
        for one in sandbox.call("GET", "/v2/sizes?per_page=200")["sizes"]
        if one["slug"] == frame.slug[0]
    )
    assert (frame.hourly[0], frame.monthly[0]) == (listed["price_hourly"], listed["price_monthly"])
    with pytest.raises(UnknownRegion):
        dotrain.sizes(region="nyc33")
    with pytest.raises(UnknownGpu):
        dotrain.sizes(gpu="tpu")


def test_cost_is_a_line_for_each_pool_and_for_what_kubernetes_made(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    bill = cluster.cost()
    assert asked(sandbox, before) == [
        f"/v2/{what}"
        for what in (
            *("kubernetes/clusters", "sizes", "load_balancers"),
            *("volumes", "snapshots", "databases"),
        )
    ]
    frame = bill.frame.set_index("item")
    assert frame.price.to_dict() == {
        "pool system: 1 x s-1vcpu-2gb": "live",
        "pool train: 4 x gpu-h200x8-1128gb": "live",
        "load balancer service": "published, as of July 2026",
        "volume disk: 100 GiB": "published, as of July 2026",
    }
    assert bill.hourly == pytest.approx(AN_HOUR + BESIDE)
    assert bill.unknown == ()
    assert bill.budget == 5000.0


def test_the_account_s_bill_agrees_with_what_digitalocean_counts(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    start = time.monotonic()
    bill = dotrain.bill()
    assert bill.so_far is not None
    # The API says to the second when a thing was made, and the two are asked one after the other.
    seconds = 1.1 + time.monotonic() - start
    assert bill.month_to_date == pytest.approx(bill.so_far, abs=0.006 + seconds * AN_HOUR / 3600)
    assert set(bill.frame.cluster) == {"dear"}


def test_what_the_token_may_not_read_is_said_and_not_taken_for_nothing(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    def deny(*paths: str) -> None:
        faults = [{"method": "GET", "path": path, "status": 403} for path in paths]
        sandbox.call("POST", "/__sandbox__/faults", faults=faults)

    deny("/v2/customers/my/balance")
    bill = dotrain.bill()
    assert bill.month_to_date is None
    assert bill.hourly is not None
    assert any("the account's balance" in note for note in bill.notes)
    deny("/v2/volumes", "/v2/sizes")
    bill = cluster.cost()
    assert bill.hourly is None
    assert "volumes, if there are any" in bill.unknown
    assert "pool train: 4 x gpu-h200x8-1128gb" in bill.unknown
    assert "volumes, if there are any (price unknown)" in str(bill)


def test_a_plan_says_what_it_costs_now_and_after(cluster: dotrain.Cluster) -> None:
    plan = cluster.plan(pool=dotrain.Pool(size="s-4vcpu-8gb", count=2, min=1, max=3), ha=True)
    bill = plan.bill
    hourly = bill.groupby("when").hourly.sum()
    assert hourly["now"] == pytest.approx(AN_HOUR + BESIDE)
    assert hourly["after"] == pytest.approx(0.01786 + 2 * 0.07143 + 40 / 672 + BESIDE)
    assert "; now $110." in str(plan)


def test_a_budget_is_a_tag_that_changes_without_changing_anything_else(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    (before,) = sandbox.objects("clusters")
    assert "dotrain-budget:500000" in before["tags"]
    assert "of $5,000.00 so far (0%)" in repr(cluster)
    last = sandbox.last_request()
    dotrain.up("dear", budget=2500)
    assert sandbox.changes(last) == [("PUT", f"/v2/kubernetes/clusters/{before['id']}")]
    (after,) = sandbox.objects("clusters")
    assert [tag for tag in after["tags"] if "budget" in tag] == ["dotrain-budget:250000"]
    assert after["node_pools"] == before["node_pools"]


def test_nodes_that_a_resize_took_away_are_still_paid_for(cluster: dotrain.Cluster) -> None:
    before = cluster.cost()
    cluster.resize(count=1)
    after = cluster.cost()
    (gone,) = (line for line in after.lines if "gone" in line.item)
    assert gone.item.startswith("3 nodes")
    assert gone.so_far is not None
    assert gone.so_far > 0.01
    assert after.hourly == pytest.approx((before.hourly or 0) - 3 * 27.52)
    # When they were last seen is noted to the second, and a second of them costs 2 cents.
    assert (after.so_far or 0) >= (before.so_far or 0) - 0.03


def test_a_budget_that_runs_out_is_said_by_up_by_get_and_by_the_cluster(
    cluster: dotrain.Cluster,
) -> None:
    with pytest.warns(BudgetRunsOut, match=r"'dear' has cost .*% of its budget of \$0\.01"):
        dotrain.up("dear", budget="$0.01")
    with pytest.warns(BudgetRunsOut):
        again = dotrain.get("dear")
    for text in again._repr_mimebundle_().values():
        assert "of $0.01 so far (spent)" in text


def test_a_budget_that_cannot_be_checked_does_not_stop_get(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    fault = {"method": "GET", "path": "/v2/kubernetes/clusters", "status": 422, "times": 2}
    sandbox.call("POST", "/__sandbox__/faults", faults=[fault])
    with pytest.warns(UserWarning, match="could not be checked"):
        again = dotrain.get("dear")
    assert again.name == "dear"
    sandbox.call("POST", "/__sandbox__/faults", faults=[])


def test_the_same_from_a_shell(cluster: dotrain.Cluster) -> None:
    (size,) = json.loads(run("sizes", "--gpu", "h100", "--max-price", "5", "--format", "json"))
    assert size["slug"] == "gpu-h100x1-80gb"
    assert "of $0.01 so far (spent)" in run("up", "dear", "--budget", "0.01")
    assert "of $0.01 so far (spent)" in run("cost", "dear")
    items = {row["item"] for row in json.loads(run("bill", "--format", "json"))}
    assert "volume disk: 100 GiB" in items


def test_a_limit_ends_and_no_tag_of_it_is_left(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    dotrain.up("dear", budget="none")
    assert dotrain.get("dear").spec.budget is None
    (made,) = sandbox.objects("clusters")
    assert not [tag for tag in made["tags"] if "budget" in tag]
    assert "budget" not in repr(cluster)
    cluster.down(confirm="dear")
    assert not [one for one in sandbox.objects("tags") if one["name"].startswith("dotrain")]
    with pytest.raises(ClusterNotFound):
        cluster.cost()
    assert dotrain.bill().hourly == 0.0

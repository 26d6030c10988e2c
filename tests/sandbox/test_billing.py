"""What the account owes this month: for what exists, by the second, with a cap."""

from datetime import datetime, timezone

import pytest

from dotrain.sandbox import routes
from dotrain.sandbox.answers import Call
from dotrain.sandbox.store import Store

from .conftest import BALANCER, DATABASE

MADE = datetime(2026, 2, 20, tzinfo=timezone.utc).timestamp()
HOUR = 3600
LATER = MADE + 100 * HOUR


@pytest.fixture
def account(tmp_path):
    """Answer requests as at any moment: the routes themselves, without a clock."""
    store = Store(tmp_path / "sandbox.db")

    def ask(method, path, now, **body):
        handler, params = routes.find(method, path)
        with store.transaction():
            return handler(Call(store, now, 0.0, params=params, body=body)).body

    yield ask
    store.close()


def usage(account, now):
    answer = account("GET", "/v2/customers/my/balance", now)
    assert answer["month_to_date_balance"] == answer["month_to_date_usage"]
    return float(answer["month_to_date_usage"])


def cluster(account, size, count, **more):
    region = "nyc2" if size.startswith("gpu") else "nyc3"
    pools = [{"name": "a", "size": size, "count": count}]
    body = {"name": "c", "region": region, "version": "1.34.1-do.0", "node_pools": pools, **more}
    account("POST", "/v2/kubernetes/clusters", MADE, **body)


def test_an_empty_account_owes_nothing(account):
    assert usage(account, MADE) == 0


def test_nodes_are_billed_for_their_hours(account):
    cluster(account, "s-4vcpu-8gb", 3)
    assert usage(account, LATER) == pytest.approx(100 * 3 * 0.07143, abs=0.005)


def test_a_highly_available_control_plane_is_billed_too(account):
    cluster(account, "s-1vcpu-2gb", 1, ha=True)
    assert usage(account, LATER) == pytest.approx(100 * (0.01786 + 40 / 672), abs=0.005)


def test_a_new_month_begins_at_nothing_and_ends_at_the_monthly_price(account):
    cluster(account, "s-4vcpu-8gb", 1)
    march = datetime(2026, 3, 1, tzinfo=timezone.utc).timestamp()
    assert usage(account, march) == 0
    assert usage(account, march + 10 * HOUR) == pytest.approx(0.71, abs=0.005)
    assert usage(account, march + 743 * HOUR) == 48.0


def test_a_gpu_is_billed_for_every_hour_of_a_month(account):
    cluster(account, "gpu-h100x1-80gb", 1)
    march = datetime(2026, 3, 1, tzinfo=timezone.utc).timestamp()
    assert usage(account, march + 743 * HOUR) == pytest.approx(743 * 3.39, abs=0.005)


def test_load_balancers_volumes_and_databases_are_billed(account):
    account("POST", "/v2/load_balancers", MADE, **BALANCER, size_unit=2)
    balancer = 100 * 24 / 672
    assert usage(account, LATER) == pytest.approx(balancer, abs=0.005)
    account("POST", "/v2/volumes", MADE, name="disk", region="nyc3", size_gigabytes=500)
    volume = 100 * 50 / 672
    assert usage(account, LATER) == pytest.approx(balancer + volume, abs=0.005)
    account("POST", "/v2/databases", MADE, **{**DATABASE, "size": "db-s-1vcpu-2gb"})
    assert usage(account, LATER) > balancer + volume + 1


def test_what_is_gone_owes_nothing(account):
    account("POST", "/v2/volumes", MADE, name="disk", region="nyc3", size_gigabytes=500)
    (volume,) = account("GET", "/v2/volumes", LATER)["volumes"]
    account("DELETE", f"/v2/volumes/{volume['id']}", LATER)
    assert usage(account, LATER) == 0

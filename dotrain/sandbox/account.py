"""The account: who it is, what it owes, where and of what it can make things."""

from __future__ import annotations

from dotrain.sandbox import billing, catalog
from dotrain.sandbox.answers import Answer, Call, paged
from dotrain.sandbox.lifecycle import stamp

_ACCOUNT = {
    "droplet_limit": 600,
    "floating_ip_limit": 20,
    "reserved_ip_limit": 20,
    "volume_limit": 100,
    "email": "sandbox@example.com",
    "name": "Sandbox",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "email_verified": True,
    "status": "active",
    "status_message": "",
    "team": {"uuid": "00000000-0000-4000-8000-000000000002", "name": "Sandbox"},
}


def _get(_: Call) -> Answer:
    return Answer(200, {"account": _ACCOUNT})


def _balance(call: Call) -> Answer:
    used = billing.month_to_date(call)
    balance = {
        "month_to_date_balance": f"{used:.2f}",
        "account_balance": "0.00",
        "month_to_date_usage": f"{used:.2f}",
        "generated_at": stamp(call.now),
    }
    return Answer(200, balance)


def _regions(call: Call) -> Answer:
    return paged(call, "regions", [catalog.region(slug) for slug in catalog.REGIONS])


def _sizes(call: Call) -> Answer:
    return paged(call, "sizes", catalog.sizes())


ROUTES = [
    ("GET", "/v2/account", _get),
    ("GET", "/v2/customers/my/balance", _balance),
    ("GET", "/v2/regions", _regions),
    ("GET", "/v2/sizes", _sizes),
]

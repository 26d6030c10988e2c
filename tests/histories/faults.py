"""What a history has go wrong: the next call meets it, once or for as long as it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

_ID = "[^/]+"
_CLUSTERS = "/v2/kubernetes/clusters"
ENDPOINTS = {
    "make cluster": ("POST", _CLUSTERS),
    "see clusters": ("GET", _CLUSTERS),
    "see cluster": ("GET", f"{_CLUSTERS}/{_ID}"),
    "change cluster": ("PUT", f"{_CLUSTERS}/{_ID}"),
    "delete cluster": ("DELETE", f"{_CLUSTERS}/{_ID}/.*/dangerous"),
    "make pool": ("POST", f"{_CLUSTERS}/{_ID}/node_pools"),
    "see pool": ("GET", f"{_CLUSTERS}/{_ID}/node_pools/{_ID}"),
    "change pool": ("PUT", f"{_CLUSTERS}/{_ID}/node_pools/{_ID}"),
    "delete pool": ("DELETE", f"{_CLUSTERS}/{_ID}/node_pools/{_ID}"),
    "make firewall": ("POST", "/v2/firewalls"),
    "see firewalls": ("GET", "/v2/firewalls"),
    "see firewall": ("GET", f"/v2/firewalls/{_ID}"),
    "change firewall": ("PUT", f"/v2/firewalls/{_ID}"),
    "delete firewall": ("DELETE", f"/v2/firewalls/{_ID}"),
    "make VPC": ("POST", "/v2/vpcs"),
    "delete VPC": ("DELETE", f"/v2/vpcs/{_ID}"),
    "make tag": ("POST", "/v2/tags"),
    "delete tag": ("DELETE", f"/v2/tags/{_ID}"),
    "make database": ("POST", "/v2/databases"),
    "see database": ("GET", f"/v2/databases/{_ID}"),
    "change trusted sources": ("PUT", f"/v2/databases/{_ID}/firewall"),
    "delete database": ("DELETE", f"/v2/databases/{_ID}"),
    "see prices": ("GET", "/v2/sizes"),
    "see volumes": ("GET", "/v2/volumes"),
    "credentials": ("GET", f"{_CLUSTERS}/{_ID}/credentials"),
}
KINDS: dict[str, dict[str, Any]] = {
    "401": {"status": 401, "id": "Unauthorized", "message": "Unable to authenticate you"},
    "403": {"status": 403, "id": "Forbidden", "message": "You are missing the required scope"},
    "409": {"status": 409, "id": "conflict", "message": "Something else is going on."},
    "422": {"status": 422, "id": "unprocessable_entity", "message": "droplet limit reached"},
    "429": {"status": 429, "id": "too_many_requests", "message": "Rate limit.", "retry_after": "0"},
    "500 before": {"status": 500, "id": "server_error", "message": "Unexpected error"},
    "500 after": {"status": 500, "id": "server_error", "message": "Oops", "applied": True},
    "503": {"status": 503, "id": "service_unavailable", "message": "Down"},
    "reset before": {"ending": "reset"},
    "reset after": {"ending": "reset", "applied": True},
    "cut short": {"ending": "cut"},
    "never ready": {"replaced": {"node_pool.nodes.*.status.state": "provisioning"}},
    "silence before": {"ending": "silence"},
    "silence after": {"ending": "silence", "applied": True},
}
OFTEN = {"once": 1, "always": 1000}


@dataclass(frozen=True)
class Fault:
    """What goes wrong: which requests meet it, how many go well first, and how many do not.

    Parameters
    ----------
    at : str
        One of `ENDPOINTS`.
    kind : str
        One of `KINDS`.
    skip : int
        How many such requests go well first.
    lasting : str
        One of `OFTEN`.
    """

    at: str
    kind: str
    skip: int = 0
    lasting: str = "once"

    @property
    def takes_long(self) -> bool:
        """Whether it takes minutes to find that something is wrong."""
        return self.kind in ("never ready", "silence before", "silence after")

    def told(self) -> dict[str, Any]:
        """Return it as the sandbox is told."""
        method, path = ENDPOINTS[self.at]
        often = {"skip": self.skip, "times": OFTEN[self.lasting]}
        return {"method": method, "path": path, **often, **KINDS[self.kind]}


def _faults(*endpoints: str) -> st.SearchStrategy[Fault]:
    """Draw what goes wrong at one of some endpoints."""
    return st.builds(
        Fault,
        st.sampled_from(endpoints),
        st.sampled_from(sorted(KINDS)),
        st.integers(0, 1),
        st.sampled_from(["once", "always"]),
    )


def unsafe(*endpoints: str) -> st.SearchStrategy[Fault | None]:
    """Draw what goes wrong at one of some endpoints; nothing, more often than not."""
    return st.none() | st.none() | _faults(*endpoints)

"""Why a Kubernetes API does not answer: the machine has moved, or something else is wrong."""

from __future__ import annotations

import pytest

from dotrain import reachability
from dotrain.errors import AddressMoved, KubernetesUnreachable

HERE = ("203.0.113.7/32",)


def a_cluster(*allowed: str, enabled: bool = True, state: str = "running") -> dict:
    return {
        "id": "c-1",
        "name": "bert",
        "endpoint": "https://c-1.k8s.ondigitalocean.com",
        "status": {"state": state},
        "control_plane_firewall": {"enabled": enabled, "allowed_addresses": list(allowed)},
    }


@pytest.mark.parametrize("allowed", [("198.51.100.4/32",), ("198.51.100.4", "203.0.113.8")])
def test_it_says_that_this_machine_has_moved_and_offers_allow_me(allowed) -> None:
    error = reachability.why(a_cluster(*allowed), HERE, "ConnectTimeout")
    assert isinstance(error, AddressMoved)
    assert "203.0.113.7" in error.why
    assert "198.51.100.4" in error.why
    assert "allow_me()" in error.fix


@pytest.mark.parametrize(
    ("cluster", "here"),
    [
        (a_cluster("203.0.113.0/24"), HERE),
        (a_cluster("198.51.100.4", enabled=False), HERE),
        (a_cluster("198.51.100.4"), ()),
        (a_cluster("203.0.113.7"), (*HERE, "2001:db8::7/128")),
    ],
    ids=["let in", "no firewall", "nobody knows where this is", "IPv6 does not count"],
)
def test_otherwise_it_does_not_claim_that(cluster, here) -> None:
    error = reachability.why(cluster, here, "ConnectError refused")
    assert type(error) is KubernetesUnreachable
    assert "ConnectError refused" in error.why


def test_a_cluster_that_is_not_running_is_said_to_be_so() -> None:
    error = reachability.why(a_cluster("203.0.113.7", state="upgrading"), HERE, "x")
    assert "upgrading" in error.why
    assert "Wait" in error.fix

"""What a change of grants leaves: somebody who can use the cluster, and whoever makes it."""

from __future__ import annotations

import pytest

from dotrain import changes, rules, settle
from dotrain.errors import InvalidAddress, LockedOut
from dotrain.grants import Grant
from dotrain.settle import Access
from dotrain.spec import ClusterSpec, Resolved

HERE = "203.0.113.7/32"
RESOLVED = Resolved("1.34", {"ada": (HERE,)})
# This machine is in it.
OFFICE = "203.0.113.0/24"


def revoking_me(*others: Grant) -> Access:
    """Return who could enter and who will when ``"me"`` is revoked beside `others`."""
    before = ClusterSpec("bert", allow=(Grant("me"), *others))
    after = changes.revoked(before, "me", None, None)
    old, new = (tuple(rules.desired(one, RESOLVED)) for one in (before, after))
    settle.check(after, new)
    return Access(old, new)


def refuse(change: Access) -> None:
    settle.refuse_lockout(None, change, here=(HERE,))  # type: ignore[arg-type]


def test_the_nodes_are_no_way_to_the_api_whatever_network_is_let_in_there() -> None:
    change = revoking_me(Grant(OFFICE, ("https",)), Grant("198.51.100.0/24", ("api",)))
    with pytest.raises(LockedOut, match="force=True"):
        refuse(change)


def test_whom_another_grant_lets_into_the_api_is_not_locked_out() -> None:
    refuse(revoking_me(Grant(OFFICE, ("api",))))
    refuse(revoking_me(Grant(HERE, ("api",))))


def test_a_cluster_that_nobody_could_use_is_refused_with_or_without_force() -> None:
    with pytest.raises(InvalidAddress, match="Nobody could reach the Kubernetes API"):
        revoking_me(Grant(OFFICE, ("https",)))
    with pytest.raises(InvalidAddress, match="Nobody could reach the Kubernetes API"):
        revoking_me(Grant("2001:db8::/32"))

"""The tabs of a panel on the real engine: what their buttons do, without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import dotrain
from dotrain import looking, target
from dotrain.engine.workspace import backend
from dotrain.snapshot import Snapshot
from dotrain.widgets.access.tab import AccessTab
from dotrain.widgets.nodes.tab import NodesTab
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(40)

OFFICE = "198.51.100.0/24"
HOME, CAFE = "203.0.113.7", "198.51.100.4"
SMALL, MIDDLE, LARGE = "s-2vcpu-2gb", "s-2vcpu-4gb", "s-4vcpu-8gb"
MORE = dotrain.Pool("more", size=MIDDLE, count=1)
PAST = "2020-01-01T00:00:00Z"
LONG = 120


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("tabbed", pools=[dotrain.Pool(size=SMALL, count=1), MORE])


@pytest.fixture
def nodes(cluster: dotrain.Cluster) -> NodesTab:
    made = NodesTab(cluster)
    made.opened()
    assert made.join(LONG)
    made.show(look())
    return made


@pytest.fixture
def access(cluster: dotrain.Cluster) -> AccessTab:
    made = AccessTab(cluster)
    made.show(look())
    return made


def look() -> Snapshot:
    account = target.current()
    return looking.take(account, "tabbed", looking.known_prices(account))


def pressed(made: NodesTab | AccessTab, click: Callable[[], None]) -> str:
    """Click, wait until that is done, and show how the cluster is then; return what is said."""
    click()
    assert made.join(LONG)
    made.show(look())
    said = [made.said]
    if isinstance(made, AccessTab):
        said += [made.told, made.adding.said]
    return "".join(one.text for one in said)


def pools(sandbox: Sandbox) -> dict[str, int]:
    (made,) = sandbox.objects("clusters")
    return {
        pool["size"]: pool["count"]
        for pool in made["node_pools"][1:]
        if all(node["status"]["state"] != "deleting" for node in pool["nodes"])
    }


def entering(sandbox: Sandbox) -> dict[str, str]:
    """Return who may enter the nodes, by the port."""
    (one,) = [one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-tabbed"]
    return {
        rule["ports"]: " ".join(sorted(rule["sources"]["addresses"]))
        for rule in one["inbound_rules"]
    }


def row(made: AccessTab, label: str) -> Any:
    return next(one for grant, one in made.grants.by_grant.items() if grant.label == label)


def test_count_and_size_are_changed_from_the_tab(
    nodes: NodesTab, cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    nodes.fields.slider.value = 2
    assert "a month" in nodes.says.value
    assert sandbox.requests(before) == []
    assert "Done" in pressed(nodes, nodes.apply.click)
    assert pools(sandbox) == {SMALL: 2, MIDDLE: 1}
    nodes.fields.size.value = LARGE
    assert "The cluster stays" in nodes.says.value
    (kept,) = sandbox.objects("clusters")
    assert "Done" in pressed(nodes, nodes.apply.click)
    assert pools(sandbox) == {LARGE: 2, MIDDLE: 1}
    assert sandbox.objects("clusters")[0]["id"] == kept["id"]
    assert (nodes.fields.count.value, nodes.fields.chooser.value) == (2, LARGE)
    assert nodes.apply.widget.disabled
    assert cluster.spec.pools == (dotrain.Pool(size=LARGE, count=2), MORE)


def test_a_pool_goes_when_the_name_is_typed(
    nodes: NodesTab, cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    nodes.fields.pool.value = "more"
    assert "destroys the pool more" in nodes.more.removal
    nodes.more.confirm.value = "tabbed"
    assert "no pool more" in pressed(nodes, nodes.remove.click)
    assert pools(sandbox) == {LARGE: 2}
    assert cluster.operation is not None
    assert cluster.operation.title == "up tabbed"


def test_somebody_is_let_in_for_a_while_and_revoked(access: AccessTab, sandbox: Sandbox) -> None:
    adding = access.adding
    adding.source.value, adding.to.value = OFFICE, ("https", "api")
    adding.label.value, adding.expires.value = "office", "8h"
    assert (
        f"{OFFICE} may reach the nodes on tcp 443 and the Kubernetes API for" in adding.opens.value
    )
    assert "let in" in pressed(access, adding.add.click)
    assert entering(sandbox)["443"] == OFFICE
    assert "in 7 h" in row(access, "office").about.value
    row(access, "office").expires.value = "2d"
    pressed(access, row(access, "office").set_end.click)
    assert "in 1 d 23 h" in row(access, "office").about.value
    assert entering(sandbox)["443"] == OFFICE
    # Nobody but the office would be left.
    before = sandbox.last_request()
    assert "force=True" in pressed(access, row(access, "").revoke.click)
    assert sandbox.changes(before) == []
    assert access.forcing.widget.layout.display is None
    # As somebody clicks who has seen where it is.
    row(access, "office").placed = float("-inf")
    assert "not let in any more" in pressed(access, row(access, "office").revoke.click)
    assert "443" not in entering(sandbox)
    assert [one.source for one in access.grants.by_grant] == ["me"]


def test_what_others_changed_and_what_has_expired_is_counted_audited_and_mended(
    access: AccessTab, cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    cluster.allow("203.0.113.0/24", to="https", label="brief", expires="1h")
    ends = next(one.expires for one in cluster.spec.allow if one.label == "brief")
    state = backend(target.current()).checkpoint("tabbed")
    state.write_text(state.read_text().replace(ends, PAST))
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-tabbed")
    opened = {"protocol": "tcp", "ports": "8888", "sources": {"addresses": ["0.0.0.0/0"]}}
    changed = {key: firewall[key] for key in ("name", "tags", "outbound_rules")}
    inbound = [*firewall["inbound_rules"], opened]
    sandbox.call("PUT", f"/v2/firewalls/{firewall['id']}", inbound_rules=inbound, **changed)
    access.show(look())
    assert "over" in row(access, "brief").about.value
    said = "2 rules differ from what should be: 1 extra, 1 expired."
    assert said in access.drift.value
    assert said in access.html()
    pressed(access, access.audited.again.click)
    assert "worst CRITICAL" in access.audited.badge.value
    assert "Mended" in pressed(access, access.mend.click)
    assert access.drifted.layout.display == "none"
    assert entering(sandbox) == {"22": f"{HOME}/32"}
    pressed(access, access.audited.again.click)
    assert "passed" in access.audited.badge.value


def test_an_address_that_moved_is_let_in_with_one_click(
    access: AccessTab, sandbox: Sandbox
) -> None:
    dotrain.use_sandbox(address=CAFE)
    try:
        access.here.widget.set_trait("_view_count", 1)
        access.here.opened()
        deadline = time.monotonic() + LONG
        while access.allow_me.widget.disabled:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert f"Your address is now {CAFE}; the rules let {HOME} in." in access.here.notice.value
        said = pressed(access, access.allow_me.click)
        assert said == f"{CAFE} is let in; {HOME} is not any more."
        assert entering(sandbox)["22"] == f"{CAFE}/32"
        assert access.allow_me.widget.disabled
    finally:
        access.here.stop()
        dotrain.use_sandbox()

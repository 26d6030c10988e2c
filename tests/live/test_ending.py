"""Clusters are taken down by widgets, with proof; the list of them says what belongs to nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

import dotrain
from dotrain import errors, looking, target
from dotrain.widgets.ending.tab import TeardownTab
from dotrain.widgets.listing import reading as listing
from dotrain.widgets.listing import rows as listed
from dotrain.widgets.listing.removal import Removal
from tests.live import labelled
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(20)

POOL = dotrain.Pool(size="s-2vcpu-4gb", count=1)
SECONDS = 60.0


def until(holds: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def confirm(tab: TeardownTab, typed: str) -> None:
    """Type a name and click, as a user does."""
    tab.confirm.control.value = typed
    assert tab.join(SECONDS)
    tab.delete.widget.click()


def look(name: str) -> looking.Snapshot:
    return looking.take(target.current(), name, {})


def test_a_cluster_goes_by_its_typed_name_with_proof_and_any_panel_knows(sandbox: Sandbox) -> None:
    cluster = dotrain.up("bert", pool=POOL)
    labelled.storage(sandbox, "pvc-1", f"k8s:{cluster.outputs['k8s_cluster_id']}")
    tab = TeardownTab(cluster)
    tab.show(look("bert"))
    tab.opened()
    assert tab.join(SECONDS)
    said = tab.html()
    for what in ("cluster</td><td>bert", "1 x s-2vcpu-4gb", "volume pvc-1", "is lost", "$0.0"):
        assert what in said, what

    before = sandbox.last_request()
    confirm(tab, "bart")
    assert tab.join(SECONDS)
    assert sandbox.changes(before) == []
    with pytest.raises(errors.ConfirmationRequired):
        cluster.down(confirm="bart")

    confirm(tab, "bert")
    until(lambda: "delete" in tab.progress.html())
    # Another panel sees it go.
    other = TeardownTab(cluster)
    other.show(look("bert"))
    assert "being taken down" in other.text()
    assert tab.join(SECONDS)
    assert sandbox.objects("clusters") == []
    assert labelled.left_of(sandbox, "bert") == []
    proof = [line for line in tab.text().splitlines() if "found, " in line]
    assert "  cluster: 1 found, 0 left" in proof
    assert "  volume: 1 found, 0 left" in proof
    assert "Nothing is left." in tab.html()
    assert "Nothing else in the account is billed" in tab.html()
    # So do the other one, and one that is made after a restart of the kernel.
    restarted = TeardownTab(dotrain.Cluster("bert", target.current()))
    for one in (other, restarted):
        one.show(look("bert"))
        assert [line for line in one.text().splitlines() if "found, " in line] == proof


def test_what_could_not_go_is_shown_and_goes_with_a_retry(sandbox: Sandbox) -> None:
    old = labelled.whole(sandbox, "again")
    labelled.fail(sandbox, "DELETE", ".*/dangerous|/v2/tags/.*", 409)
    removed: list[int] = []
    again = dotrain.Cluster("again", target.current())
    removal = Removal(again, target.current(), lambda: None, lambda: removed.append(1))
    tab = removal.tab
    before = sandbox.last_request()
    confirm(tab, "again")
    until(lambda: any("/dangerous" in path for _, path in sandbox.changes(before)))
    # Somebody deletes it and makes another, so that the rest cannot be told from that one's.
    sandbox.call("DELETE", f"{labelled.CLUSTERS}/{old['id']}")
    until(lambda: sandbox.objects("clusters") == [])
    new = labelled.bare(sandbox, "again")
    assert tab.join(SECONDS)
    assert not removal.proved
    assert "There is a new cluster" in tab.html()
    assert f"<td>{new['id']}</td>" in tab.html()
    assert tab.delete.widget.description == "Retry"
    assert [one["id"] for one in sandbox.objects("clusters")] == [new["id"]]

    # Nor does that one go where the old one is meant.
    before = sandbox.last_request()
    with pytest.raises(errors.ClusterReplaced, match="not the one that was meant"):
        again.down(confirm="again", only_id=old["id"])
    assert sandbox.changes(before) == []

    labelled.fail(sandbox)
    confirm(tab, "again")
    assert tab.join(SECONDS)
    assert removal.proved
    assert removed == [1]
    assert "cluster: 1 found, 0 left" in removal.text()
    assert labelled.left_of(sandbox, "again") == []
    removal.close()


def test_the_list_costs_as_many_requests_for_many_clusters_and_has_what_belongs_to_nothing(
    sandbox: Sandbox,
) -> None:
    cluster = labelled.whole(sandbox, "leaky")
    labelled.balancer(sandbox, cluster["vpc_uuid"])
    sandbox.call("DELETE", f"{labelled.CLUSTERS}/{cluster['id']}")
    until(lambda: sandbox.objects("clusters") == [])
    found = listing.look(target.current())
    assert found.rows == ()
    assert [(one.name, one.cluster) for one in found.leaks or ()] == [("k8s-service", "leaky")]

    for number in range(8):
        labelled.bare(sandbox, f"many{number}", "dotrain-max-age:2h", "dotrain-idle:1h")
    before = sandbox.last_request()
    shown = dotrain.clusters()
    assert list(shown.name) == [f"many{number}" for number in range(8)]
    many = listing.look(target.current())
    assert [row.name for row in many.rows] == list(shown.name)
    assert all(row.hourly and row.end for row in many.rows)
    # One for the frame, and one for each of eight lists.
    assert len(sandbox.requests(before)) == 9

    # Of these none has a Kubernetes API, and that is no idleness.
    asked = dict(listing.idle(target.current(), many.rows))
    known = many.with_idle({row.key: idle for row, idle in asked.items()})
    assert {listed.idle(known, row) for row in many.rows} == {"unreachable"}
    (reason,) = listed.advice(known, many.rows)
    assert "many0, many1" in reason
    assert "has no Kubernetes API" in reason

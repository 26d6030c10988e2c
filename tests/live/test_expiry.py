"""What has expired ends with the next call, whatever that is; what only reports, reports it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import cli, target
from dotrain.engine.workspace import backend
from tests.live import labelled
from tests.live.conftest import Sandbox, locked

pytestmark = pytest.mark.long(90)

OFFICE = "203.0.113.0/24"
PAST = "2020-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def made(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("brief")


@pytest.fixture
def cluster(made: dotrain.Cluster, sandbox: Sandbox) -> dotrain.Cluster:
    """The cluster, with a grant to the office that has just expired and is in force."""
    dotrain.use_sandbox()
    if not office_enters(sandbox):
        expired(made, OFFICE, to="https", label="office")
    return made


def expired(cluster: dotrain.Cluster, source: str, *, to: str, label: str) -> None:
    """Grant something for an hour, and let that hour have passed."""
    frame = cluster.allow(source, to=to, label=label, expires="1h")
    ends = frame[frame.label == label].expires.iloc[0]
    state = backend(target.current()).checkpoint(cluster.name)
    state.write_text(state.read_text().replace(ends, PAST))


def office_enters(sandbox: Sandbox) -> bool:
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-brief")
    return OFFICE in str(firewall["inbound_rules"])


CALLS: dict[str, Callable[[dotrain.Cluster], object]] = {
    "get": lambda _: dotrain.get("brief"),
    "rules": lambda cluster: cluster.rules(),
    "exposure": lambda cluster: cluster.exposure(),
    "kubeconfig": lambda cluster: cluster.kubeconfig(),
    "the same label again": lambda cluster: [
        cluster.allow("192.0.2.9", to="https", label="office"),
        cluster.revoke("192.0.2.9", label="office"),
    ],
    "up": lambda _: dotrain.up("brief", allow="me"),
}


@pytest.mark.parametrize("call", CALLS)
def test_it_ends_with_the_next_call(cluster: dotrain.Cluster, sandbox: Sandbox, call: str) -> None:
    assert office_enters(sandbox)
    CALLS[call](cluster)
    assert not office_enters(sandbox)
    assert OFFICE not in {grant.source for grant in cluster.spec.allow}


def test_what_only_looks_reports_it_and_changes_nothing(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    assert OFFICE in repr(cluster)
    assert [grant.label for grant in cluster.spec.allow] == ["", "office"]
    assert [rule.peer for rule in cluster.plan().loses] == [OFFICE]
    assert "DOT-004" in set(cluster.audit().frame.id)
    said = CliRunner().invoke(cli.main, ["audit", "brief"])
    assert "DOT-004" in said.output
    assert sandbox.changes(before) == []


def test_it_is_left_to_an_operation_that_has_the_stack(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    with locked("brief"):
        rules = cluster.rules()
    assert set(rules[rules.label == "office"].drift) == {"expired"}
    assert office_enters(sandbox)


def test_a_question_is_answered_also_when_it_cannot_be_ended(
    cluster: dotrain.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_PULUMI", "/no/such/pulumi")
    with pytest.warns(UserWarning, match="What has expired on 'brief' is still in force"):
        rules = cluster.rules()
    assert set(rules[rules.label == "office"].drift) == {"expired"}


def test_what_could_not_be_ended_ends_with_the_next_call_that_can(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    labelled.fail(sandbox, "PUT", "/v2/firewalls/.*", 401)
    with pytest.warns(UserWarning, match="What has expired on 'brief' is still in force"):
        rules = cluster.rules()
    assert set(rules[rules.label == "office"].drift) == {"expired"}
    assert office_enters(sandbox)
    labelled.fail(sandbox)
    cluster.rules()
    assert not office_enters(sandbox)


def test_a_sweep_ends_it_and_changes_nothing_else(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    dotrain.use_sandbox(address="192.0.2.200")
    (row,) = dotrain.sweep(dry_run=True).itertuples()
    assert (row.action, row.outcome) == ("revoke", "would be done")
    assert office_enters(sandbox)
    (row,) = dotrain.sweep().itertuples()
    assert (row.cluster, row.outcome, "office" in row.why) == ("brief", "done", True)
    assert not office_enters(sandbox)
    before = sandbox.last_request()
    assert len(dotrain.sweep()) == 0
    # A page of tags, and one of clusters.
    assert [one["method"] for one in sandbox.requests(before)] == ["GET", "GET"]


def test_where_nothing_has_expired_no_engine_is_needed(
    cluster: dotrain.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotrain.sweep()
    monkeypatch.setenv("DOTRAIN_PULUMI", "/no/such/pulumi")
    assert dotrain.sweep().empty
    assert list(dotrain.clusters().name) == ["brief"]
    assert len(dotrain.get("brief").drift()) == 0


def test_a_sweep_passes_over_a_cluster_in_trouble_and_says_so_at_the_end(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    broken = backend(target.current()).checkpoint("a-first-one")
    broken.write_text("{")
    try:
        with pytest.raises(dotrain.errors.SweepIncomplete, match="a-first-one") as caught:
            dotrain.sweep()
    finally:
        broken.unlink()
    assert isinstance(caught.value.__cause__, dotrain.errors.StateCorrupt)
    assert list(caught.value.frame.outcome) == ["done"]
    assert not office_enters(sandbox)


def test_a_watch_does_not_prolong_what_has_expired(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    dotrain.up("brief", allow="198.51.100.9", force=True)
    expired(cluster, "me", to="ssh", label="for an hour")
    watch = cluster.watch_me(every=0.05)
    try:
        while len(cluster.spec.allow) > 1:
            assert watch.error is None
            watch._thread.join(0.05)
        watch._thread.join(0.3)
    finally:
        watch.stop()
    assert watch.moves == []
    assert [grant.source for grant in cluster.spec.allow] == ["198.51.100.9/32"]

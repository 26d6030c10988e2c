"""A cluster's time as its owner sees it: set, shown, warned of, extended, over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import cli, errors, operations, target
from dotrain.facade import Cluster
from dotrain.spec import ClusterSpec
from tests.live import labelled
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(30)


@pytest.fixture(scope="module")
def cluster(sandbox: Sandbox) -> Cluster:
    return dotrain.up("bert", max_age="12h", idle="1h")


def limits(sandbox: Sandbox) -> set[str]:
    (one,) = [one for one in sandbox.objects("clusters") if one["name"] == "bert"]
    return {tag for tag in one["tags"] if tag.startswith("dotrain-")}


def test_the_account_knows_it_and_the_cluster_shows_it(cluster: Cluster, sandbox: Sandbox) -> None:
    assert limits(sandbox) == {"dotrain-max-age:12h", "dotrain-idle:1h"}
    assert "ends in 11 h 5" in repr(cluster)
    assert "for 1h at most" in repr(cluster)


def test_extending_arrives_in_the_account_the_state_and_the_sweep(
    cluster: Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    assert cluster.extend("2h") is cluster
    assert [method for method, _ in sandbox.changes(before)] == ["PUT"]
    assert limits(sandbox) == {"dotrain-max-age:14h", "dotrain-idle:1h"}
    assert dotrain.get("bert").spec.max_age == "14h"
    frame = dotrain.sweep(dry_run=True)
    assert "ends in 13 h" in frame[frame.ends.notna()].why.iloc[0]
    with pytest.raises(errors.SpecError, match="span of time"):
        dotrain.up("bert", max_age="soon")
    said = CliRunner().invoke(cli.main, ["extend", "bert", "later"])
    assert (said.exit_code, "SpecError" in said.output) == (1, True)
    # Taken back, it is gone from the account.
    dotrain.up("bert", idle="none")
    assert limits(sandbox) == {"dotrain-max-age:14h"}


def test_the_end_is_warned_of_and_an_operation_is_left_to_end_first(
    cluster: Cluster, sandbox: Sandbox
) -> None:
    # As if those hours were over.
    labelled.retag(sandbox, "bert", "dotrain-max-age:1s")
    with pytest.warns(errors.EndsSoon, match=r"should have ended .*extend\('2h'\)"):
        dotrain.get("bert")
    sandbox.call("POST", "/__sandbox__/settings", delay=1)
    dotrain.up("bert", pool=dotrain.Pool(count=2), wait=False)
    (row,) = dotrain.sweep().itertuples()
    assert (row.action, row.outcome) == ("down", "left: up bert is running")
    operation = operations.running(cluster._target, "bert")
    if operation is not None:
        operation.follow()
    sandbox.call("POST", "/__sandbox__/settings", delay=0.1)
    (row,) = dotrain.sweep().itertuples()
    assert (row.action, row.outcome) == ("down", "done")
    assert labelled.left_of(sandbox, "bert") == []
    with pytest.raises(errors.ClusterNotFound):
        cluster.extend("2h")


def test_a_with_block_ends_its_cluster_whatever_ends_the_block(sandbox: Sandbox) -> None:
    def block() -> None:
        with dotrain.cluster("brief", max_age="2h") as made:
            assert made.spec.max_age == "2h"
            with pytest.raises(errors.NameInUse, match="delete it"), dotrain.cluster("brief"):
                pytest.fail("somebody else's cluster was taken")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block()
    assert labelled.left_of(sandbox, "brief") == []


def test_a_with_block_touches_nothing_that_it_has_not_made(sandbox: Sandbox) -> None:
    body = {"engine": "pg", "size": "db-s-1vcpu-1gb", "num_nodes": 1, "region": "nyc3"}
    tags = ["dotrain", "dotrain:before"]
    sandbox.call("POST", "/v2/databases", name="before", version="17", tags=tags, **body)
    before = sandbox.last_request()
    with pytest.raises(errors.NameInUse, match="the database before"), dotrain.cluster("before"):
        pytest.fail("a cluster was made")
    pool = dotrain.Pool(size="no-such-size")
    with pytest.raises(errors.UnknownSize), dotrain.cluster("never", pool=pool):
        pytest.fail("a cluster was made")
    assert sandbox.changes(before) == []


def test_when_block_and_teardown_fail_neither_is_lost(sandbox: Sandbox) -> None:
    def block() -> None:
        with dotrain.cluster("torn"):
            labelled.fail(sandbox, "GET", "/v2/snapshots", 401)
            raise ZeroDivisionError

    try:
        with pytest.raises(errors.TeardownFailed, match="ended with ZeroDivisionError") as caught:
            block()
    finally:
        labelled.fail(sandbox)
    assert isinstance(caught.value.block, ZeroDivisionError)
    assert isinstance(caught.value.__cause__, errors.TokenRejected)
    dotrain.down("torn", confirm="torn")


def test_a_change_that_waited_for_a_teardown_makes_no_other_cluster(sandbox: Sandbox) -> None:
    before = sandbox.last_request()
    spec = ClusterSpec("gone", max_age="1h")
    with pytest.raises(errors.ClusterNotFound, match="taken it down"):
        operations.apply(
            target.current(),
            replace(spec, max_age="3h"),
            before=spec,
            title="extend gone",
            find_me=False,
        )
    assert sandbox.changes(before) == []

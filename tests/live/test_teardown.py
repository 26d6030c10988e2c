"""A teardown takes everything, by label alone, and says what it could not take and why."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import belongings, cli, errors, target, teardown
from dotrain.api import Api
from dotrain.belongings import Search
from dotrain.engine.progress import Progress
from dotrain.turn import Turn
from tests.live import labelled
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(10)


@pytest.fixture(autouse=True)
def healthy(sandbox: Sandbox) -> Iterator[None]:
    dotrain.use_sandbox()
    yield
    labelled.fail(sandbox)


def in_process(name: str) -> list[teardown.Gone]:
    return teardown.down(Turn(target.current(), name, Progress(f"down {name}"), "test"))


def test_one_of_the_same_name_that_is_made_meanwhile_is_left_alone(sandbox: Sandbox) -> None:
    old = labelled.bare(sandbox, "again")
    search = Search(Api(target.current()), "again")
    assert [one.id for one in search.find() if one.kind == "cluster"] == [old["id"]]
    sandbox.call("DELETE", f"{labelled.CLUSTERS}/{old['id']}")
    new = labelled.bare(sandbox, "again")
    before = sandbox.last_request()
    removal = teardown._Removal(search, Progress("down again"))
    with pytest.raises(errors.TeardownIncomplete, match="a new cluster 'again'") as caught:
        removal.finish(belongings.KINDS)
    search.api.close()
    assert sandbox.changes(before) == []
    assert list(caught.value.left["id"]) == [new["id"]]
    dotrain.down("again", confirm="again")


def test_what_no_state_knows_goes_and_a_second_time_there_is_nothing(sandbox: Sandbox) -> None:
    cluster = labelled.whole(sandbox, "lost", "dotrain-max-age:12h")
    other = labelled.whole(sandbox, "other", "dotrain-max-age:1d")
    labelled.balancer(sandbox, cluster["vpc_uuid"])
    labelled.storage(sandbox, "pvc-1", f"k8s:{cluster['id']}")
    # Of no cluster at all.
    labelled.storage(sandbox, "mine", "keep")
    proof = dotrain.down("lost", confirm="lost").set_index("kind")
    found = {kind: count for kind, count in proof.found.items() if count}
    assert found == {
        "cluster": 1,
        "Droplet": 2,
        "load balancer": 1,
        "volume snapshot": 1,
        "volume": 1,
        "firewall": 1,
        "VPC": 1,
        "tag": 1,
    }
    assert (proof.left == 0).all()
    assert labelled.left_of(sandbox, "lost") == []
    assert [one["name"] for one in sandbox.objects("volumes")] == ["mine"]
    assert [one["name"] for one in sandbox.objects("snapshots")] == ["mine-copy"]
    assert [one["id"] for one in sandbox.objects("clusters")] == [other["id"]]
    tags = {one["name"] for one in sandbox.objects("tags")}
    assert {"dotrain", "dotrain-max-age:1d"} <= tags
    assert "dotrain-max-age:12h" not in tags
    with pytest.raises(errors.ClusterNotFound):
        dotrain.down("lost", confirm="lost")


def test_what_was_half_made_goes_and_two_at_once_get_along(sandbox: Sandbox) -> None:
    labelled.balancer(sandbox, labelled.guard(sandbox, "half"))
    ended: list[object] = []

    def down() -> None:
        try:
            ended.append(int(dotrain.down("half", confirm="half").left.sum()))
        except errors.ClusterNotFound:
            # The other one was done before this one's turn came.
            ended.append(None)

    threads = [threading.Thread(target=down) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ended, key=str) in ([0, 0], [0, None])
    assert labelled.left_of(sandbox, "half") == []


def test_what_refuses_is_named_with_its_reason_and_keeps_nothing_else(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teardown, "_PATIENCE", 1.0)
    cluster = labelled.whole(sandbox, "stuck")
    labelled.storage(sandbox, "held", f"k8s:{cluster['id']}")
    labelled.fail(sandbox, "DELETE", ".*/dangerous", 422)
    with pytest.raises(errors.TeardownIncomplete) as caught:
        in_process("stuck")
    left = caught.value.left
    assert left is not None
    why = dict(zip(left.kind, left.why, strict=True))
    assert set(why) == {"cluster", "Droplet"}
    assert "422" in why["cluster"]
    assert "422" in str(caught.value)

    # Deleted beside dotrain: the cluster goes, and what it made stays.
    labelled.fail(sandbox, "DELETE", ".*/dangerous|/v2/volumes/.*")
    sandbox.call("DELETE", f"{labelled.CLUSTERS}/{cluster['id']}")
    with pytest.raises(errors.TeardownIncomplete) as caught:
        in_process("stuck")
    assert list(caught.value.left.kind) == ["volume", "tag"]
    # The cluster and its id are gone, and the next one finds the volume all the same.
    labelled.fail(sandbox)
    assert {one.kind: one.found for one in in_process("stuck") if one.found} == {
        "volume": 1,
        "tag": 1,
    }
    assert "held" not in {one["name"] for one in sandbox.objects("volumes")}


def test_a_token_that_is_refused_ends_it_at_once(sandbox: Sandbox) -> None:
    labelled.guard(sandbox, "refused")
    labelled.fail(sandbox, "DELETE", "/v2/firewalls/.*", 401)
    with pytest.raises(errors.TokenRejected):
        in_process("refused")
    labelled.fail(sandbox)
    in_process("refused")


def test_who_is_asked_sees_what_goes_and_what_it_costs(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = labelled.whole(sandbox, "asked")
    labelled.storage(sandbox, "pvc-asked", f"k8s:{cluster['id']}")
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    before = sandbox.last_request()
    with pytest.raises(errors.ConfirmationRequired):
        dotrain.down("asked")
    said = capsys.readouterr().out
    for what in ("cluster asked", "volume pvc-asked", "an hour", "Type its name"):
        assert what in said
    assert sandbox.changes(before) == []
    with pytest.raises(errors.ClusterNotFound):
        dotrain.down("nobody")


def test_leaks_are_what_a_cluster_left_and_fail_a_pipeline(sandbox: Sandbox) -> None:
    cluster = labelled.whole(sandbox, "leaky")
    network = cluster["vpc_uuid"]
    labelled.storage(sandbox, "pvc-leaky", f"k8s:{cluster['id']}")
    labelled.balancer(sandbox, network)
    (row,) = dotrain.leaks().query("cluster == 'leaky'").itertuples()
    assert (row.kind, row.hourly > 0) == ("cluster", True)
    sandbox.call("DELETE", f"{labelled.CLUSTERS}/{cluster['id']}")
    while any(one["id"] == cluster["id"] for one in sandbox.objects("clusters")):
        threading.Event().wait(0.02)
    before = sandbox.last_request()
    leaks = dotrain.leaks()
    # A request for each list, however much there is.
    assert len(sandbox.requests(before)) == 8
    found = dict(zip(leaks.name, leaks.cluster, strict=True))
    assert found["k8s-service"] == "leaky"
    assert {"pvc-leaky", "pvc-leaky-copy"} <= set(found)
    assert "mine" not in found
    said = CliRunner().invoke(cli.main, ["leaks"])
    assert (said.exit_code, "pvc-leaky" in said.output) == (1, True)
    dotrain.down("leaky", confirm="leaky")
    assert "k8s-service" not in set(dotrain.leaks().name)

"""A sweep of the account acts on what is due, by label alone, and on nothing else."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import cli, ledger, operations, pausing, stack, sweeping, target, verdicts
from dotrain.api import Api
from dotrain.errors import ConfigError, EngineError, SweepIncomplete
from dotrain.probes import Judge
from dotrain.sandbox.store import Store
from tests.live import labelled
from tests.live.conftest import GOING_REAL, Sandbox, needed_scopes

pytestmark = pytest.mark.long(30)

MANY = 200


@pytest.fixture(autouse=True)
def healthy(sandbox: Sandbox) -> Iterator[None]:
    dotrain.use_sandbox()
    yield
    labelled.fail(sandbox)


def rows(*, dry_run: bool = False) -> dict[tuple[str, str], str]:
    """Return the outcome of each row of a sweep, by cluster and action."""
    frame = dotrain.sweep(dry_run=dry_run)
    return dict(zip(zip(frame.cluster, frame.action, strict=True), frame.outcome, strict=True))


def names(sandbox: Sandbox) -> set[str]:
    return {one["name"] for one in sandbox.objects("clusters")}


def documented_scopes() -> set[str]:
    """Return the scopes that the documentation tells users to give a sweep's token."""
    section = (GOING_REAL.parents[1] / "time.md").read_text().split("Scopes of its token:")[1]
    scopes: set[str] = set()
    kind = ""
    for name in re.findall(r"`(\w*):(\w+)`", section.split("\n\n")[0]):
        kind = name[0] or kind
        scopes.add(f"{kind}:{name[1]}")
    return scopes


def test_what_is_too_old_goes_whoever_made_it_and_one_in_trouble_keeps_no_other(
    sandbox: Sandbox,
) -> None:
    stuck = labelled.bare(sandbox, "stuck", "dotrain-max-age:1s")
    labelled.whole(sandbox, "overdue", "dotrain-max-age:1s")
    labelled.bare(sandbox, "young", "dotrain-max-age:12h")
    labelled.bare(sandbox, "unlimited")
    labelled.bare(sandbox, "unsure", "dotrain-max-age:whenever")
    # A stranger, on which somebody put one of dotrain's tags.
    theirs = labelled.bare(sandbox, "theirs")
    tags = ["dotrain", "dotrain:overdue", "dotrain-max-age:1s"]
    sandbox.call("PUT", f"{labelled.CLUSTERS}/{theirs['id']}", name="theirs", tags=tags)
    time.sleep(1)
    before = sandbox.last_request()
    planned = rows(dry_run=True)
    assert planned == {
        ("overdue", "down"): "would be done",
        ("stuck", "down"): "would be done",
        ("unsure", "unknown"): "",
        ("young", "keep"): "",
    }
    assert sandbox.changes(before) == []

    labelled.fail(sandbox, "DELETE", f".*{stuck['id']}.*", HTTPStatus.UNAUTHORIZED)
    with pytest.raises(dotrain.errors.SweepIncomplete, match="refused DELETE") as caught:
        dotrain.sweep()
    done = caught.value.frame.set_index("cluster")
    assert done.outcome["overdue"] == "done"
    assert done.outcome["stuck"].startswith("failed: ")
    assert names(sandbox) == {"stuck", "young", "unlimited", "unsure", "theirs"}
    # What has no end and what cannot be known is there with its reason.
    assert done.ends["young"].tzinfo is not None
    assert "no span" in done.why["unsure"]
    labelled.fail(sandbox)
    assert needed_scopes(sandbox.requests(before)) <= documented_scopes()
    said = CliRunner().invoke(cli.main, ["sweep", "--format", "csv"])
    assert (said.exit_code, "stuck,down" in said.output) == (0, True)
    assert "stuck" not in names(sandbox)


def test_a_cluster_that_is_extended_meanwhile_lives_on(sandbox: Sandbox) -> None:
    gone = operations.down(target.current(), "young", only_if_over=True)
    assert gone.empty
    assert "young" in names(sandbox)


def test_training_nodes_go_once_and_the_cluster_stays(sandbox: Sandbox) -> None:
    cluster = labelled.bare(sandbox, "idler", "dotrain-idle:1s")
    for _ in range(2):
        pausing.pause(target.current(), cluster, patience=0)
    (now,) = [one for one in sandbox.objects("clusters") if one["name"] == "idler"]
    states = {pool["name"]: pool["nodes"][0]["status"]["state"] for pool in now["node_pools"]}
    assert states.pop("system") != "deleting"
    assert set(states.values()) <= {"deleting"}
    assert rows(dry_run=True)[("idler", "keep")] == ""


@pytest.fixture
def fresh(sandbox: Sandbox) -> Iterator[None]:
    """An account with nothing in it, before and after."""
    sandbox.call("POST", "/__sandbox__/reset")
    yield
    sandbox.call("POST", "/__sandbox__/reset")


@pytest.fixture
def dear(sandbox: Sandbox, fresh: None) -> dict[str, Any]:
    """A cluster that has spent its budget of a cent: its nodes cost 96 dollars an hour."""
    label = ["dotrain", "dotrain:dear"]
    sizes = {"system": ("s-1vcpu-2gb", 1), "train": ("gpu-h100x8-640gb", 4)}
    pools = [{"name": name, "size": size, "count": count} for name, (size, count) in sizes.items()]
    where = {"name": "dear", "region": "nyc2", "version": "1.34.1-do.0"}
    tags = [*label, "dotrain-budget:1"]
    made = sandbox.call("POST", labelled.CLUSTERS, **where, tags=tags, node_pools=pools)
    time.sleep(0.5)
    return dict(made["kubernetes_cluster"])


def test_what_is_not_due_any_more_when_its_turn_comes_is_left(
    sandbox: Sandbox, dear: dict[str, Any]
) -> None:
    account = target.current()
    now = sweeping._now()
    with closing(Api(account)) as api:
        judge = Judge.of(account, api, [dear])
        (due,) = judge.verdicts(dear, now)
        assert due.action == verdicts.PAUSE
        # Meanwhile, while other clusters are taken down, somebody gives it more.
        labelled.retag(sandbox, "dear", "dotrain-budget:1000000")
        work = sweeping._Sweep(account, now)
        work._carry_out(judge, dear, [sweeping.Row("dear", due.action, due.why)])
    (row,) = work.rows
    assert row.outcome == "left: it is not due any more: 0% of its budget is spent"
    (there,) = sandbox.objects("clusters")
    assert all(pool["nodes"][0]["status"]["state"] != "deleting" for pool in there["node_pools"])


def test_nodes_that_a_sweep_has_seen_are_remembered_when_they_are_gone(
    sandbox: Sandbox, dear: dict[str, Any]
) -> None:
    assert rows() == {("dear", "pause"): "done"}
    left = {**dear, "node_pools": dear["node_pools"][:1]}
    gone = ledger.gone(target.current(), "dear", left)
    assert [one.size for one in gone] == ["gpu-h100x8-640gb"] * 4


def test_one_odd_cluster_stops_no_other(
    sandbox: Sandbox, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled.bare(sandbox, "free", "dotrain-budget:0")
    labelled.bare(sandbox, "endless", "dotrain-max-age:999999999w")
    labelled.bare(sandbox, "overdue", "dotrain-max-age:1s")
    labelled.bare(sandbox, "strange", "dotrain-max-age:1s")
    time.sleep(1)
    judge = verdicts.judge

    def odd(cluster: Any, *others: Any) -> Any:
        return judge(cluster if cluster["name"] != "strange" else {}, *others)

    monkeypatch.setattr(verdicts, "judge", odd)
    with pytest.raises(SweepIncomplete, match="due on 'strange' cannot be told") as caught:
        dotrain.sweep()
    done = caught.value.frame.set_index("cluster")
    assert dict(done.action) == {
        "overdue": "down",
        "free": "unknown",
        "endless": "unknown",
        "strange": "unknown",
    }
    assert names(sandbox) == {"free", "endless", "strange"}


def test_what_a_teardown_left_that_was_cut_off_is_told_until_it_is_gone(
    sandbox: Sandbox, fresh: None
) -> None:
    labelled.bare(sandbox, "living", "dotrain-max-age:12h")
    labelled.guard(sandbox, "begun")
    assert rows() == {
        ("living", "keep"): "",
        ("begun", "leftover"): "left: dotrain down begun takes what is there, "
        "where no up is running",
    }
    labelled.guard(sandbox, "cut")
    labelled.storage(sandbox, "data", "dotrain:cut")
    for dry_run in (True, False):
        with pytest.raises(SweepIncomplete, match="Something of 'cut' is left") as caught:
            dotrain.sweep(dry_run=dry_run)
        frame = caught.value.frame
        (cut,) = frame[frame.cluster == "cut"].itertuples()
        assert cut.action == "leftover"
        assert "is running elsewhere" in cut.why
        assert "dotrain down cut" in cut.outcome
    for name in ("cut", "begun"):
        dotrain.down(name, confirm=name)
    assert rows() == {("living", "keep"): ""}


def test_a_cluster_that_was_gone_already_was_not_extended(sandbox: Sandbox, fresh: None) -> None:
    gone = labelled.whole(sandbox, "gone", "dotrain-max-age:1s")
    labelled.bare(sandbox, "young", "dotrain-max-age:12h")
    sandbox.call("DELETE", f"{labelled.CLUSTERS}/{gone['id']}")
    while "gone" in names(sandbox):
        time.sleep(0.05)
    work = sweeping._Sweep(target.current(), sweeping._now())
    with closing(Api(work.target)) as api:
        with pytest.raises(sweeping._Left, match="dotrain down gone takes what it left"):
            work._take_down(api, gone)
        with pytest.raises(sweeping._Left, match="it may live on: it ends in 11 h"):
            work._take_down(api, {"name": "young"})
        with pytest.raises(sweeping._Left, match="gone already"):
            work._take_down(api, {"name": "never"})


def test_a_backend_that_does_not_answer_does_not_hide_what_was_done(
    sandbox: Sandbox, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled.bare(sandbox, "young", "dotrain-max-age:12h")

    def broken(_: object) -> list[str]:
        raise EngineError("The backend does not answer.")

    monkeypatch.setattr(stack, "stacks", broken)
    with pytest.raises(SweepIncomplete, match="backend does not answer") as caught:
        dotrain.sweep()
    assert list(caught.value.frame.action) == ["keep"]


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 365])
def test_a_clock_that_is_wrong_deletes_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    wrong = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=minutes)
    monkeypatch.setattr(sweeping, "_now", lambda: wrong)
    before = sandbox.last_request()
    with pytest.raises(ConfigError, match=r"clock is not to be trusted.*Set the clock"):
        dotrain.sweep()
    assert sandbox.changes(before) == []


@pytest.fixture
def many(sandbox: Sandbox) -> None:
    """So many clusters, of which two are too old, on an account that enforces its limits."""
    sandbox.call("POST", "/__sandbox__/reset")
    made = labelled.bare(sandbox, "many-0", "dotrain-max-age:12h")
    target.stop_sandbox()
    # One request for each would be most of what a minute takes.
    store = Store(target.sandbox_directory() / "sandbox.db")
    first = store.get("cluster", made["id"])
    assert first is not None
    with store.transaction():
        for number in range(MANY):
            age = "1s" if number < 2 else "12h"
            label = ["dotrain", f"dotrain:many-{number}", f"dotrain-max-age:{age}"]
            copy = {**first, "name": f"many-{number}", "tags": label}
            copy["created"] -= 3600
            store.put("cluster", {**copy, "id": f"{made['id'][:-4]}{number:04}"})
        store.delete("cluster", made["id"])
    store.close()
    target.start_sandbox()
    sandbox.call("POST", "/__sandbox__/settings", rate_limit=True, delay=0.05)


def test_many_clusters_cost_a_page_and_a_limited_account_is_never_overrun(
    sandbox: Sandbox, many: None
) -> None:
    before = sandbox.last_request()
    assert len(rows(dry_run=True)) == MANY
    # A page of clusters, and two of tags: each cluster has one of DigitalOcean's own.
    asked = [urlsplit(one["path"]).path for one in sandbox.requests(before)]
    assert asked == ["/v2/tags", "/v2/tags", "/v2/kubernetes/clusters"]
    done = rows()
    asked = sandbox.requests(before)
    assert done["many-0", "down"] == done["many-1", "down"] == "done"
    assert len(names(sandbox)) == MANY - 2
    assert {one["status"] for one in asked} <= {HTTPStatus.OK, HTTPStatus.NO_CONTENT, 404}
    # Two teardowns, and not a request for any of the others.
    assert len(asked) < 80

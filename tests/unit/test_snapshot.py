"""What is said of a cluster follows from one look at it, and nothing is guessed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from dotrain import errors
from dotrain.account import Observed
from dotrain.address import Address
from dotrain.grants import Grant
from dotrain.phases import Phase
from dotrain.pools import Pool
from dotrain.pricing import Line, Price
from dotrain.snapshot import PoolRow, Snapshot
from dotrain.spec import ClusterSpec, Database
from dotrain.widgets.panel import overview
from tests.unit.looks import MINE, NOW, SPEC, cluster, failed, firewall, look, operation, pool, step

BARE = Snapshot("bert", NOW, "sandbox", spec=SPEC, observed=Observed(None))


def marks(seen: Snapshot) -> dict[str, str]:
    return {one.what: one.mark for one in seen.phases}


def test_a_cluster_that_is_as_it_should_be_is_done() -> None:
    assert look().state == "running"
    assert look().phases == (
        Phase("network and firewall", "done"),
        Phase("cluster", "done"),
        Phase("nodes", "done", "3 of 3 run"),
    )


def test_without_a_firewall_or_a_cluster_both_are_waited_for() -> None:
    assert BARE.state == "no cluster"
    assert set(marks(BARE).values()) == {"waiting"}


def test_a_step_that_runs_is_news_and_one_that_failed_too(tmp_path) -> None:
    runs = operation(tmp_path, step("firewall", "done"), step("cluster", "running"))
    seen = replace(BARE, operation=runs)
    assert (seen.state, seen.busy) == ("being made", True)
    assert marks(seen) == {
        "network and firewall": "done",
        "cluster": "doing",
        "nodes": "waiting",
    }
    broke = operation(tmp_path, step("cluster", "failed"), end=failed("No quota."))
    seen = replace(BARE, operation=broke)
    assert seen.phases[1] == Phase("cluster", "failed", "create cluster failed")


def test_steps_of_an_operation_that_did_what_it_should_say_nothing(tmp_path) -> None:
    ended = operation(tmp_path, step("cluster", "failed"), end={"result": None})
    assert marks(replace(BARE, operation=ended))["cluster"] == "waiting"


def test_rules_of_what_is_being_taken_down_are_no_drift_to_tell(tmp_path) -> None:
    drifted = look(spec=ClusterSpec("bert", allow=(Grant("198.51.100.4"),)))
    assert "not as wanted" in overview.head(drifted)
    runs = operation(tmp_path, step("firewall", "done", "delete"), title="down bert", kind="down")
    assert "not as wanted" not in overview.head(replace(drifted, operation=runs))


def test_a_teardown_says_what_is_deleted(tmp_path) -> None:
    runs = operation(tmp_path, step("node pool", "done", "delete"), title="down bert", kind="down")
    seen = replace(BARE, operation=runs)
    assert seen.state == "being taken down"
    assert seen.phases[2] == Phase("nodes", "done", "deleted")


@pytest.mark.parametrize(
    ("state", "mark"), [("provisioning", "doing"), ("error", "failed"), ("degraded", "failed")]
)
def test_a_cluster_is_in_the_state_that_digitalocean_says(state: str, mark: str) -> None:
    seen = look(observed=Observed(cluster(status={"state": state}), (firewall(),)))
    assert (seen.state, seen.phases[1]) == (state, Phase("cluster", mark, state))


def test_nodes_that_do_not_run_yet_are_being_waited_for() -> None:
    half = cluster(
        pool("system", "s-1vcpu-2gb", ("running",)),
        pool("train-s-4vcpu-8gb", "s-4vcpu-8gb", ("running", "provisioning")),
    )
    assert look(observed=Observed(half, (firewall(),))).phases[2] == Phase(
        "nodes", "doing", "2 of 3 run"
    )


def test_a_database_counts_as_made_when_the_stack_or_the_account_says_so() -> None:
    spec = replace(SPEC, database=Database("pg"))
    assert look(spec=spec).phases[3].mark == "waiting"
    assert look(spec=spec, made=frozenset({"database"})).phases[3] == Phase(
        "database", "done", "made"
    )
    coming = Observed(cluster(), (firewall(),), {"status": "creating"})
    assert look(spec=spec, observed=coming).phases[3] == Phase("database", "doing", "creating")


def test_pools_are_those_of_the_spec_and_what_is_there_besides() -> None:
    spec = ClusterSpec(
        "bert",
        pools=(Pool(size="s-4vcpu-8gb", count=4), Pool("gpu", size="gpu-x", count=1, min=0, max=8)),
    )
    there = cluster(
        pool("system", "s-1vcpu-2gb", ("running",)),
        pool("gpu-gpu-x", "gpu-x", ("running",) * 3),
        pool("train-s-2vcpu-4gb", "s-2vcpu-4gb", ("running", "draining")),
    )
    assert look(spec=spec, observed=Observed(there)).pools == (
        PoolRow("system", "s-1vcpu-2gb", 1, 1, None, None, "system"),
        PoolRow("train", "s-4vcpu-8gb", 0, 4, None, None, "training"),
        PoolRow("gpu", "gpu-x", 3, 3, 0, 8, "training"),
        PoolRow("train", "s-2vcpu-4gb", 1, 0, None, None, "leaving"),
    )


def test_a_paused_cluster_wants_no_training_nodes() -> None:
    bare = cluster(pool("system", "s-1vcpu-2gb", ("running",)))
    seen = look(spec=replace(SPEC, paused=True), observed=Observed(bare, (firewall(),)))
    assert [one.role for one in seen.pools] == ["system"]
    assert seen.phases[2].mark == "done"


def test_costs_are_those_of_nodes_and_control_plane_since_they_were_made() -> None:
    seen = look()
    assert seen.age == dt.timedelta(hours=2)
    assert seen.hourly == pytest.approx(0.16)
    assert seen.monthly == pytest.approx(108.0)
    assert seen.so_far == pytest.approx(0.32)
    more = look(gone_nodes=(Line("2 nodes that are gone", 0.0, 0.0, so_far=1.0),))
    assert more.so_far == pytest.approx(1.32)


def test_what_has_no_known_price_makes_no_sum() -> None:
    seen = look(prices={"s-1vcpu-2gb": Price(0.02, 12.0)})
    assert (seen.hourly, seen.so_far) == (None, None)
    assert look(observed=None).lines == ()


def test_ends_are_read_from_the_cluster_itself() -> None:
    tags = ["dotrain:bert", "dotrain-max-age:12h", "dotrain-idle:1h", "dotrain-budget:5000"]
    assert look(observed=Observed(cluster(tags=tags))).ends == {
        "end": "ends in 10 h (max age 12h)",
        "idle": "for 1h at most",
        "budget": "$50.00 in all",
    }
    assert look().ends == {}


def test_rules_are_compared_without_the_database_that_nobody_looked_at() -> None:
    seen = look(spec=replace(SPEC, database=Database("pg")))
    assert {one.rule.layer for one in seen.rules} == {"nodes", "control-plane"}
    assert seen.entering == (MINE,)
    looked = replace(seen, database=True)
    assert "database" in {one.rule.layer for one in looked.rules}


def test_drift_counts_what_is_missing_and_what_is_too_much() -> None:
    clean = look().drifted
    opened = look(observed=Observed(cluster(), (firewall(MINE, "198.51.100.9/32"),)))
    assert opened.drifted == clean + 1
    assert "198.51.100.9/32" in opened.entering


def test_this_machine_has_moved_when_it_is_granted_and_not_known_there(monkeypatch) -> None:
    monkeypatch.setattr("dotrain.config.identity", lambda: "ada")
    here, away = Address((MINE,)), Address(("198.51.100.4/32",))
    assert (look().moved(here), look().moved(away)) == (False, True)
    past = replace(SPEC, allow=(Grant("me", expires="2026-01-01T00:00:00Z"),))
    assert not look(spec=past).moved(away)
    assert not look(spec=None).moved(away)


def test_an_error_makes_the_state_unknown_and_one_that_is_gone_is_said_to_be() -> None:
    seen = look(error=errors.ApiError("DigitalOcean does not answer."))
    assert (seen.state, seen.gone) == ("unknown", False)
    lost = Snapshot("bert", NOW, "sandbox", error=errors.ClusterNotFound("There is none."))
    assert (lost.state, lost.gone, lost.pools, lost.age) == ("gone", True, (), None)


def test_a_look_keeps_what_an_earlier_one_saw_of_the_database() -> None:
    spec = replace(SPEC, database=Database("pg"))
    before = look(
        spec=spec,
        observed=Observed(cluster(), (), {"status": "online"}, ({"type": "ip_addr"},)),
        database=True,
    )
    after = look(spec=spec).with_database_of(before)
    assert after.database
    assert after.observed is not None
    assert after.observed.database == {"status": "online"}
    assert look().with_database_of(before).database is False

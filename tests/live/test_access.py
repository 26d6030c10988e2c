"""Who may enter, on the real engine: allow, revoke, expire, move, drift, plan."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest

import dotrain
from dotrain import config, errors
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(90)

HOME = "203.0.113.7/32"


@pytest.fixture(scope="module")
def made(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("guarded")


@pytest.fixture
def cluster(made: dotrain.Cluster) -> Iterator[dotrain.Cluster]:
    """The cluster, closed again to everybody but this machine after each test."""
    dotrain.use_sandbox()
    yield made
    dotrain.use_sandbox()
    dotrain.up("guarded", allow="me", egress="web", open_to_world=False, force=True)


def entering(cluster: dotrain.Cluster) -> set[tuple[str, str, str, str]]:
    """Return layer, protocol, ports and peer of what is in force of dotrain's own."""
    rules = cluster.rules()
    own = rules[
        (rules.direction == "inbound")
        & (rules.layer != "doks-managed")
        & (rules.drift != "missing")
    ]
    return set(zip(own.layer, own.protocol, own.ports, own.peer, strict=True))


CLOSED = {("nodes", "tcp", "22", HOME), ("control-plane", "tcp", "443", HOME)}


def test_a_grant_opens_what_it_names_and_nothing_else(cluster: dotrain.Cluster) -> None:
    rules = cluster.allow("203.0.113.0/24", to="https", label="office", expires="8h")
    (row,) = rules[rules.label == "office"].itertuples()
    assert (row.layer, row.ports, row.peer, row.drift) == ("nodes", "443", "203.0.113.0/24", "")
    ends = dt.datetime.fromisoformat(row.expires.replace("Z", "+00:00"))
    left = ends - dt.datetime.now(dt.timezone.utc)
    assert dt.timedelta(hours=7.9) < left < dt.timedelta(hours=8.1)
    assert entering(cluster) == {*CLOSED, ("nodes", "tcp", "443", "203.0.113.0/24")}
    cluster.revoke(label="office")
    assert entering(cluster) == CLOSED


def test_several_services_and_ports_at_once(cluster: dotrain.Cluster) -> None:
    cluster.allow("198.51.100.9", to=["api", "tensorboard", "tcp 8000-9000", "icmp"])
    assert entering(cluster) == {
        *CLOSED,
        ("control-plane", "tcp", "443", "198.51.100.9/32"),
        ("nodes", "tcp", "6006", "198.51.100.9/32"),
        ("nodes", "tcp", "8000-9000", "198.51.100.9/32"),
        ("nodes", "icmp", "", "198.51.100.9/32"),
    }
    cluster.revoke("198.51.100.9", to=["tcp 8000-9000", "icmp", "tensorboard"])
    assert entering(cluster) == {*CLOSED, ("control-plane", "tcp", "443", "198.51.100.9/32")}


def test_nodes_may_talk_to_each_other(cluster: dotrain.Cluster) -> None:
    cluster.allow("nodes", to=["torchrun", "nccl"])
    between = {rule[2] for rule in entering(cluster) if rule[3] == "tag:dotrain:guarded"}
    assert between == {"29400", "29500", "all"}


def test_what_others_changed_is_drift_and_up_mends_it(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    assert len(cluster.drift()) == 0
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-guarded")
    opened = {"protocol": "tcp", "ports": "8888", "sources": {"addresses": ["0.0.0.0/0"]}}
    sandbox.call(
        "PUT",
        f"/v2/firewalls/{firewall['id']}",
        name=firewall["name"],
        tags=firewall["tags"],
        inbound_rules=[opened],
        outbound_rules=firewall["outbound_rules"],
    )
    drift = {(row.ports, row.peer, row.drift) for row in cluster.drift().itertuples()}
    assert drift == {("8888", "0.0.0.0/0", "extra"), ("22", HOME, "missing")}
    plan = cluster.plan()
    assert [rule.ports for rule in plan.loses] == ["8888"]
    assert [rule.ports for rule in plan.gains] == ["22"]
    cluster.up()
    assert len(cluster.drift()) == 0
    assert entering(cluster) == CLOSED


def test_two_who_share_a_cluster_do_not_evict_each_other(
    cluster: dotrain.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_ME", "ben@desktop")
    dotrain.use_sandbox(address="198.51.100.4")
    cluster.allow_me()
    both = {rule[3] for rule in entering(cluster)}
    assert both == {HOME, "198.51.100.4/32"}
    dotrain.use_sandbox(address="198.51.100.5")
    cluster.allow_me()
    assert {rule[3] for rule in entering(cluster)} == {HOME, "198.51.100.5/32"}
    cluster.revoke("me", force=True)
    assert entering(cluster) == CLOSED


def test_a_moving_address_is_followed_until_the_watch_is_stopped(
    cluster: dotrain.Cluster,
) -> None:
    watch = cluster.watch_me(every=0.1)
    try:
        dotrain.use_sandbox(address="198.51.100.77")
        deadline = time.monotonic() + 30
        while not watch.moves:
            assert time.monotonic() < deadline, watch
            time.sleep(0.05)
    finally:
        watch.stop()
    assert watch.moves == [("198.51.100.77/32",)]
    assert watch.error is None
    assert {rule[3] for rule in entering(cluster)} == {"198.51.100.77/32"}
    with pytest.raises(errors.SpecError):
        cluster.watch_me(every=0)


def test_nobody_locks_himself_out_by_mistake(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    cluster.allow("198.51.100.9")
    before = sandbox.last_request()
    with pytest.raises(errors.LockedOut, match="force=True"):
        cluster.revoke("me")
    with pytest.raises(errors.LockedOut):
        dotrain.up("guarded", allow="198.51.100.9")
    assert sandbox.requests(before) == []
    cluster.revoke("me", force=True)
    assert {rule[3] for rule in entering(cluster)} == {"198.51.100.9/32"}


def test_egress_is_a_preset_or_rules_of_ones_own(cluster: dotrain.Cluster) -> None:
    rules = cluster.egress("locked", "tcp 443 to 203.0.113.0/24")
    out = rules[(rules.direction == "outbound") & (rules.layer == "nodes")]
    assert set(zip(out.protocol, out.ports, out.peer, strict=True)) == {
        (protocol, ports, peer)
        for protocol, ports in (("udp", "53"), ("tcp", "53"), ("udp", "123"))
        for peer in ("0.0.0.0/0", "::/0")
    } | {("tcp", "443", "203.0.113.0/24")}


def test_a_plan_says_who_gains_and_loses_and_changes_nothing(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    before = sandbox.last_request()
    plan = cluster.plan(
        allow=["me", dotrain.Grant("203.0.113.0/25", ("https",))],
        pool=dotrain.Pool(size="s-4vcpu-8gb", count=3),
    )
    assert sandbox.changes(before) == []
    assert [(rule.ports, rule.peer) for rule in plan.gains] == [("443", "203.0.113.0/25")]
    assert plan.loses == ()
    assert plan.replaced == ()
    assert {(step.verb, step.kind) for step in plan.steps} == {
        ("update", "firewall"),
        ("create", "node pool"),
        ("delete", "node pool"),
    }
    assert sum(line.hourly for line in plan.cost) > 0
    assert "gains access" in str(plan)


def test_splitting_a_network_is_no_change_of_access(cluster: dotrain.Cluster) -> None:
    cluster.allow("203.0.113.0/24", to="https")
    halves = [dotrain.Grant(f"203.0.113.{first}/25", ("https",)) for first in (0, 128)]
    plan = cluster.plan(allow=["me", *halves])
    assert (plan.gains, plan.loses) == ((), ())


def test_the_seeds_6443_is_accepted_and_explained(cluster: dotrain.Cluster) -> None:
    plan = cluster.plan(allow=["me", dotrain.Grant("me", ("tcp 6443",))])
    assert [rule.ports for rule in plan.gains] == ["6443"]
    assert "control plane firewall" in plan.notes[0]


def test_exposure_adds_up_what_everybody_made(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    (made,) = sandbox.objects("clusters")
    rule = {
        "entry_protocol": "http",
        "entry_port": 80,
        "target_protocol": "http",
        "target_port": 30080,
    }
    sandbox.call(
        "POST",
        "/v2/load_balancers",
        name="service",
        region="nyc3",
        vpc_uuid=made["vpc_uuid"],
        forwarding_rules=[rule],
    )
    exposed = cluster.exposure()
    public = exposed[exposed.reaches == "service"]
    assert set(public.peer) == {"0.0.0.0/0", "::/0"}
    assert set(public.ports) == {"80"}
    managed = exposed[exposed.via.str.startswith("k8s-")]
    assert "10.0.0.0/8" in set(managed.peer)
    api = exposed[exposed.reaches == "control-plane"]
    assert "DigitalOcean's side" in api.note.iloc[0]


WRONG: dict[str, Any] = {
    "an empty source": (lambda c: c.allow(""), errors.InvalidAddress),
    "a host name": (lambda c: c.allow("example.com"), errors.InvalidAddress),
    "host bits": (lambda c: c.allow("203.0.113.7/24"), errors.InvalidAddress),
    "IPv6 for the database": (
        lambda c: c.allow("2001:db8::/32", to="database"),
        errors.InvalidAddress,
    ),
    "the world": (lambda c: c.allow("0.0.0.0/0", to="https"), errors.OpenToWorld),
    "an unknown service": (lambda c: c.allow("me", to="telnet"), errors.SpecError),
    "ports the wrong way round": (lambda c: c.allow("me", to="tcp 9000-8000"), errors.SpecError),
    "a port that is none": (lambda c: c.allow("me", to="tcp 70000"), errors.SpecError),
    "icmp with ports": (lambda c: c.allow("me", to="icmp 22"), errors.SpecError),
    "tcp without ports": (lambda c: c.allow("me", to="tcp"), errors.SpecError),
    "a negative end": (lambda c: c.allow("me", expires="-1h"), errors.SpecError),
    "an end that is over": (
        lambda c: c.allow("me", expires=dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)),
        errors.SpecError,
    ),
    "a label twice": (
        lambda _: dotrain.up(
            "guarded", allow=[dotrain.Grant(f"203.0.113.{last}", label="x") for last in (8, 9)]
        ),
        errors.SpecError,
    ),
    "the seed's empty address": (
        lambda _: dotrain.up("guarded", allow=[""]),
        errors.InvalidAddress,
    ),
    "nobody at all": (lambda _: dotrain.up("guarded", allow=[]), errors.InvalidAddress),
    "host bits of a way out": (
        lambda c: c.egress("tcp 443 to 203.0.113.7/24"),
        errors.InvalidAddress,
    ),
    "a host name as a way out": (
        lambda c: c.egress("tcp 443 to example.com"),
        errors.InvalidAddress,
    ),
    "nothing to revoke": (lambda c: c.revoke(label="nothing"), errors.SpecError),
    "nobody left": (lambda c: c.revoke("me", force=True), errors.SpecError),
    "an unknown egress": (lambda c: c.egress("everything"), errors.SpecError),
    "more than fifty rules": (
        lambda c: c.allow("me", to=[f"tcp {port}" for port in range(1000, 1060)]),
        errors.SpecError,
    ),
    "more than a thousand sources": (
        lambda _: dotrain.up(
            "guarded", allow=[f"198.18.{n // 256}.{n % 256}" for n in range(1001)]
        ),
        errors.InvalidAddress,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_in_one_paragraph_before_any_call(
    name: str, made: dotrain.Cluster, sandbox: Sandbox
) -> None:
    call, kind = WRONG[name]
    before = sandbox.last_request()
    with pytest.raises(kind) as caught:
        call(made)
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    assert sandbox.requests(before) == []


def test_who_says_me_is_shown(cluster: dotrain.Cluster) -> None:
    assert f"ssh (me: {config.identity()})" in set(cluster.rules().label)

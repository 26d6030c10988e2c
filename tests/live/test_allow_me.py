"""An address that moved is in force at once, whatever Pulumi is doing, and is recorded after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import dotrain
from dotrain import address, ahead, display, errors, target
from dotrain.engine.progress import Progress
from tests.live.conftest import Sandbox, locked

pytestmark = pytest.mark.long(100)

HOME, CAFE, TRAIN = "203.0.113.7", "198.51.100.4", "198.51.100.5"


@pytest.fixture(scope="module")
def made(sandbox: Sandbox) -> dotrain.Cluster:
    return dotrain.up("mobile", database=dotrain.Database("pg"))


@pytest.fixture
def cluster(made: dotrain.Cluster) -> Iterator[dotrain.Cluster]:
    """The cluster, with this machine at home again after each test."""
    yield made
    dotrain.use_sandbox()
    dotrain.up("mobile", allow="me", force=True)
    assert ahead.read(target.current(), "mobile") == {}


def at(place: str) -> None:
    dotrain.use_sandbox(address=place)


def puts(sandbox: Sandbox, after: int) -> list[tuple[str, Any]]:
    """Return path and body of the PUTs since a request."""
    return [
        (one["path"], one["request"]) for one in sandbox.requests(after) if one["method"] == "PUT"
    ]


def in_force(sandbox: Sandbox) -> dict[str, set[str]]:
    """Return who may enter each layer by dotrain's own rules, as the sandbox itself has it."""
    (cluster,) = sandbox.objects("clusters")
    (database,) = sandbox.objects("databases")
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-mobile")
    trusted = sandbox.call("GET", f"/v2/databases/{database['id']}/firewall")["rules"]
    return {
        "nodes": {
            peer
            for rule in firewall["inbound_rules"]
            for peer in rule["sources"].get("addresses", ())
        },
        "control-plane": set(cluster["control_plane_firewall"]["allowed_addresses"]),
        "database": {rule["value"] for rule in trusted if rule["type"] == "ip_addr"},
    }


def everywhere(*addresses: str) -> dict[str, set[str]]:
    cidrs = {f"{one}/32" for one in addresses}
    return {"nodes": cidrs, "control-plane": cidrs, "database": set(addresses)}


def test_what_is_sent_at_once_is_what_pulumi_sends_after_it(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    cluster.allow("nodes", to=["nccl", "icmp"])
    cluster.egress("locked", "tcp 443 to 203.0.113.0/24")
    before = sandbox.last_request()
    at(CAFE)
    cluster.allow_me()
    assert in_force(sandbox) == everywhere(CAFE)
    sent = puts(sandbox, before)
    assert len(sent) == 6
    direct, recorded = dict(sent[:3]), dict(sent[3:])
    assert direct.keys() == recorded.keys()
    for path, body in direct.items():
        pulumis = recorded[path]
        if path.startswith("/v2/databases/"):
            # The uuid and the time of a rule are the API's to give.
            sources = [(rule["type"], rule["value"]) for rule in pulumis["rules"]]
            pulumis = {"rules": [{"type": kind, "value": value} for kind, value in sources]}
        if path.startswith("/v2/kubernetes/"):
            # A cluster's PUT changes what it names; only the provider names everything.
            pulumis = {key: pulumis[key] for key in body}
        assert body == pulumis


def test_a_layer_that_stays_as_it_is_gets_no_request(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    allow = [dotrain.Grant("me", ("ssh",)), dotrain.Grant(HOME, ("api", "database"))]
    dotrain.up("mobile", allow=allow)
    before = sandbox.last_request()
    at(CAFE)
    cluster.allow_me()
    assert {path.split("/")[2] for path, _ in puts(sandbox, before)} == {"firewalls"}
    before = sandbox.last_request()
    cluster.allow_me()
    assert puts(sandbox, before) == []


def test_it_is_in_force_while_another_operation_has_the_stack(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    at(CAFE)
    with locked("mobile"), pytest.raises(errors.StackLocked):
        cluster.allow_me()
    assert in_force(sandbox) == everywhere(CAFE)
    # Pulumi's state never heard of the café, and would see nothing to do at home.
    at(HOME)
    with locked("mobile"), pytest.raises(errors.StackLocked):
        cluster.allow_me()
    assert in_force(sandbox) == everywhere(HOME)
    cluster.allow_me()
    assert len(cluster.drift()) == 0


def test_an_address_that_was_not_recorded_outlives_the_next_operation(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    at(CAFE)
    with locked("mobile"), pytest.raises(errors.StackLocked):
        cluster.allow_me()
    cluster.allow(TRAIN, label="train")
    assert in_force(sandbox) == everywhere(CAFE, TRAIN)
    assert len(cluster.drift()) == 0
    # And home again by way of Pulumi alone, which has to look before it believes its state.
    at(HOME)
    with locked("mobile"), pytest.raises(errors.StackLocked):
        cluster.allow_me()
    at(CAFE)
    dotrain.up("mobile")
    assert in_force(sandbox) == everywhere(CAFE, TRAIN)


def test_a_watch_records_what_was_not_recorded(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    at(CAFE)
    with locked("mobile"), pytest.raises(errors.StackLocked):
        cluster.allow_me()
    watch = cluster.watch_me(every=0.05)
    try:
        while not watch.moves:
            assert watch._thread.is_alive()
            watch._thread.join(0.05)
    finally:
        watch.stop()
    assert watch.moves[0] == (f"{CAFE}/32",)
    assert len(cluster.drift()) == 0


def test_a_change_of_network_is_noticed_before_the_next_look_is_due(
    cluster: dotrain.Cluster, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ["10.0.0.4"]
    monkeypatch.setattr(address, "local", lambda: here[-1])
    watch = cluster.watch_me(every=3600)
    try:
        watch._thread.join(0.3)
        at(CAFE)
        watch._thread.join(1.2)
        assert watch.moves == []
        here.append("192.168.1.17")
        begun = time.monotonic()
        while not watch.moves:
            assert time.monotonic() < begun + 30, watch
            watch._thread.join(0.05)
    finally:
        watch.stop()
    assert in_force(sandbox) == everywhere(CAFE)


def test_a_watch_from_a_shell_says_each_move(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    command = ["--sandbox", "allow-me", "mobile", "--watch", "--every", "0.1"]
    with subprocess.Popen(
        [sys.executable, "-m", "dotrain", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as shell:
        # Nothing that goes wrong may leave it running.
        limit = threading.Timer(60, shell.kill)
        limit.start()
        assert shell.stdout
        assert shell.stderr
        next(line for line in shell.stdout if "control-plane" in line)
        at(CAFE)
        cluster.allow_me()
        said = next(line for line in shell.stderr if line.startswith("Moved to"))
        shell.send_signal(signal.SIGINT)
        assert shell.wait() == 0
        limit.cancel()
    assert f"{HOME}/32" in said
    assert in_force(sandbox) == everywhere(HOME)


def test_two_who_share_a_cluster_stay_in_each_others_requests(
    cluster: dotrain.Cluster, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_ME", "ben@desktop")
    at(CAFE)
    with locked("mobile"), pytest.raises(errors.StackLocked):
        cluster.allow_me()
    assert in_force(sandbox) == everywhere(HOME, CAFE)
    at(TRAIN)
    cluster.allow_me()
    assert in_force(sandbox) == everywhere(HOME, TRAIN)
    cluster.revoke("me", force=True)
    assert in_force(sandbox) == everywhere(HOME)


def test_what_is_gone_is_said_and_the_rest_is_in_force(
    cluster: dotrain.Cluster, sandbox: Sandbox
) -> None:
    firewall = next(one for one in sandbox.objects("firewalls") if one["name"] == "dotrain-mobile")
    sandbox.call("DELETE", f"/v2/firewalls/{firewall['id']}")
    at(CAFE)
    said: list[str] = []
    with display.using(lambda: display.Lines(said.append)):
        with pytest.raises(errors.OperationFailed, match="firewall"):
            cluster.allow_me()
        assert any(line.startswith("Not in force yet: nodes.") for line in said)
        assert any("In force after" in line and "control-plane" in line for line in said)
        cluster.up()
    assert in_force(sandbox) == everywhere(CAFE)


def test_a_token_that_is_refused_ends_it_before_pulumi_starts(
    cluster: dotrain.Cluster, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stranger = dotrain.Cluster("mobile", replace(target.current(), token="sandbox_of_another"))
    notes = tmp_path / "started"
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f'#!/bin/sh\ntouch "{notes}"\nexec "{os.environ["DOTRAIN_PULUMI"]}" "$@"\n')
    pulumi.chmod(0o755)
    monkeypatch.setenv("DOTRAIN_PULUMI", str(pulumi))
    at(CAFE)
    with pytest.raises(errors.TokenRejected):
        stranger.allow_me()
    assert not notes.exists()
    assert in_force(sandbox) == everywhere(HOME)


def test_too_many_addresses_are_refused_before_anything_is_sent(
    cluster: dotrain.Cluster, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 99 addresses, this machine and the cluster: one more than a database trusts.
    many = [dotrain.Grant(f"192.0.2.{last}", ("database",)) for last in range(1, 99)]
    dotrain.up("mobile", allow=["me", *many])
    monkeypatch.setenv("DOTRAIN_ME", "ben@desktop")
    at(CAFE)
    before = sandbox.last_request()
    with pytest.raises(errors.SpecError, match="trusted sources"):
        cluster.allow_me()
    assert sandbox.changes(before) == []


def test_it_says_how_soon_it_was_in_force(cluster: dotrain.Cluster, sandbox: Sandbox) -> None:
    shown: list[Progress] = []

    class Kept:
        def refresh(self, progress: Progress) -> None:
            shown.append(progress)

    at(CAFE)
    with display.using(Kept):
        cluster.allow_me()
    assert shown[0].title == "allow_me mobile"
    assert shown[0].notes[0].startswith("In force after 0.")

"""One feed serves all panels of a kernel, in two requests a look, and rests when nobody looks."""

from __future__ import annotations

import gc
import json
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dotrain import looking
from dotrain.engine import journal, state, workspace
from dotrain.grants import Grant
from dotrain.pools import Pool
from dotrain.snapshot import Snapshot
from dotrain.spec import ClusterSpec, Database, Resolved
from dotrain.target import Target
from dotrain.turn import journals
from dotrain.widgets.panel import feed
from dotrain.widgets.panel.feed import Feed
from tests.unit.conftest import Answer, Request, Server
from tests.unit.looks import MINE, SPEC, cluster, failed, firewall, operation, pool, step

SECONDS = 20.0
PAGE = 200
SIZE = {"slug": "s-4vcpu-8gb", "price_hourly": 0.07, "vcpus": 4, "memory": 8192, "regions": []}
DATABASE = {
    "id": "db",
    "name": "db",
    "tags": ["dotrain:bert"],
    "status": "online",
    "num_nodes": 1,
    "size": "db-s-1vcpu-1gb",
}
LIST = "/v2/kubernetes/clusters"
FIREWALLS = "/v2/firewalls"


class Account:
    """An account behind real HTTP, with a stack that remembers the cluster."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.target = Target("sandbox", server.url, "secret", directory)
        self.clusters = [cluster()]
        self.firewall = firewall()
        self.broken = False
        self.remember(SPEC)
        server.answer = self._answer

    def remember(self, spec: ClusterSpec) -> None:
        record = state.record(spec, Resolved("1.34.1-do.0", {"ada": (MINE,)}))
        root = {"urn": "urn::bert", "type": state.COMPONENT, "inputs": {"record": record}}
        path = self.state
        path.parent.mkdir(parents=True, exist_ok=True)
        latest = {"resources": [root], "manifest": {"time": "2026-01-02T03:04:05Z"}}
        path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))

    @property
    def state(self) -> Path:
        return workspace.backend(self.target).checkpoint("bert")

    @property
    def journals(self) -> Path:
        return journals(workspace.directory(self.target, "bert"))

    def paths(self) -> list[str]:
        """Return what was asked since the last time."""
        asked = [one.path.partition("?")[0] for one in self.server.requests]
        self.server.requests.clear()
        return asked

    def _answer(self, request: Request) -> Answer:
        if self.broken:
            return Answer(401, b'{"id": "unauthorized", "message": "no"}')
        path, _, query = request.path.partition("?")
        if path.endswith("/firewall"):
            return Answer(body=b'{"rules": []}')
        if path.startswith("/v2/kubernetes/clusters/"):
            known = {f"/v2/kubernetes/clusters/{one['id']}": one for one in self.clusters}
            if path not in known:
                return Answer(404, b'{"id": "not_found", "message": "no"}')
            return Answer(body=json.dumps({"kubernetes_cluster": known[path]}).encode())
        page, end = query.partition("page=")[2][:1], len(self.clusters) - 1
        more = {"links": {"pages": {"next": "more"}}} if page != "2" and end >= PAGE else {}
        shown = self.clusters[PAGE:] if page == "2" else self.clusters[:PAGE]
        body = {
            "/v2/kubernetes/clusters": {"kubernetes_clusters": shown, **more},
            "/v2/firewalls": {"firewalls": [self.firewall]},
            "/v2/sizes": {"sizes": [SIZE]},
            "/v2/databases": {"databases": [DATABASE]},
        }[path]
        return Answer(body=json.dumps(body).encode())


@pytest.fixture
def account(serve, tmp_path, monkeypatch) -> Iterator[Account]:
    monkeypatch.setattr(looking, "_prices", {})
    monkeypatch.setattr(feed, "_feeds", weakref.WeakValueDictionary())
    return Account(serve(), tmp_path / "account")


@pytest.fixture
def looks(account, monkeypatch) -> Feed:
    """A feed for which it is time at each look."""
    for pace in ("BUSY", "CALM", "SELDOM"):
        monkeypatch.setattr(feed, pace, 0.0)
    return Feed(account.target, "bert")


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_look_is_two_requests_and_prices_are_asked_for_once(account, looks) -> None:
    assert looks.look().state == "running"
    assert account.paths() == ["/v2/sizes", LIST, FIREWALLS]
    looks.look()
    assert account.paths() == [f"{LIST}/id-1", FIREWALLS]


def test_a_known_cluster_is_found_among_hundreds_in_one_request(account, looks) -> None:
    others = [cluster(id=f"other-{number}", tags=[]) for number in range(250)]
    account.clusters = [*others, cluster()]
    assert looks.look().state == "running"
    account.paths()
    assert looks.look().state == "running"
    assert account.paths() == [f"{LIST}/id-1", FIREWALLS]


def test_a_cluster_that_was_made_anew_under_its_name_is_found_by_the_next_look(
    account, looks
) -> None:
    looks.look()
    account.clusters = [cluster(id="id-2")]
    account.paths()
    assert looks.look().state == "no cluster"
    assert len(account.paths()) == 2
    assert looks.look().cluster["id"] == "id-2"


def test_an_id_that_is_another_cluster_s_by_now_is_not_taken_for_it(account, looks) -> None:
    looks.look()
    account.clusters = [cluster(tags=["dotrain:other"])]
    assert looks.look().cluster is None


def test_an_account_that_does_not_answer_holds_up_no_journal(account, looks, monkeypatch) -> None:
    first = looks.look()
    monkeypatch.setattr(feed, "TICK", 0.05)
    free = threading.Event()
    answer = account.server.answer
    account.server.answer = lambda request: free.wait(SECONDS) and answer(request)
    account.clusters = [cluster(status={"state": "degraded"})]
    running = operation(account.journals, step("node pool", "running"))
    seen = looks.look()
    assert (seen.operation.id, seen.busy, seen.state) == (running.id, True, first.state)
    free.set()
    until(lambda: looks.look().state == "degraded")


def test_an_account_that_refuses_is_asked_seldom_even_while_something_runs(
    account, monkeypatch
) -> None:
    calm = Feed(account.target, "bert")
    operation(account.journals, step("node pool", "running"))
    calm.look()
    account.broken = True
    calm.now()
    assert calm.look().error is not None
    account.paths()
    monkeypatch.setattr(feed, "BUSY", 0.0)
    assert calm.look().busy
    assert account.paths() == []


def test_between_two_looks_at_the_account_only_the_journal_is_read(account) -> None:
    calm = Feed(account.target, "bert")
    first = calm.look()
    account.paths()
    assert calm.look() is first
    operation(account.journals, step("cluster", "running"))
    running = calm.look()
    assert (running.busy, len(account.paths())) == (True, 2)
    steps = calm.look()
    assert (steps is not running, steps.busy, account.paths()) == (True, True, [])


def test_the_end_of_an_operation_is_news_that_asks_the_account_at_once(account) -> None:
    calm = Feed(account.target, "bert")
    running = operation(account.journals, step("node pool", "running"))
    assert calm.look().busy
    account.paths()
    journal.Writer(account.journals / f"{running.id}.jsonl").write("end", {"result": None})
    assert not calm.look().busy
    assert len(account.paths()) == 2


def test_a_database_is_looked_at_on_its_own_and_remembered(account, looks) -> None:
    account.remember(replace(SPEC, database=Database("pg")))
    looks.look()
    account.paths()
    seen = looks.look()
    assert account.paths() == ["/v2/databases", "/v2/databases/db/firewall"]
    assert seen.database
    again = looks.look()
    assert account.paths() == [f"{LIST}/id-1", FIREWALLS]
    assert again.observed.database == DATABASE


def test_of_a_cluster_that_is_gone_nobody_is_asked_until_it_is_made_again(account, looks) -> None:
    looks.look()
    account.state.unlink()
    assert looks.look().gone
    account.paths()
    assert looks.look().gone
    assert account.paths() == []
    account.remember(SPEC)
    assert looks.look().state == "running"
    assert len(account.paths()) == 2


def test_what_is_being_made_is_seen_before_its_stack_remembers_anything(account, looks) -> None:
    account.state.unlink()
    account.clusters = []
    operation(account.journals, step("tag", "running"))
    seen = looks.look()
    assert (seen.state, seen.error, account.paths()) == ("being made", None, ["/v2/sizes"])


def test_what_was_seen_stays_with_the_error_until_a_look_succeeds(account, looks) -> None:
    before = looks.look()
    account.broken = True
    seen = looks.look()
    assert "no" in str(seen.error)
    assert (seen.state, seen.at, seen.pools) == ("unknown", before.at, before.pools)
    account.broken = False
    assert looks.look().error is None


def test_what_nobody_expected_is_an_error_of_the_look(account, looks, monkeypatch) -> None:
    looks.look()
    monkeypatch.setattr(looking, "take", lambda *_, **__: {}["no such key"])
    assert "This was not expected. KeyError: 'no such key'" in str(looks.look().error)


def test_looking_changes_nothing(account, looks) -> None:
    expired = replace(SPEC, allow=(replace(SPEC.allow[0], expires="2026-01-01T00:00:00Z"),))
    account.remember(expired)
    before = account.state.read_bytes()
    assert looks.look().spec == expired
    assert {one.method for one in account.server.requests} == {"GET"}
    assert account.state.read_bytes() == before
    assert not list(account.journals.glob("*"))


def test_all_panels_of_a_kernel_share_the_looks(account) -> None:
    shared = feed.of(account.target, "bert")
    assert feed.of(account.target, "bert") is shared
    seen: list[list[Snapshot]] = [[], []]
    leave = [shared.subscribe(one.append, viewed=lambda: True) for one in seen]
    until(lambda: all(seen))
    for end in leave:
        end()
    assert seen[0][0] is seen[1][0]
    # Prices, and two for however many panels.
    assert len(account.paths()) == 3


def test_nobody_is_asked_while_nobody_looks(account) -> None:
    viewed = threading.Event()
    shared = feed.of(account.target, "bert")
    seen: list[Snapshot] = []
    end = shared.subscribe(seen.append, viewed=viewed.is_set)
    shared.now()
    assert (seen, account.paths()) == ([], [])
    viewed.set()
    shared.appeared()
    until(lambda: seen)
    viewed.clear()
    assert shared.ended(SECONDS)
    end()


def test_a_first_look_is_waited_for_no_longer_than_asked(account) -> None:
    free = threading.Event()
    answer = account.server.answer
    account.server.answer = lambda request: free.wait(SECONDS) and answer(request)
    slow = Feed(account.target, "bert")
    seen: list[Snapshot] = []
    slow.first(0.01, seen.append)
    assert not seen
    free.set()
    until(lambda: seen)
    assert seen == [slow.last]


def test_another_token_is_another_feed_and_one_that_nobody_has_is_gone(account) -> None:
    shared = feed.of(account.target, "bert")
    renewed = feed.of(replace(account.target, token="renewed"), "bert")
    assert renewed is not shared
    left = weakref.ref(shared)
    del shared
    gc.collect()
    assert left() is None


def test_rules_that_changed_have_a_stack_read_again_that_is_not_on_this_machine(
    account, looks
) -> None:
    looks._near = False
    assert looks.look().drifted == 0
    account.remember(replace(SPEC, allow=(Grant("me"), Grant("198.51.100.9/32"))))
    assert looks.look().drifted == 0
    account.firewall = firewall(MINE, "198.51.100.9/32")
    account.clusters = [
        cluster(
            control_plane_firewall={
                "enabled": True,
                "allowed_addresses": [MINE, "198.51.100.9/32"],
            }
        )
    ]
    assert looks.look().drifted == 0


def test_a_cell_shows_how_it_is_and_not_how_it_was_when_somebody_last_looked(
    account, monkeypatch
) -> None:
    calm = Feed(account.target, "bert")
    seen: list[Snapshot] = []
    calm.first(SECONDS, seen.append)
    monkeypatch.setattr(feed, "TICK", 1e-6)
    account.clusters = [cluster(status={"state": "degraded"})]
    calm.first(SECONDS, seen.append)
    assert [one.state for one in seen] == ["running", "degraded"]


def test_an_operation_that_failed_says_so_in_the_look(account, looks) -> None:
    operation(account.journals, step("cluster", "failed"), end=failed("No quota."))
    seen = looks.look()
    assert seen.operation is not None
    assert "No quota." in str(seen.operation.error)


def test_the_number_of_nodes_changes_no_number_of_requests(account, looks) -> None:
    looks.look()
    for count in (5, 50, 200):
        account.remember(replace(SPEC, pools=(Pool(size="s-4vcpu-8gb", count=count),)))
        account.clusters = [cluster(pool("train-s-4vcpu-8gb", "s-4vcpu-8gb", ("running",) * count))]
        account.paths()
        assert looks.look().pools[1].running == count
        assert len(account.paths()) == 2

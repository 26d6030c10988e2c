"""Wrong input ends in one paragraph that says what, why and what to do, and makes nothing."""

from __future__ import annotations

import http.server
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import dotrain
from dotrain import errors, target
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(20)

Pool = dotrain.Pool
WRONG = {
    "unknown size": (
        lambda: dotrain.up("bad", pool=Pool(size="s-4vcpu-9gb")),
        errors.UnknownSize,
        "s-4vcpu-8gb",
    ),
    "unknown region": (lambda: dotrain.up("bad", region="nyc33"), errors.UnknownRegion, "nyc3"),
    "unknown version": (
        lambda: dotrain.up("bad", version="1.21.5-do.0"),
        errors.UnknownVersion,
        "1.",
    ),
    "no nodes": (lambda: dotrain.up("bad", pool=Pool(count=0)), errors.SpecError, "count=1"),
    "bad name": (lambda: dotrain.up("Bad Name"), errors.InvalidName, "bert-large"),
    "a path as name": (lambda: dotrain.up("../bad"), errors.InvalidName, "bert-large"),
    "no name": (lambda: dotrain.up(""), errors.InvalidName, "bert-large"),
    "bad address": (
        lambda: dotrain.up("bad", allow="203.0.113.999"),
        errors.InvalidAddress,
        "203.0.113.7",
    ),
    "the seed's empty address": (
        lambda: dotrain.up("bad", allow=[""]),
        errors.InvalidAddress,
        "'me'",
    ),
    "the world": (
        lambda: dotrain.up("bad", allow="0.0.0.0/0"),
        errors.OpenToWorld,
        "open_to_world=True",
    ),
    "the world in halves": (
        lambda: dotrain.up("bad", allow=["0.0.0.0/1", "128.0.0.0/1"]),
        errors.OpenToWorld,
        "open_to_world=True",
    ),
    "nearly the world": (
        lambda: dotrain.up("bad", allow=["me", "2000::/3"]),
        errors.OpenToWorld,
        "open_to_world=True",
    ),
    "nobody by IPv4": (
        lambda: dotrain.up("bad", allow="2001:db8::/64"),
        errors.InvalidAddress,
        "IPv4",
    ),
    "pool and pools": (
        lambda: dotrain.up("bad", pool=Pool(), pools=[Pool()]),
        errors.SpecError,
        "one of them",
    ),
    "a pool that is none": (lambda: dotrain.up("bad", pool="x"), errors.SpecError, "dotrain.Pool"),
    "the class of a pool": (lambda: dotrain.up("bad", pool=Pool), errors.SpecError, "dotrain.Pool"),
    "pools that are none": (lambda: dotrain.up("bad", pools=5), errors.SpecError, "list"),
    "a region that is none": (lambda: dotrain.up("bad", region=5), errors.SpecError, "quotes"),
    "a version that is a number": (
        lambda: dotrain.up("bad", version=1.34),
        errors.SpecError,
        "quotes",
    ),
    "sources that are none": (lambda: dotrain.up("bad", allow=5), errors.SpecError, "list"),
    "a database that is none": (
        lambda: dotrain.up("bad", database=True),
        errors.SpecError,
        "dotrain.Database",
    ),
    "a flag that is none": (lambda: dotrain.up("bad", ha="maybe"), errors.SpecError, "ha=True"),
    "a name with a zero byte": (lambda: dotrain.get("a\0b"), errors.InvalidName, "bert-large"),
    "a path to tear down": (
        lambda: dotrain.down("x/../../sizes", confirm="x/../../sizes"),
        errors.InvalidName,
        "bert-large",
    ),
    "an unknown cluster": (lambda: dotrain.get("nobody"), errors.ClusterNotFound, "clusters()"),
    "a teardown of nothing": (
        lambda: dotrain.down("nobody", confirm="nobody"),
        errors.ClusterNotFound,
        "clusters()",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_before_anything_is_made(name: str, sandbox: Sandbox) -> None:
    call, kind, hint = WRONG[name]
    before = sandbox.last_request()
    with pytest.raises(kind) as caught:
        call()
    said = str(caught.value)
    assert hint in said
    assert "\n" not in said
    assert caught.value.fix
    assert sandbox.changes(before) == []


def test_a_name_that_somebody_else_uses_is_refused(sandbox: Sandbox) -> None:
    sandbox.call(
        "POST",
        "/v2/kubernetes/clusters",
        name="theirs",
        region="nyc3",
        version=sandbox.call("GET", "/v2/kubernetes/options")["options"]["versions"][0]["slug"],
        node_pools=[{"name": "pool", "size": "s-1vcpu-2gb", "count": 1}],
    )
    before = sandbox.last_request()
    with pytest.raises(errors.NameInUse, match="Choose another name"):
        dotrain.up("theirs")
    assert sandbox.changes(before) == []


def test_the_world_may_enter_when_that_is_said_and_only_that_once(sandbox: Sandbox) -> None:
    cluster = dotrain.up("open", allow="0.0.0.0/0", open_to_world=True)
    rules = cluster.rules()
    assert "0.0.0.0/0" in set(rules[rules.layer == "control-plane"].peer)
    dotrain.up("open", allow="me")
    with pytest.raises(errors.OpenToWorld):
        dotrain.up("open", allow="0.0.0.0/0")


def test_one_pool_does_not_silently_delete_the_others(sandbox: Sandbox) -> None:
    cluster = dotrain.up("pools", pools=[Pool(name="a"), Pool(name="b")])
    before = sandbox.last_request()
    with pytest.raises(errors.SpecError, match="a, b"):
        dotrain.up("pools", pool=Pool(name="c"))
    with pytest.raises(errors.SpecError, match="Which node pool"):
        cluster.resize(count=2)
    with pytest.raises(errors.SpecError, match="Neither a count nor a size"):
        cluster.resize(pool="a")
    with pytest.raises(errors.SpecError, match="stays"):
        dotrain.up("pools", version="1.21.5-do.0")
    assert sandbox.changes(before) == []


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Work on DigitalOcean itself, from a home of its own."""
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    monkeypatch.setattr(target._Choice, "kind", "digitalocean")
    return monkeypatch


def test_without_a_token_it_says_where_to_get_one(elsewhere: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.MissingToken, match=r"cloud\.digitalocean\.com/account/api/tokens"):
        dotrain.clusters()


def test_a_token_is_never_sent_to_a_stranger(elsewhere: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(500)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    elsewhere.setenv("DIGITALOCEAN_API_URL", f"http://127.0.0.1:{server.server_port}")
    elsewhere.setenv("DIGITALOCEAN_TOKEN", "dop_v1_" + "0" * 64)
    with pytest.raises(errors.UnsafeEndpoint):
        dotrain.clusters()
    server.shutdown()
    server.server_close()
    assert seen == []


def test_a_rejected_token_is_said_so(sandbox: Sandbox) -> None:
    from dotrain import account
    from dotrain.api import Api

    current = target.current()
    wrong = target.Target("sandbox", current.url, "sandbox_wrong", current.directory)
    with (
        closing(Api(wrong)) as api,
        pytest.raises(errors.TokenRejected, match="401") as caught,
    ):
        account.clusters(api)
    assert "sandbox_wrong" not in str(caught.value)


def test_an_api_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    from dotrain import account
    from dotrain.api import Api

    closed = target.Target("sandbox", "http://127.0.0.1:9", "sandbox_x", tmp_path)
    with (
        closing(Api(closed)) as api,
        pytest.raises(errors.Unreachable, match="does not answer"),
    ):
        account.clusters(api)

"""Whatever is in a file of dotrain's: an error of dotrain's, or what it is said to mean."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain import ahead, estimates, ledger, ownfiles, spending
from dotrain.credentials import kubeconfig
from dotrain.engine import checkpoint, journal, locks, state
from dotrain.engine.workspace import Backend
from dotrain.pricing import Price
from dotrain.target import Target
from tests.fuzz.strategies import QUICK, Refused, contents, mangled, refusals, texts
from tests.unit import test_credentials, test_state

CLUSTER = {"id": "c-1", "node_pools": [{"size": "s-1vcpu-2gb", "nodes": []}]}
NODES = {
    "cluster": "c-1",
    "nodes": {"n-1": ["s-1vcpu-2gb", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]},
}
RECORD = state.record(test_state.SPEC, test_state.RESOLVED)
STATE = test_state.checkpoint(
    test_state.resource("digitalocean:index/vpc:Vpc", "vpc"), record=RECORD, outputs={"a": 1}
)
LOCK = {"pid": 7, "username": "ada", "hostname": "desk", "timestamp": "2026-01-02T03:04:05.6789Z"}
CARD = {
    "card": {
        "id": "1",
        "kind": "apply",
        "title": "up bert",
        "pid": 1,
        "born": 0.0,
        "user": "ada",
        "host": "desk",
        "started": "2026-01-02T03:04:05Z",
    },
    "at": 1.0,
}


@pytest.fixture
def target(tmp_path: Path) -> Target:
    ownfiles.private_dir(tmp_path / "stacks" / "bert")
    return Target("sandbox", "http://127.0.0.1:1", "none", tmp_path)


def test_a_checkpoint_is_read_or_said_to_be_damaged(tmp_path: Path) -> None:
    backend = Backend("", tmp_path)
    path = backend.checkpoint("bert")
    path.parent.mkdir(parents=True)

    @QUICK
    @given(contents(STATE) | contents(STATE).map(gzip.compress))
    def run(content: bytes) -> None:
        path.write_bytes(content)
        with contextlib.suppress(Refused), refusals():
            found = state.read(backend, "bert")
            assert found is None or isinstance(found, state.State)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()


@QUICK
@given(contents(STATE) | contents({"version": 3, "deployment": STATE["checkpoint"]["latest"]}))
def test_an_exported_state_is_read_or_said_to_be_damaged(content: bytes) -> None:
    with contextlib.suppress(Refused), refusals():
        state.exported(content.decode("utf-8", "replace"), "bert")


@QUICK
@given(contents(STATE["checkpoint"]["latest"]))
def test_when_a_state_was_saved_is_a_moment_or_not_known(content: bytes) -> None:
    try:
        said = checkpoint.moment(json.loads(content))
    except ownfiles.DAMAGED:
        return
    assert said is None or said.tzinfo is dt.timezone.utc


def test_a_lock_is_somebodys(tmp_path: Path) -> None:
    @QUICK
    @given(contents(LOCK))
    def run(content: bytes) -> None:
        (tmp_path / "one.json").write_bytes(content)
        (lock,) = locks.find(tmp_path)
        assert str(lock)

    run()


def test_a_line_of_a_journal_says_something_or_nothing(tmp_path: Path) -> None:
    lines = [CARD, {"turn": True, "at": 2.0}, {"end": {"error": None}, "at": 3.0}]

    @QUICK
    @given(st.lists(st.sampled_from(lines).flatmap(contents), max_size=4))
    def run(content: list[bytes]) -> None:
        path = tmp_path / "one.jsonl"
        path.write_bytes(b"\n".join([*content, b""]))
        assert journal.Reader(path).state in ("running", "ended", "killed", "elsewhere")
        journal.latest(tmp_path)

    run()


def test_what_is_noted_of_nodes_is_what_they_cost_or_nothing(target: Target) -> None:
    file = target.directory / "stacks" / "bert" / "nodes.json"
    prices = {"s-1vcpu-2gb": Price(0.01786, 12.0)}

    @QUICK
    @given(contents(NODES))
    def run(content: bytes) -> None:
        file.write_bytes(content)
        gone = ledger.gone(target, "bert", CLUSTER)
        assert all(isinstance(one, spending.Node) for one in gone)
        list(spending.of_nodes_gone(gone, prices))

    run()


def test_what_is_in_force_ahead_is_read_or_said_to_be_damaged(target: Target) -> None:
    file = target.directory / "stacks" / "bert" / "ahead.json"

    @QUICK
    @given(contents({"ada@laptop": ["203.0.113.7/32", "2001:db8::7/128"]}))
    def run(content: bytes) -> None:
        file.write_bytes(content)
        with contextlib.suppress(Refused), refusals(str(file)):
            found = ahead.read(target, "bert")
            assert all(isinstance(one, str) for some in found.values() for one in some)

    run()


def test_what_was_measured_is_an_estimate_or_nothing(tmp_path: Path) -> None:
    lines = [{"what": "create cluster", "seconds": 4.5}, {"what": "up", "seconds": 9, "did": ["a"]}]

    @QUICK
    @given(st.lists(st.sampled_from(lines).flatmap(contents), max_size=4))
    def run(content: list[bytes]) -> None:
        (tmp_path / "durations.jsonl").write_bytes(b"\n".join(content))
        past = estimates.read(tmp_path)
        assert past.step("create cluster").words(1)
        assert past.whole("up", {"a"}).words(1)

    run()


YAML = test_credentials.yaml.safe_dump(test_credentials.GOOD)


@QUICK
@given(texts | mangled(YAML, "{}[]:-&*!<> \n\"'abc0") | st.text())
def test_a_kubeconfig_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(Refused), refusals(secret=test_credentials.TOKEN):
        kept: Any = test_credentials.yaml.safe_load(kubeconfig(text))
        ((user,), (cluster,)) = kept["users"], kept["clusters"]
        assert set(user["user"]) == {"token"}
        assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}
        assert cluster["cluster"]["server"].startswith("https://")


@QUICK
@given(texts | mangled("../../bert", "./abc~\\0"))
def test_a_name_from_an_answer_leads_to_no_other_directory(name: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "one" / "two" / "three"
        home.mkdir(parents=True)
        now = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)
        ledger.note(Target("sandbox", "http://127.0.0.1:1", "none", home), name, CLUSTER, now)
        made = [path for path in Path(directory).rglob("*") if path.is_file()]
        assert all(path.parent.parent == home / "stacks" for path in made)

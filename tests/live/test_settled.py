"""What is as it should be costs nothing: neither an engine nor a request."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import dotrain
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(40)


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with a line for each start of the Pulumi CLI."""
    notes = tmp_path / "starts"
    notes.touch()
    cli = tmp_path / "pulumi"
    cli.write_text(f'#!/bin/sh\necho "$1" >> {notes}\nexec {os.environ["DOTRAIN_PULUMI"]} "$@"\n')
    cli.chmod(0o755)
    monkeypatch.setenv("DOTRAIN_PULUMI", str(cli))
    return notes


def starts(notes: Path) -> int:
    return sum("non-interactive" in line for line in notes.read_text().splitlines())


def test_up_starts_no_engine_until_something_is_other_than_it_was(
    sandbox: Sandbox, counted: Path, module_home: Path
) -> None:
    dotrain.up("still", allow="me")
    made, before = starts(counted), sandbox.last_request()
    assert made >= 1
    dotrain.up("still", allow="me")
    dotrain.up("still")
    assert (starts(counted), sandbox.requests(before)) == (made, [])
    # Another spec, another address, another state: each is looked into.
    dotrain.up("still", pool=dotrain.Pool(count=2))
    assert starts(counted) > made
    made = starts(counted)
    dotrain.use_sandbox(address="198.51.100.4")
    dotrain.up("still")
    assert starts(counted) > made
    made = starts(counted)
    state = module_home / "sandbox/state/.pulumi/stacks/dotrain/still.json"
    state.write_text(state.read_text() + "\n")
    dotrain.up("still")
    assert starts(counted) > made
    made = starts(counted)
    dotrain.up("still")
    assert starts(counted) == made
    dotrain.use_sandbox()


def test_up_after_a_failure_or_a_teardown_starts_over(sandbox: Sandbox, counted: Path) -> None:
    dotrain.up("again")
    dotrain.down("again", confirm="again")
    made = starts(counted)
    dotrain.up("again")
    assert starts(counted) > made
    assert [one["name"] for one in sandbox.objects("clusters") if one["name"] == "again"] != []


def test_the_clusters_own_up_reads_everything_all_the_same(sandbox: Sandbox) -> None:
    cluster = dotrain.up("reads")
    before = sandbox.last_request()
    cluster.up()
    assert sandbox.requests(before) != []
    assert sandbox.changes(before) == []

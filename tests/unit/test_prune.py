"""What a stack leaves behind: the newest stays, the rest goes, and a team's is a team's."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dotrain.engine import prune
from dotrain.engine.workspace import Backend


@pytest.fixture
def backend(tmp_path) -> Backend:
    return Backend("file://x", tmp_path / "state")


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def fill(backend: Backend, home: Path, operations: int) -> None:
    for stack in ("bert", "bert-2"):
        stacks, history = backend.checkpoint(stack).parent, backend.history(stack)
        for directory in (stacks, history, home / "logs"):
            directory.mkdir(parents=True, exist_ok=True)
        for suffix in ("json", "json.bak"):
            (stacks / f"{stack}.{suffix}").touch()
        for number in range(operations):
            # Numbers grow by a digit, as text they would not sort.
            moment = 999_999_999_998 + number
            for kind in ("checkpoint", "history"):
                (history / f"{stack}-{moment}.{kind}.json").touch()
            log = f"organization+dotrain+{stack}-20261124T1520{number:02}.log"
            (home / "logs" / log).touch()
            (
                home / "logs" / f"pulumi-20261124T1520{number:02}-{number + 2**30}-stack_new.log"
            ).touch()


def test_the_newest_copies_and_logs_of_a_stack_stay(backend, tmp_path) -> None:
    fill(backend, tmp_path, 6)
    prune.prune(backend, "bert", tmp_path)
    assert names(backend.history("bert")) == {
        f"bert-{moment}.{kind}.json"
        for moment in (1_000_000_000_002, 1_000_000_000_003)
        for kind in ("checkpoint", "history")
    }
    logs = names(tmp_path / "logs")
    assert {name for name in logs if "bert-2026" in name} == {
        "organization+dotrain+bert-20261124T152005.log"
    }
    # Another stack's are its own matter.
    assert len(names(backend.history("bert-2"))) == 12
    assert len([name for name in logs if "bert-2-2026" in name]) == 6
    assert len([name for name in logs if name.startswith("pulumi-")]) == 1
    assert names(backend.checkpoint("bert").parent) >= {"bert.json", "bert.json.bak"}


def test_the_log_of_a_command_that_runs_stays(backend, tmp_path) -> None:
    fill(backend, tmp_path, 2)
    running = tmp_path / "logs" / f"pulumi-20260101T000000-{os.getpid()}-stack_new.log"
    running.touch()
    prune.prune(backend, "bert", tmp_path)
    assert running.exists()


def test_what_a_killed_engine_did_not_finish_writing_goes_after_a_while(backend, tmp_path) -> None:
    fill(backend, tmp_path, 1)
    old, new = (backend.checkpoint(f"bert.json.{one}").with_suffix(".tmp") for one in "ab")
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    prune.prune(backend, "bert", tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_nothing_is_removed_from_a_teams_backend(backend, tmp_path) -> None:
    fill(backend, tmp_path, 6)
    before = set((tmp_path / "state").rglob("*"))
    shared = replace(backend, shared=True)
    prune.prune(shared, "bert", tmp_path)
    prune.forget(shared, "bert", tmp_path, tmp_path / "Pulumi.yaml")
    prune.prune(Backend("s3://states", None, shared=True), "bert", tmp_path)
    assert set((tmp_path / "state").rglob("*")) == before


def test_nothing_of_a_removed_stack_stays_that_could_bring_it_back(backend, tmp_path) -> None:
    fill(backend, tmp_path, 2)
    for path in backend.history("bert").glob("*.history.json"):
        path.unlink()
    backend.checkpoint("bert").unlink()
    prune.forget(backend, "bert", tmp_path, tmp_path / "Pulumi.yaml")
    left = {path for path in (tmp_path / "state").rglob("bert*") if path.is_file()}
    assert left
    assert all(path.name.startswith("bert-2") for path in left)

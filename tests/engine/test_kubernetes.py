"""Installing the control plane's programs: once, whole or not at all, and a reason when not."""

from __future__ import annotations

import os

import pytest

from dotrain import config
from dotrain.engine import kubernetes
from dotrain.errors import EngineBuildFailed, SandboxError

PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}


def quiet(_: str) -> None:
    """Listen to no progress."""


def test_all_programs_are_built_once_and_are_in_their_place(home, slow_go):
    said = []
    place = kubernetes.install(said.append)
    assert place == home / "kubernetes" / config.KUBERNETES
    assert {path.name for path in place.iterdir()} >= PROGRAMS
    assert all(os.access(place / name, os.X_OK) for name in PROGRAMS)
    assert "about 10 minutes" in said[0]
    assert kubernetes.install(said.append) == place
    assert len(slow_go.read_text().split()) == 1
    left = {path.name for path in (home / "kubernetes").iterdir()}
    assert left == {"lock", config.KUBERNETES}


def test_an_interrupted_build_leaves_nothing(home, slow_go):
    def interrupt(line: str) -> None:
        if line.startswith("compiled"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kubernetes.install(interrupt)
    assert slow_go.exists()
    assert [path.name for path in (home / "kubernetes").iterdir()] == ["lock"]


def test_another_place_can_be_given(home, slow_go, tmp_path, monkeypatch):
    monkeypatch.setenv("DOTRAIN_KUBERNETES", str(tmp_path / "a" / "b"))
    assert kubernetes.install(quiet) == tmp_path / "a" / "b"
    assert kubernetes.complete(tmp_path / "a" / "b")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_a_failing_build_is_an_error_of_the_sandbox_that_says_why(home, slow_go):
    slow_go.parent.joinpath("slow-go", "go").write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo "go version go1.99.0 x/y" && exit\n'
        'echo "a.go:1:2: no space left on device"; exit 1\n'
    )
    with pytest.raises(SandboxError, match="no space left on device") as caught:
        kubernetes.install(quiet)
    assert isinstance(caught.value.__cause__, EngineBuildFailed)


def test_a_place_that_is_taken_is_refused_before_anything_is_built(
    home, slow_go, tmp_path, monkeypatch
):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "etcd").touch(mode=0o700)
    monkeypatch.setenv("DOTRAIN_KUBERNETES", str(taken))
    with pytest.raises(SandboxError, match="lacks kube-apiserver, kube-controller-manager"):
        kubernetes.install(quiet)
    assert not slow_go.exists()
    assert (taken / "etcd").exists()


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_built(
    home, slow_go, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DOTRAIN_KUBERNETES", str(tmp_path / "file" / "kubernetes"))
    with pytest.raises(SandboxError, match="DOTRAIN_KUBERNETES"):
        kubernetes.install(quiet)
    assert not slow_go.exists()

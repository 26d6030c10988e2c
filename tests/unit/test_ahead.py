"""What is in force and not recorded is remembered, and forgotten when it is recorded."""

from __future__ import annotations

import stat

import pytest

from dotrain import ahead
from dotrain.target import Target

ADA = {"ada@laptop": ("203.0.113.7/32", "2001:db8::7/128")}
BEN = {"ben@desktop": ("198.51.100.4/32",)}


@pytest.fixture
def target(tmp_path) -> Target:
    return Target("sandbox", "http://127.0.0.1:1", "none", tmp_path)


def test_nothing_is_ahead_at_first_and_reading_makes_nothing(target) -> None:
    assert ahead.read(target, "bert") == {}
    ahead.clear(target, "bert", {})
    assert list(target.directory.iterdir()) == []


def test_it_is_there_for_this_user_until_it_is_recorded(target) -> None:
    ahead.write(target, "bert", ADA)
    assert ahead.read(target, "bert") == ADA
    assert ahead.read(target, "gpt") == {}
    (file,) = (target.directory / "stacks" / "bert").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ahead.clear(target, "bert", ADA)
    assert ahead.read(target, "bert") == {}


def test_what_came_into_force_meanwhile_is_not_forgotten(target) -> None:
    ahead.write(target, "bert", ADA)
    ahead.write(target, "bert", ADA | BEN)
    ahead.clear(target, "bert", ADA)
    assert ahead.read(target, "bert") == ADA | BEN
